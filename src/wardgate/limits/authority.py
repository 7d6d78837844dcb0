"""The one authority of all counters on a machine: the memory of the supervisor. Sans-I/O: time and messages go in,
messages come out.

Times called ``now`` are seconds of the machine's monotonic clock, which all processes share; ``wall`` is Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wardgate.domain.limit import Limit
from wardgate.limits.concurrency import ConcurrencyCounter
from wardgate.limits.counter import Counter, Shortage
from wardgate.limits.gcra import RateCounter
from wardgate.limits.messages import (
    ASK,
    RECALL,
    REPLY,
    RETURN,
    Item,
    LimitMessageError,
    Message,
    decode_items,
)
from wardgate.limits.quota import QuotaCounter
from wardgate.limits.spike import SpikeCounter
from wardgate.limits.window import window_end

#: A counter unused this long (seconds) may be swept; a sweep looks at so many counters a tick.
_IDLE = 10.0
_SWEPT_A_TICK = 500
_EXPIRED_EVERY = 0.2


class Authority:
    """Holds every counter and leases tokens of it to workers, so that all together never exceed a limit."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._kept: dict[str, tuple[str, int]] = {}
        self._changed: dict[str, None] = {}
        self._workers: dict[int, None] = {}
        self._outbox: list[tuple[int, Message]] = []
        self._leased: dict[str, None] = {}
        self._sweep: list[str] = []
        self._expired_at = float("-inf")

    def __len__(self) -> int:
        """How many counters are held."""
        return len(self._counters)

    def handle(self, worker: int, message: dict[str, Any], now: float, wall: float) -> Message | None:
        """Books the reports in ``message``; the reply to a ``limits.ask``, ``None`` for a ``limits.return``.

        Recalls this caused wait in :meth:`outbox`.

        Raises:
            LimitMessageError: the message cannot be read. Nothing of it was booked.
        """
        self._workers[worker] = None
        kind = message.get("kind")
        if kind == ASK:
            return self._ask(worker, message, now, wall)
        if kind == RETURN:
            for item in decode_items(message, "items"):
                counter = self._counters.get(item.key)
                if counter is not None:
                    self._report(counter, worker, item, now, wall)
            return None
        raise LimitMessageError(f"message kind {kind!r} is not for the limits authority")

    def outbox(self) -> list[tuple[int, Message]]:
        """The messages that wait for workers, each once. Deliver them after every :meth:`handle`."""
        messages, self._outbox = self._outbox, []
        return messages

    def worker_gone(self, worker: int, now: float) -> None:
        """What ``worker`` held of rates and quotas counts as used; its requests in flight are over."""
        self._workers.pop(worker, None)
        for key, counter in self._counters.items():
            if counter.gone(worker, now):
                self._changed[key] = None

    def tick(self, now: float, wall: float) -> list[tuple[int, Message]]:
        """Charges overdue leases and forgets counters at rest; returns messages to deliver. Call it every 50-250 ms."""
        if now - self._expired_at >= _EXPIRED_EVERY:
            self._expired_at = now
            for key in list(self._leased):
                counter = self._counters.get(key)
                if counter is None or counter.leases.total == 0:
                    del self._leased[key]
                elif counter.expire(now, wall):
                    self._changed[key] = None
        self._forget(now, wall)
        return self.outbox()

    def quota_dump(self) -> list[tuple[str, str, int]]:
        """``(key, window, used)`` of every quota that changed since the last dump."""
        rows = []
        for key in self._changed:
            counter = self._counters.get(key)
            if isinstance(counter, QuotaCounter):
                rows.append((key, counter.window.id, counter.used))
            elif key in self._kept:
                rows.append((key, *self._kept[key]))
        self._changed.clear()
        return rows

    def quota_restore(self, rows: Iterable[tuple[str, str, int]]) -> None:
        """Counts go on from ``rows`` of an earlier :meth:`quota_dump`. Call it before the first ask."""
        for key, window, used in rows:
            self._kept[key] = (window, used)

    def describe(self, key: str, now: float, wall: float) -> dict[str, Any] | None:
        """How the counter ``key`` stands, for operators; ``None`` if it is at rest. Changes nothing."""
        counter = self._counters.get(key)
        if counter is None:
            return None
        short = counter.shortage(-1, now, wall)
        return {
            "kind": counter.limit.kind,
            "amount": counter.limit.amount,
            "out": counter.leases.total,
            "free": short is None,
            "retry_after": 0.0 if short is None else max(0.0, short.retry_at - now),
        }

    def _ask(self, worker: int, message: Message, now: float, wall: float) -> Message:
        items = decode_items(message, "asks")
        counters = [self._counter(item, now, wall) for item in items]
        for item, counter in zip(items, counters, strict=True):
            counter.leases.saw(worker, now)
            self._report(counter, worker, item, now, wall)
        short = [
            counter.shortage(worker, now, wall) if item.need else None
            for item, counter in zip(items, counters, strict=True)
        ]
        refused = any(short)
        later = refused and self._call_back(worker, items, counters, short, now)
        parts = []
        for item, counter, lack in zip(items, counters, short, strict=True):
            part = counter.grant(worker, 0 if refused else item.want, now, wall)
            if item.need and lack is None and part["grant"] < item.want:
                # All there was: the rest of those who wait need not ask again to be refused, unless others hold some.
                lack = counter.shortage(worker, now, wall)
                if lack is not None and lack.recallable and _may_call(counter, now):
                    lack = None
            if lack is not None:
                part["retry_at"] = lack.retry_at
                part["hold"] = lack.hold
            if counter.leases.total:
                self._leased[item.key] = None
            parts.append(part)
        return {
            "kind": REPLY,
            "id": message.get("id"),
            "ok": not refused,
            "later": later,
            "parts": parts,
            "workers": len(self._workers),
        }

    def _call_back(
        self,
        worker: int,
        items: list[Item],
        counters: list[Counter],
        short: list[Shortage | None],
        now: float,
    ) -> bool:
        """Calls back what other workers may hold unused of what is short; whether to ask again shortly."""
        lacking = [(i, c, s) for i, c, s in zip(items, counters, short, strict=True) if s is not None]
        if not all(
            s.recallable and (c.leases.may_recall(now) or c.leases.recalling(now)) for _, c, s in lacking
        ):
            return False
        for item, counter, _ in lacking:
            if counter.leases.may_recall(now):
                counter.leases.recalled_at = now
                for other in counter.leases.held:
                    if other != worker:
                        self._outbox.append((other, {"kind": RECALL, "keys": [item.key]}))
        return True

    def _report(self, counter: Counter, worker: int, item: Item, now: float, wall: float) -> None:
        counter.touched = now
        if counter.report(worker, item, now, wall):
            self._changed[item.key] = None

    def _counter(self, item: Item, now: float, wall: float) -> Counter:
        counter = self._counters.get(item.key)
        if counter is None:
            if item.limit is None:
                raise LimitMessageError(f"limits item {item.key!r} names an unknown counter and no limit")
            counter = self._make(item.key, item.limit, now, wall)
            self._counters[item.key] = counter
        elif item.limit is not None and item.limit is not counter.limit and item.limit != counter.limit:
            if item.limit.kind != counter.limit.kind:
                raise LimitMessageError(
                    f"limits item {item.key!r} is a {counter.limit.kind} counter, not {item.limit.kind}"
                )
            counter.configure(item.limit, now)
        return counter

    def _make(self, key: str, limit: Limit, now: float, wall: float) -> Counter:
        if limit.kind == "rate":
            return RateCounter(limit, now)
        if limit.kind == "spike":
            return SpikeCounter(limit, now)
        if limit.kind == "concurrency":
            return ConcurrencyCounter(limit, now)
        counter = QuotaCounter(limit, now, wall)
        window, used = self._kept.pop(key, ("", 0))
        if window == counter.window.id:
            counter.used = used
        return counter

    def _forget(self, now: float, wall: float) -> None:
        if not self._sweep:
            self._sweep = [*self._counters, *self._kept]
        chunk, self._sweep = self._sweep[-_SWEPT_A_TICK:], self._sweep[:-_SWEPT_A_TICK]
        for key in chunk:
            counter = self._counters.get(key)
            if counter is None:
                end = window_end(self._kept[key][0]) if key in self._kept else None
                if key in self._kept and (end is None or end <= wall):
                    del self._kept[key]
            elif now - counter.touched > _IDLE and counter.leases.total == 0:
                if counter.at_rest(now, wall):
                    del self._counters[key]
                elif isinstance(counter, QuotaCounter):
                    # A count of the running window must stay, but needs no more than its number.
                    self._kept[key] = (counter.window.id, counter.used)
                    del self._counters[key]


def _may_call(counter: Counter, now: float) -> bool:
    return counter.leases.may_recall(now) or counter.leases.recalling(now)
