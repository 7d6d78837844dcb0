"""What somebody was refused, for the audit trail: all of it, but for those who go on and on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from wardgate.domain.audit import AuditEvent
from wardgate.identity.gcra import Rates
from wardgate.web.admin_api.ask import Ask

#: Refusals of one actor that are kept at once, and how many a minute after that.
BURST, A_MINUTE = 100, 10
_MOST = 10_000


class Refusals:
    """Keeps refusals, each in a transaction of its own. Whoever is refused more than anybody is by mistake fills no disk:
    what is left out is counted, and told with the next one that is kept."""

    def __init__(self) -> None:
        self._rates = Rates(A_MINUTE, BURST)
        self._left_out: OrderedDict[str, int] = OrderedDict()

    async def keep(self, ask: Ask, event: Callable[[int], AuditEvent]) -> None:
        """Afterwards ``event`` is in the trail, given how many before it are not; or it is counted."""
        actor, now = f"{ask.actor.kind} {ask.actor.id}", ask.clock()
        if self._rates.take(actor, now):
            self._left_out[actor] = self._left_out.get(actor, 0) + 1
            if len(self._left_out) > _MOST:
                self._left_out.popitem(last=False)
            return
        further = self._left_out.pop(actor, 0)
        async with ask.store.writing() as tx:
            await tx.audit.record(event(further), at=now)
