"""A worker's limits: hands out the limit set of each subscription and speaks with the authority for all of them."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from wardgate.domain.limit import Plan
from wardgate.limits.limitset import Denied, LimitSet
from wardgate.limits.messages import ASK, RECALL, REPLY, RETURN, LimitMessageError, Message

#: Limit sets kept; the one unused longest goes first.
MOST_SETS = 4096
_ITEMS_A_MESSAGE = 200


def _new_future() -> asyncio.Future[Denied | None]:
    return asyncio.get_running_loop().create_future()


def _call_later(seconds: float, callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, callback)


class LimitClient:
    """All limits of one worker. Not thread-safe: belongs to the worker's event loop.

    ``send`` takes a message to the authority and keeps the order; ``clock`` is the machine's monotonic clock, ``wall`` is
    Unix time. ``future`` and ``later`` default to the running event loop's.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
        *,
        future: Callable[[], asyncio.Future[Denied | None]] = _new_future,
        later: Callable[[float, Callable[[], None]], None] = _call_later,
        most_sets: int = MOST_SETS,
    ) -> None:
        self._send = send
        self._sets: OrderedDict[tuple[str, str], LimitSet] = OrderedDict()
        self._most_sets = most_sets
        self._by_key: dict[str, LimitSet] = {}
        self._busy: dict[LimitSet, None] = {}
        self._pending: dict[int, LimitSet] = {}
        self._ids = itertools.count(1)
        self.clock = clock
        self.wall = wall
        self.future = future
        self.later = later
        #: Whether the authority is away.
        self.away = False
        #: Workers that share the authority, as it last said.
        self.workers = 1
        #: Decisions made without the authority, by ``when_away``: for the metric.
        self.away_decisions: Counter[str] = Counter()

    def bind(self, subscription_id: str, plan: Plan) -> LimitSet:
        """The limit set of this subscription: the same object for the same pair until the plan changes."""
        pair = (subscription_id, plan.name)
        known = self._sets.get(pair)
        if known is not None:
            if known.plan is plan or known.plan == plan:
                self._sets.move_to_end(pair)
                return known
            self._close(known)
        limits = LimitSet(self, subscription_id, plan)
        self._sets[pair] = limits
        self._by_key.update(dict.fromkeys(limits.keys, limits))
        if len(self._sets) > self._most_sets:
            self._close(self._sets.popitem(last=False)[1])
        return limits

    def forget_plan(self, name: str) -> None:
        """Every set of the plan gives its leases back; the next :meth:`bind` makes a new one."""
        for pair in [pair for pair in self._sets if pair[1] == name]:
            self._close(self._sets.pop(pair))

    def on_message(self, message: dict[str, Any]) -> None:
        """Takes a ``limits.reply`` or ``limits.recall`` in.

        Raises:
            LimitMessageError: the message is of another kind.
        """
        kind = message.get("kind")
        now = self.clock()
        if kind == REPLY:
            self.workers = max(1, message["workers"])
            limits = self._pending.pop(message["id"], None)
            if limits is not None:
                limits.replied(message, now)
        elif kind == RECALL:
            holders = ((key, self._by_key.get(key)) for key in message["keys"])
            self.give_back(
                [i for key, limits in holders if limits is not None for i in limits.recall(key, now)]
            )
        else:
            raise LimitMessageError(f"message kind {kind!r} is not for the limits of a worker")

    def tick(self, now: float) -> None:
        """Reports, returns ended leases, and decides asks that got no answer. Call it every 50-250 ms."""
        items: list[Message] = []
        for limits in list(self._busy):
            items += limits.settle(now)
            if limits.idle():
                del self._busy[limits]
        self.give_back(items)

    def authority_lost(self) -> None:
        """The connection to the authority broke: every lease is void, and each limit does what its ``when_away`` says."""
        self.away = True
        self._pending.clear()
        now = self.clock()
        for limits in list(self._busy):
            limits.lost(now)

    def close(self) -> None:
        """Gives every lease back, for a clean stop."""
        while self._sets:
            self._close(self._sets.popitem()[1])

    def ask(self, limits: LimitSet, asks: list[Message]) -> None:
        """Sends an ask of ``limits``, which then waits for the reply."""
        number = next(self._ids)
        self._pending[number] = limits
        self._busy[limits] = None
        self._send({"kind": ASK, "id": number, "asks": asks})

    def give_back(self, items: list[Message]) -> None:
        """Sends reports and returns, unless nobody is there to hear."""
        if self.away:
            return
        for start in range(0, len(items), _ITEMS_A_MESSAGE):
            self._send({"kind": RETURN, "items": items[start : start + _ITEMS_A_MESSAGE]})

    def _close(self, limits: LimitSet) -> None:
        for key in limits.keys:
            if self._by_key.get(key) is limits:
                del self._by_key[key]
        items = limits.close(self.clock())
        if not limits.idle():
            self._busy[limits] = None
        self.give_back(items)
