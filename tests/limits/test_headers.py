"""The RateLimit fields."""

from __future__ import annotations

import pytest
from tests.limits.simulation import machine

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.headers import names_of, policy_line, template

RATE = Limit(kind="rate", amount=100, per="minute", burst=20)
QUOTA = Limit(kind="quota", amount=10, per="day")
SPIKE = Limit(kind="spike", amount=5, per="second")
FLIGHT = Limit(kind="concurrency", amount=10)


def test_the_policy_line_names_every_limit() -> None:
    """Quota units and windows as the draft has them."""
    assert policy_line((RATE, SPIKE, QUOTA, FLIGHT)) == (
        b'RateLimit-Policy: "rate";q=100;w=60, "spike";q=5;w=1, "quota";q=10;w=86400, '
        b'"concurrency";q=10;qu="concurrent-requests"\r\n'
    )


def test_no_limits_no_headers() -> None:
    """An empty plan adds nothing; a plan of spikes only has no RateLimit line."""
    assert template(()) == b""
    assert b"RateLimit:" not in template((SPIKE,))


def test_names_are_unique() -> None:
    """Limits of one kind are told apart by period, then by number."""
    limits = (
        QUOTA,
        RATE,
        Limit(kind="quota", amount=9, per="month"),
        Limit(kind="quota", amount=7, per="day"),
    )
    assert names_of(limits) == ["quota-day", "rate", "quota-month", "quota-day-2"]


@pytest.mark.parametrize("extra", [(), (FLIGHT,)])
def test_remaining_counts_down_and_comes_back(extra: tuple[Limit, ...]) -> None:
    """``r`` is what is left after this request, ``t`` the seconds until the count is whole, or until the next token."""
    with machine() as found:
        plan = Plan(name="p", limits=(RATE, QUOTA, *extra))
        limits = found.workers[0].client.bind("s1", plan)
        seen = []
        for _ in range(4):
            found.workers[0].take(plan)
            found.run(0.001)
            seen.append(limits.headers(found.now).split(b"\r\n")[1])
        assert [line.split(b";")[1] for line in seen] == [b"r=19", b"r=18", b"r=17", b"r=16"]
        assert [line.split(b";")[3] for line in seen] == [b"r=9", b"r=8", b"r=7", b"r=6"]
        assert seen[3].split(b";")[2].startswith(b"t=3")
        found.run(1.3)
        assert b'"rate";r=18;t=' in limits.headers(found.now)


def test_a_refusal_carries_the_state() -> None:
    """A used-up rate says 0 and when the next token comes."""
    with machine() as found:
        for _ in range(30):
            found.workers[0].take(Plan(name="p", limits=(RATE,)))
        found.run(0.01)
        assert found.denied[0][1].headers.endswith(b'RateLimit: "rate";r=0;t=1\r\n')


def test_a_refusal_never_says_that_something_is_left() -> None:
    """Also where other workers spent what this one has not heard of yet, the limit that refused shows 0."""
    with machine(workers=3) as found:
        for turn in range(60):
            for number, worker in enumerate(found.workers):
                for _ in range(1 + (turn + number) % 3):
                    worker.take(Plan(name="p", limits=(RATE,)))
            found.run(0.02)
        assert len(found.denied) > 100
        for _, denied in found.denied:
            assert (denied.reason, b'"rate";r=0;' in denied.headers) == ("rate_exceeded", True)
