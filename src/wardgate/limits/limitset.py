"""All limits of one subscription in one worker: the request path takes from them, all or nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.away import LocalShare
from wardgate.limits.cell import Cell, PermitCell, TokenCell
from wardgate.limits.headers import template
from wardgate.limits.messages import Message, keys_of, softened, softened_key
from wardgate.limits.slots import SlotCell

if TYPE_CHECKING:
    from wardgate.limits.client import LimitClient

LimitReason = Literal[
    "rate_exceeded", "spike_exceeded", "quota_exceeded", "concurrency_exceeded", "limit_unavailable"
]
_REASONS: Final[dict[str, LimitReason]] = {
    "rate": "rate_exceeded",
    "spike": "spike_exceeded",
    "quota": "quota_exceeded",
    "concurrency": "concurrency_exceeded",
}

#: Requests of one subscription that wait for a spike slot in one worker.
MOST_WAITING = 50
#: Seconds until an ask counts as unanswered, and until one the authority put off is sent again.
ASK_TIMEOUT = 2.0
ASK_AGAIN = 0.01


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal. ``reason`` names a rejection, ``retry_after`` is seconds, ``headers`` are the ``RateLimit`` lines,
    each with CRLF (``Retry-After`` is not among them)."""

    reason: LimitReason
    retry_after: float
    headers: bytes


Verdict = Denied | None


class _Wait:
    """The mark of a decision that must wait."""


_WAIT: Final = _Wait()


class LimitSet:
    """The limits a plan puts on one subscription. Made by :meth:`LimitClient.bind`; belongs to one event loop."""

    __slots__ = (
        "_all",
        "_asked",
        "_asked_at",
        "_cells",
        "_client",
        "_hot",
        "_pair",
        "_permits",
        "_quotas",
        "_rates",
        "_reset",
        "_reset_at",
        "_shares",
        "_slots",
        "_soft",
        "_stalled",
        "_template",
        "_timer",
        "_waiters",
        "closed",
        "holds",
        "keys",
        "plan",
        "subscription_id",
    )

    def __init__(self, client: LimitClient, subscription_id: str, plan: Plan) -> None:
        self.subscription_id = subscription_id
        self.plan = plan
        self._client = client
        #: The keys of the plan's counters, in order.
        self.keys = keys_of(subscription_id, plan)
        self._cells: tuple[TokenCell | PermitCell | SlotCell, ...] = tuple(
            _cell(key, limit) for key, limit in zip(self.keys, plan.limits, strict=True)
        )
        #: By quota: the rate that requests past it are held to, a counter of its own.
        self._soft: dict[Cell, TokenCell] = {
            cell: TokenCell(softened_key(cell.key), rate)
            for cell, limit in zip(self._cells, plan.limits, strict=True)
            if (rate := softened(limit)) is not None
        }
        soft = tuple(self._soft.values())
        self.keys += [cell.key for cell in soft]
        self._all = self._cells + soft
        # A spike cell's ``soon`` is always past, so a set with one never takes the short way below.
        self._hot = self._cells
        self._permits = tuple(cell for cell in self._cells if isinstance(cell, PermitCell))
        self._slots = tuple(cell for cell in self._cells if isinstance(cell, SlotCell))
        self._rates = tuple(cell for cell in self._all if isinstance(cell, TokenCell) and cell.step)
        self._quotas = tuple(cell for cell in self._cells if isinstance(cell, TokenCell) and not cell.step)
        alone = len(self._rates) == len(self._quotas) == 1 and not self._permits
        self._pair = (self._rates[0], self._quotas[0]) if alone else None
        self._reset = 0
        self._reset_at = float("-inf")
        self._template = template(plan.limits)
        self._waiters: deque[tuple[asyncio.Future[Verdict], float]] = deque()
        self._asked: list[TokenCell | PermitCell | SlotCell] = []
        self._asked_at: float | None = None
        self._stalled = False
        self._timer = False
        self._shares: dict[str, LocalShare] = {}
        self.closed = False
        #: Whether every admitted request must be followed by :meth:`release`.
        self.holds = bool(self._permits)

    def take(self, now: float) -> Verdict | Awaitable[Verdict]:
        """Admits one request at ``now`` (monotonic seconds) on all limits, or on none.

        ``None``: admitted. An awaitable comes back only if the authority must be asked or a spike slot waited for;
        it may be cancelled. If it was cancelled only after it had been answered with ``None``, the request counts as
        admitted and wants its :meth:`release`.
        """
        hot = self._hot
        for cell in hot:
            if cell.tokens <= cell.low or now >= cell.soon:
                return self._take_slowly(now)
        for cell in hot:
            cell.tokens -= 1
            step = cell.step
            if step:
                tat = cell.tat  # type: ignore[union-attr]  # the hot tuple of such a set holds no spike cell
                cell.tat = (tat if tat > now else now) + step  # type: ignore[union-attr]
        return None

    def release(self) -> None:
        """An admitted request is over; call it once for each if :attr:`holds`."""
        for cell in self._permits:
            item = cell.release()
            if item is not None:
                self._client.give_back([item])

    def headers(self, now: float) -> bytes:
        """The ``RateLimit-Policy`` and ``RateLimit`` lines, each with CRLF; empty without limits."""
        pair = self._pair
        if pair is not None:
            # One rate and one quota, the common plan, without loops and calls: half the cost.
            rate, quota = pair
            full = rate.tat - now
            if full <= 0.0:
                left, wait = rate.burst, 0
            else:
                left = int(rate.burst - full / rate.step + 1e-6)
                wait = int(full + 0.999) if left > 0 else int(rate.left(now)[1] + 0.999)
            if not 0.0 <= self._reset_at - now < 1.0:
                self._render_reset(quota, now)
            return self._template % (left if left > 0 else 0, wait, quota.free + quota.tokens, self._reset)
        values: list[int] = []
        for kind in (self._rates, self._quotas):
            for cell in kind:
                left, seconds = cell.left(now)
                values += (left, int(seconds + 0.999))
        values += [permit.left(now)[0] for permit in self._permits]
        return self._template % tuple(values) if values else self._template

    def _render_reset(self, quota: TokenCell, now: float) -> None:
        """Keeps the whole seconds to the quota's reset until they change."""
        seconds = max(0.0, quota.reset - now)
        self._reset = int(seconds + 0.999)
        self._reset_at = now + seconds % 1.0

    def peek(self, now: float) -> list[str]:
        """A sentence on each limit: what it grants and how it stands as far as this worker knows. Takes nothing."""
        return [_sentence(cell, now) for cell in self._all]

    # -- the long way ---------------------------------------------------------------------------------------------

    def _take_slowly(self, now: float) -> Verdict | Awaitable[Verdict]:
        if self.closed:
            return self._client.bind(self.subscription_id, self.plan).take(now)
        queue = 0.0
        for slot in self._slots:
            queue = slot.queue
            if len(self._waiters) >= MOST_WAITING or slot.estimate(now, len(self._waiters)) - now > queue:
                return self._deny(slot, now, slot.estimate(now, len(self._waiters)) - now - queue)
        if not (self._slots and self._waiters):
            verdict = self._decide(now, now)
            if not isinstance(verdict, _Wait):
                return verdict
        future = self._client.future()
        self._waiters.append((future, now + (queue + ASK_AGAIN if self._slots else ASK_TIMEOUT)))
        self._serve(now)
        return future

    def _decide(self, now: float, arrived: float) -> Verdict | _Wait:
        """Admits one request if every limit allows; else says why not, or that it must wait."""
        missing: list[TokenCell | PermitCell | SlotCell] = []
        refusing: TokenCell | PermitCell | SlotCell | None = None
        wait = False
        cells = self._needed(now)
        for cell in cells:
            if cell.ready(now):
                continue
            if now < cell.hold and cell.tokens <= 0:
                if refusing is None or cell.retry_at > refusing.retry_at:
                    refusing = cell
            elif isinstance(cell, SlotCell) and cell.due(now) is not None:
                wait = True
            else:
                missing.append(cell)
        if refusing is not None:
            return self._deny(refusing, now, refusing.retry_at - now)
        if missing and (self._client.away or self._stalled):
            return _WAIT if wait else self._decide_alone(missing, now)
        if missing or wait:
            return _WAIT
        self._spend(cells, now, arrived)
        self._prefetch(cells, now)
        return None

    def _needed(self, now: float) -> tuple[TokenCell | PermitCell | SlotCell, ...]:
        """The cells a request needs one token of each: a quota known to be used up stands back for its rate."""
        if not self._soft:
            return self._cells
        return tuple(
            self._soft.get(cell, cell) if now < cell.hold and cell.tokens <= 0 else cell
            for cell in self._cells
        )

    def _spend(
        self, cells: tuple[TokenCell | PermitCell | SlotCell, ...], now: float, arrived: float
    ) -> None:
        for cell in cells:
            if isinstance(cell, SlotCell) and arrived < now:
                cell.spend_late(now)
            else:
                cell.spend(now)

    def _decide_alone(self, missing: list[TokenCell | PermitCell | SlotCell], now: float) -> Verdict:
        """Decides without the authority, each limit as its ``when_away`` says."""
        client = self._client
        wall = client.wall()
        shares: list[LocalShare] = []
        for cell in missing:
            if cell.limit.when_away == "deny":
                client.away_decisions["deny"] += 1
                return Denied("limit_unavailable", 1.0, self.headers(now))
            if cell.limit.when_away == "local":
                share = self._shares.get(cell.key)
                if share is None:
                    share = LocalShare(cell.limit, client.workers, cell.left(now)[0], now, wall)
                    self._shares[cell.key] = share
                seconds = share.wait(cell, now, wall)
                if seconds > 0:
                    client.away_decisions["local"] += 1
                    return self._deny(cell, now, seconds)
                shares.append(share)
        for share in shares:
            share.spend(now)
        for cell in self._needed(now):
            if isinstance(cell, PermitCell) or cell not in missing:
                cell.spend(now)
        client.away_decisions["local" if shares else "allow"] += 1
        return None

    def _deny(self, cell: Cell, now: float, seconds: float) -> Denied:
        reason = "quota_exceeded" if cell in self._soft.values() else _REASONS[cell.limit.kind]
        return Denied(reason, max(0.0, seconds), self._headers_without(cell, now, seconds))

    def _headers_without(self, cell: Cell, now: float, seconds: float) -> bytes:
        """:meth:`headers` of a refusal: the limit that refused has nothing left, whatever this worker last heard."""
        values: list[int] = []
        for counted in (*self._rates, *self._quotas):
            left, wait = (0, max(0.0, seconds)) if counted is cell else counted.left(now)
            values += [left, int(wait + 0.999)]
        for permit in self._permits:
            values.append(0 if permit is cell else permit.left(now)[0])
        return self._template % tuple(values) if values else self._template

    def _serve(self, now: float) -> None:
        """Answers those who wait, in order, as far as it goes; asks or sets the timer for the rest."""
        waiters = self._waiters
        while waiters:
            future, deadline = waiters[0]
            if future.done():
                waiters.popleft()
                continue
            verdict = self._decide(now, float("-inf"))
            if isinstance(verdict, _Wait):
                if now <= deadline:
                    self._wait(now)
                    return
                verdict = self._overdue(now)
            waiters.popleft()
            future.set_result(verdict)

    def _overdue(self, now: float) -> Verdict:
        """A request waited as long as it may: for its slot, or for an authority that does not answer."""
        unanswered = self._asked_at is not None and now - self._asked_at > ASK_TIMEOUT
        if self._slots and not unanswered:
            return self._deny(self._slots[0], now, self._slots[0].step)
        return self._decide_alone([cell for cell in self._needed(now) if not cell.ready(now)], now)

    def _wait(self, now: float) -> None:
        """Someone waits: asks for what is missing, or wakes when the spike slot at hand is due."""
        missing: list[TokenCell | PermitCell | SlotCell] = []
        wake: float | None = None
        short_of_slots = False
        for cell in self._needed(now):
            if isinstance(cell, SlotCell):
                due = cell.due(now)
                if due is None:
                    missing.append(cell)
                elif due > now:
                    wake = due if wake is None else max(wake, due)
                short_of_slots = short_of_slots or not cell.covers(now, len(self._waiters))
            elif not cell.ready(now):
                missing.append(cell)
        if missing:
            self._ask(missing, now, need=True)
        elif wake is not None:
            if short_of_slots:
                self._ask(list(self._slots), now, need=False)
            self._wake_in(wake - now)

    def _wake_in(self, seconds: float) -> None:
        if not self._timer:
            self._timer = True
            self._client.later(max(0.0, seconds), self._woken)

    def _woken(self) -> None:
        self._timer = False
        self._serve(self._client.clock())

    # -- the authority --------------------------------------------------------------------------------------------

    def _prefetch(self, cells: tuple[TokenCell | PermitCell | SlotCell, ...], now: float) -> None:
        """Asks ahead for leases that run low or end soon, so that nobody has to wait."""
        if self._asked_at is None and not self._client.away:
            short: list[TokenCell | PermitCell | SlotCell] = [c for c in cells if _runs_low(c, now)]
            if short:
                self._ask(short, now, need=False)

    def _ask(self, cells: list[TokenCell | PermitCell | SlotCell], now: float, *, need: bool) -> None:
        if self._asked_at is not None:
            return
        waiting = len(self._waiters) if need else 0
        asks = []
        if need:
            cells = cells + [c for c in self._needed(now) if c not in cells and _runs_low(c, now)]
        for cell in cells:
            wanted = need and not cell.ready(now)
            slots = len(self._waiters) if isinstance(cell, SlotCell) else waiting
            item = cell.ask(now, slots if wanted or isinstance(cell, SlotCell) else 0)
            if wanted:
                item["need"] = True
            asks.append(item)
        self._asked = cells
        self._asked_at = now
        self._client.ask(self, asks)

    def replied(self, message: Message, now: float) -> None:
        """Takes the authority's reply to the last ask in and answers those who wait for it."""
        for cell, part in zip(self._asked, message["parts"], strict=True):
            cell.reply(part, now)
        self._asked_at = None
        self._asked = []
        self._stalled = False
        self._shares.clear()
        self._reset_at = float("-inf")
        if message["later"] and self._waiters:
            for cell in self._all:
                cell.hold = float("-inf")
            self._wake_in(ASK_AGAIN)
        else:
            self._serve(now)

    def settle(self, now: float) -> list[Message]:
        """What a tick has to report; ends asks that got no answer."""
        if self._asked_at is not None:
            if now - self._asked_at > ASK_TIMEOUT and not self._stalled:
                self._stalled = True
                self._serve(now)
            return []
        if self._waiters:
            self._serve(now)
        items = (cell.surrender(now) if self.closed else cell.settle(now) for cell in self._all)
        return [item for item in items if item is not None]

    def recall(self, key: str, now: float) -> list[Message]:
        """Gives back what is not in use of the counter ``key``."""
        items = (cell.surrender(now) for cell in self._all if cell.key == key)
        return [item for item in items if item is not None]

    def close(self, now: float) -> list[Message]:
        """Gives everything back; requests that come later go to the set bound then."""
        self.closed = True
        self._hot = (_cell("", Limit(kind="concurrency", amount=1)),)
        return self.settle(now)

    def lost(self, now: float) -> None:
        """The authority is gone: voids every lease and decides on those who wait."""
        for cell in self._all:
            cell.lost()
        self._asked_at = None
        self._asked = []
        self._stalled = False
        self._serve(now)

    def idle(self) -> bool:
        """Whether nothing is held, asked, waited for or left to report."""
        return self._asked_at is None and not self._waiters and all(cell.empty() for cell in self._all)


def _cell(key: str, limit: Limit) -> TokenCell | PermitCell | SlotCell:
    if limit.kind == "concurrency":
        return PermitCell(key, limit)
    if limit.kind == "spike":
        return SlotCell(key, limit)
    return TokenCell(key, limit)


def _runs_low(cell: Cell, now: float) -> bool:
    return isinstance(cell, TokenCell) and (
        0 < cell.tokens <= cell.low or (cell.soon <= now < cell.until and cell.soon < cell.until)
    )


def _sentence(cell: TokenCell | PermitCell | SlotCell, now: float) -> str:
    limit = cell.limit
    left, seconds = cell.left(now)
    if limit.kind == "concurrency":
        text = f"concurrency: at most {limit.amount} in flight; {left} free"
    elif limit.kind == "spike":
        text = f"spike: one request each {cell.step:g} s; " + (
            "a slot is free" if left else f"next slot in {seconds:.3f} s"
        )
    elif limit.kind == "quota":
        text = f"quota: {limit.amount} per {limit.per} ({limit.timezone}); {left} left, window ends in {seconds:.0f} s"
    else:
        burst = limit.amount if limit.burst is None else limit.burst
        text = f"rate: {limit.amount} per {limit.per}, burst {burst}; {left} left now"
    if now < cell.hold and cell.tokens <= 0 and not cell.ready(now):
        text += f"; refused for another {cell.retry_at - now:.3f} s"
    return text
