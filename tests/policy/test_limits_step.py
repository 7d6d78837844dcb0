"""The limits step, with the real limits behind it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.policy.exchanges import DIGEST, Directory, compiled, exchange, principal, reason, verdict

from wardgate.domain.limit import Limit, Plan
from wardgate.domain.rejection import Rejection
from wardgate.limits.authority import Authority
from wardgate.limits.client import LimitClient
from wardgate.limits.limitset import LimitSet
from wardgate.policy.exchange import Exchange

(ITEMS,) = compiled().resources


class Limits:
    """A client and its authority; what the authority says waits until :meth:`deliver`."""

    def __init__(self, *limits: Limit) -> None:
        self.authority = Authority()
        self.client = LimitClient(self._send, time.monotonic, time.time)
        self.replies: list[dict[str, Any]] = []
        self.directory = Directory(
            {DIGEST: principal()}, {"free": Plan(name="free", limits=limits)}, self.client
        )

    def _send(self, message: dict[str, Any]) -> None:
        reply = self.authority.handle(1, message, time.monotonic(), time.time())
        if reply is not None:
            self.replies.append(reply)

    def deliver(self) -> None:
        """The authority is heard."""
        replies, self.replies = self.replies, []
        for reply in replies:
            self.client.on_message(reply)

    @property
    def busy(self) -> int:
        """Permits in use."""
        return sum(cell.busy for limits in self.client._sets.values() for cell in limits._permits)

    async def request(self) -> tuple[Exchange, Rejection | None]:
        """One request through all steps."""
        made = exchange(ITEMS, directory=self.directory)
        made.now = time.monotonic()
        for step in made.resource.steps:
            outcome = step(made)
            if outcome is not None and not isinstance(outcome, Rejection):
                waiting = asyncio.ensure_future(outcome)
                await asyncio.sleep(0)
                self.deliver()
                outcome = await waiting
            if outcome is not None:
                return made, outcome
        return made, None


async def test_a_request_within_the_limits_passes_and_is_counted() -> None:
    """First by asking, then from the lease; the answer's lines say what is left."""
    limits = Limits(Limit(kind="rate", amount=3, per="hour"))
    for _ in range(3):
        made, refused = await limits.request()
        assert refused is None
        assert isinstance(made.limit_set, LimitSet)
        assert b"RateLimit" in made.limit_set.headers(time.monotonic())
    made, refused = await limits.request()
    assert refused is not None
    assert (refused.reason.name, refused.reason.status) == ("rate_exceeded", 429)
    assert made.limit_set is None


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(kind="rate", amount=1, per="hour"), "rate_exceeded"),
        (Limit(kind="quota", amount=1, per="day"), "quota_exceeded"),
        (Limit(kind="concurrency", amount=1), "concurrency_exceeded"),
        (Limit(kind="spike", amount=1, per="hour", queue=0.0), "spike_exceeded"),
    ],
)
async def test_each_kind_refuses_by_its_name(limit: Limit, expected: str) -> None:
    """429 with when to come back and the limits' own lines, whole."""
    limits = Limits(limit)
    assert (await limits.request())[1] is None
    _, refused = await limits.request()
    assert refused is not None
    assert (refused.reason.name, refused.reason.status) == (expected, 429)
    assert refused.retry_after is not None
    assert refused.retry_after >= 0
    assert all(line and b"\r" not in line and b"\n" not in line for line in refused.headers)
    assert any(line.startswith(b"RateLimit-Policy: ") for line in refused.headers)


async def test_a_refusal_by_one_limit_spends_none() -> None:
    """A request refused for its quota holds no permit."""
    limits = Limits(Limit(kind="concurrency", amount=5), Limit(kind="quota", amount=1, per="day"))
    made, refused = await limits.request()
    assert refused is None
    assert made.limit_set is not None
    made.limit_set.release()
    for _ in range(3):
        assert (await limits.request())[1] is not None
    assert limits.busy == 0


@pytest.mark.parametrize("turn", ["while it is asked", "as the answer comes", "after it was admitted"])
async def test_a_wait_that_is_cancelled_leaves_no_permit(turn: str) -> None:
    """Whenever the client leaves: also when it had been admitted and did not know yet."""
    limits = Limits(Limit(kind="concurrency", amount=1))
    made = exchange(ITEMS, directory=limits.directory)
    *before, step = made.resource.steps
    for each in before:
        assert each(made) is None
    outcome = step(made)
    assert outcome is not None
    assert not isinstance(outcome, Rejection)
    waiting = asyncio.ensure_future(outcome)
    await asyncio.sleep(0)
    if turn == "after it was admitted":
        limits.deliver()
        assert limits.busy == 1
    waiting.cancel()
    if turn == "while it is asked":
        await asyncio.sleep(0)
    limits.deliver()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert limits.busy == 0
    assert made.limit_set is None
    assert (await limits.request())[1] is None


def test_what_has_no_plan_has_no_limits() -> None:
    """A subscription without a plan, and a plan without limits."""
    assert reason(exchange(ITEMS, principal(plan=None))) == "ok"
    made = exchange(ITEMS, principal())
    assert verdict(made) is None
    assert made.limit_set is None
