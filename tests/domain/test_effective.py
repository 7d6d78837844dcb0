"""Which limit is in force: the one set closest to the caller, of each kind and period."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.effective import Shadowed, effective
from wardgate.domain.limit import Limit


def quota(amount: int, per: str = "day", **more: object) -> Limit:
    """A quota."""
    return Limit(kind="quota", amount=amount, per=per, **more)  # type: ignore[arg-type]


def test_the_closest_place_decides_and_what_it_shadows_is_kept() -> None:
    """The API's own, the plan's, the subscription's, the application's: each before the ones named earlier."""
    own, plan, controls, application = quota(1), quota(2), quota(3), quota(4)
    (found,) = effective([own], [plan], [controls], [application])
    assert (found.origin, found.limit) == ("application", application)
    assert found.shadows == (
        Shadowed(origin="subscription", limit=controls),
        Shadowed(origin="plan", limit=plan),
        Shadowed(origin="default", limit=own),
    )


def test_other_kinds_and_periods_stay_in_force() -> None:
    """A quota a day takes the place of no quota a month and of no rate."""
    rate = Limit(kind="rate", amount=5, per="second")
    found = effective([], [rate, quota(100, "month"), quota(10)], [quota(20)], [])
    assert [(each.origin, each.limit) for each in found] == [
        ("plan", rate),
        ("plan", quota(100, "month")),
        ("subscription", quota(20)),
    ]


def test_limits_of_one_place_stand_beside_each_other() -> None:
    """Two quotas a day in different time zones are both in force, and both go when another place sets one."""
    both = [quota(5), quota(6, timezone="Europe/Berlin")]
    assert [each.limit for each in effective([], both, [], [])] == both
    (one,) = effective([], both, [], [quota(7)])
    assert [shadowed.limit for shadowed in one.shadows] == both


LIMITS = st.lists(
    st.builds(
        Limit,
        kind=st.sampled_from(["rate", "quota"]),
        amount=st.integers(1, 9),
        per=st.sampled_from(["minute", "day"]),
    ),
    max_size=4,
)


@given(LIMITS, LIMITS, LIMITS, LIMITS)
def test_every_limit_is_in_force_or_shadowed_by_one_set_closer(
    own: list[Limit], plan: list[Limit], controls: list[Limit], application: list[Limit]
) -> None:
    """No limit is lost, and none is shadowed by one of its own place or of one further away."""
    order = ["default", "plan", "subscription", "application"]
    found = effective(own, plan, controls, application)
    for each in found:
        for shadowed in each.shadows:
            assert order.index(shadowed.origin) < order.index(each.origin)
            assert (shadowed.limit.kind, shadowed.limit.per) == (each.limit.kind, each.limit.per)
    in_force = {(each.limit.kind, each.limit.per) for each in found}
    assert in_force == {(limit.kind, limit.per) for limit in (*own, *plan, *controls, *application)}
    for origin, limits in zip(order, (own, plan, controls, application), strict=True):
        for limit in limits:
            told = [
                each
                for each in found
                if (each.origin, each.limit) == (origin, limit)
                or Shadowed(origin=origin, limit=limit) in each.shadows  # type: ignore[arg-type]
            ]
            assert told
