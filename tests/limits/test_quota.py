"""Quotas: exact to the last request, restored after a restart, renewed with the window."""

from __future__ import annotations

import pytest
from tests.limits.simulation import START, machine

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.authority import Authority
from wardgate.limits.lease import GRACE, LEASE_ALONE
from wardgate.limits.messages import Item, encode_limit
from wardgate.limits.quota import QuotaCounter
from wardgate.limits.window import window_at

MONTH = Limit(kind="quota", amount=50, per="month")
WALL = 1_700_000_000.0


@pytest.mark.parametrize("workers", [1, 4])
def test_the_last_request_of_a_quota_can_be_used_and_no_more(workers: int) -> None:
    """50 of 50 are admitted over one worker or four, then refused until the window's end."""
    plan = Plan(name="p", limits=(MONTH,))
    with machine(workers) as found:
        for number in range(200):
            found.workers[number % workers].take(plan)
            found.run(0.02)
        assert len(found.admissions) == 50
        _, denied = found.denied[-1]
        wall = found.now + found.offset
        assert denied.reason == "quota_exceeded"
        assert denied.retry_after == pytest.approx(window_at("month", "UTC", wall).end - wall, abs=1.0)


def test_a_new_window_gives_the_full_amount_again() -> None:
    """A minute's quota is whole again in the next minute."""
    plan = Plan(name="p", limits=(Limit(kind="quota", amount=5, per="minute"),))
    with machine(2, offset=1_700_000_040.0 - START) as found:
        for number in range(24):
            found.workers[number % 2].take(plan)
            found.run(5.0)
        minutes = [int(at + found.offset) // 60 for at in found.admissions]
        assert [minutes.count(m) for m in sorted(set(minutes))] == [5, 5]


def test_counts_survive_a_restart_through_dump_and_restore() -> None:
    """What was dumped is not admitted again by a new authority; each dump holds what changed since the last."""
    first = Authority()
    ask = {"key": "k", "limit": encode_limit(MONTH), "want": 30, "need": True}
    reply = first.handle(1, {"kind": "limits.ask", "id": 1, "asks": [ask]}, 0.0, WALL)
    assert reply is not None
    window = reply["parts"][0]["window"]
    first.handle(
        1,
        {"kind": "limits.return", "items": [{"key": "k", "used": 20, "back": 10, "window": window}]},
        0.1,
        WALL,
    )
    rows = first.quota_dump()
    assert rows == [("k", window, 20)]
    assert first.quota_dump() == []
    second = Authority()
    second.quota_restore(rows)
    reply = second.handle(2, {"kind": "limits.ask", "id": 1, "asks": [{**ask, "want": 50}]}, 5.0, WALL + 5)
    assert reply is not None
    assert reply["parts"][0]["grant"] == 30


def test_a_restored_count_of_a_past_window_is_dropped() -> None:
    """Old rows neither count nor stay in memory."""
    authority = Authority()
    authority.quota_restore(
        [("k", "2001-01-01T00:00:00+00:00/2001-02-01T00:00:00+00:00", 50), ("l", "junk", 1)]
    )
    authority.tick(0.0, WALL)
    ask = {"key": "k", "limit": encode_limit(MONTH), "want": 50, "need": True}
    reply = authority.handle(1, {"kind": "limits.ask", "id": 1, "asks": [ask]}, 1.0, WALL)
    assert reply is not None
    assert reply["parts"][0]["grant"] == 50
    assert authority._kept == {}


def test_a_dead_or_silent_workers_tokens_count_as_used() -> None:
    """Fail closed: what may have been used was used."""
    counter = QuotaCounter(MONTH, 0.0, WALL)
    counter.grant(1, 10, 0.0, WALL)
    assert counter.gone(1, 0.1)
    counter.grant(2, 10, 0.2, WALL)
    over = 0.2 + LEASE_ALONE + GRACE
    assert not counter.expire(over - 0.1, WALL + over - 0.1)
    assert counter.expire(over + 0.1, WALL + over + 0.1)
    assert counter.used == 20


def test_a_clock_set_back_opens_no_window_again() -> None:
    """The count of the newest window seen stands until that window is over."""
    counter = QuotaCounter(MONTH, 0.0, WALL)
    counter.grant(1, 50, 0.0, WALL)
    counter.report(1, Item(key="k", used=50, window=counter.window.id), 0.1, WALL)
    assert counter.shortage(1, 0.2, WALL - 40 * 86400) is not None


def test_a_lease_ends_with_its_window() -> None:
    """No token of this month is spent in the next."""
    end = window_at("month", "UTC", WALL).end
    counter = QuotaCounter(MONTH, 0.0, end - 0.2)
    assert 0.0 < counter.grant(1, 50, 0.0, end - 0.2)["until"] < 0.2
    assert counter.grant(2, 50, 0.3, end + 0.1)["grant"] >= 12
