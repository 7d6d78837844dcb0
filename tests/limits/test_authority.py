"""The authority's own book-keeping."""

from __future__ import annotations

from typing import Any

from wardgate.domain.limit import Limit
from wardgate.limits.authority import Authority
from wardgate.limits.lease import GRACE, LEASE_ALONE
from wardgate.limits.messages import encode_limit

RATE = Limit(kind="rate", amount=60, per="minute", burst=10)
QUOTA = Limit(kind="quota", amount=5, per="month")
WALL = 1_700_000_000.0


def ask(authority: Authority, worker: int, now: float, *items: dict[str, Any]) -> dict[str, Any]:
    reply = authority.handle(worker, {"kind": "limits.ask", "id": 7, "asks": list(items)}, now, WALL + now)
    assert reply is not None
    return reply


def wish(key: str, limit: Limit, want: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "limit": encode_limit(limit), "want": want, "need": True, **more}


def test_an_ask_is_granted_whole_or_not_at_all() -> None:
    """If one limit has nothing left, none is leased; the reply says which and until when."""
    authority = Authority()
    ask(authority, 1, 0.0, wish("q", QUOTA, 5))
    reply = ask(authority, 1, 0.1, wish("r", RATE, 3), wish("q", QUOTA, 1))
    assert (reply["ok"], reply["id"], [part["grant"] for part in reply["parts"]]) == (False, 7, [0, 0])
    assert ["hold" in part for part in reply["parts"]] == [False, True]
    assert ask(authority, 1, 0.2, wish("r", RATE, 10))["parts"][0]["grant"] == 10


def test_recalls_wait_in_the_outbox_once() -> None:
    """A shortage while another worker holds tokens calls them back and asks to come again, but not forever."""
    authority = Authority()
    ask(authority, 1, 0.0, wish("r", RATE, 10))
    first = ask(authority, 2, 0.01, wish("r", RATE, 1))
    assert (first["ok"], first["later"]) == (False, True)
    assert authority.outbox() == [(1, {"kind": "limits.recall", "keys": ["r"]})]
    assert authority.outbox() == []
    assert ask(authority, 2, 0.02, wish("r", RATE, 1))["later"]
    assert not ask(authority, 2, 0.05, wish("r", RATE, 1))["later"]
    authority.handle(1, {"kind": "limits.return", "items": [{"key": "r", "back": 10}]}, 0.06, WALL)
    assert ask(authority, 2, 0.07, wish("r", RATE, 1))["ok"]


def test_counters_at_rest_are_forgotten_and_quotas_keep_their_number() -> None:
    """Memory is bounded by what is in use; a quota counted in the running window goes on where it was."""
    authority = Authority()
    for number in range(2000):
        authority.handle(1, {"kind": "limits.ask", "id": 1, "asks": [wish(f"r{number}", RATE, 1)]}, 0.0, WALL)
    window = ask(authority, 1, 0.0, wish("q", QUOTA, 5))["parts"][0]["window"]
    returned = [{"key": f"r{number}", "back": 1} for number in range(2000)]
    returned.append({"key": "q", "used": 4, "back": 1, "window": window})
    authority.handle(1, {"kind": "limits.return", "items": returned}, 0.1, WALL)
    assert len(authority) == 2001
    for step in range(10):
        authority.tick(60.0 + step, WALL + 60)
    assert len(authority) == 0
    assert authority.quota_dump() == [("q", window, 4)]
    assert ask(authority, 1, 100.0, wish("q", QUOTA, 5))["parts"][0]["grant"] == 1


def test_describe_tells_how_a_counter_stands() -> None:
    """For operators: what is out, whether something is free, and when if not."""
    authority = Authority()
    assert authority.describe("r", 0.0, WALL) is None
    ask(authority, 1, 0.0, wish("r", RATE, 10))
    assert authority.describe("r", 0.0, WALL) == {
        "kind": "rate",
        "amount": 60,
        "out": 10,
        "free": False,
        "retry_after": 1.0,
    }


def test_a_stale_renewal_does_not_revive_charged_tokens() -> None:
    """A worker that asks after its lease was charged learns from ``out`` what it really holds."""
    authority = Authority()
    ask(authority, 1, 0.0, wish("q", QUOTA, 3))
    over = LEASE_ALONE + GRACE + 0.5
    authority.tick(over, WALL + over)
    part = ask(authority, 1, over + 0.5, wish("q", QUOTA, 1))["parts"][0]
    assert (part["grant"], part["out"]) == (1, 1)
