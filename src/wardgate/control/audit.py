"""Reads, verifies, exports and shortens the audit trail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from wardgate.control.authority import require
from wardgate.control.errors import InvalidError
from wardgate.control.ports import Store, Transaction
from wardgate.control.second_person import TRAIL_NEEDED
from wardgate.domain.audit import AuditEvent, AuditFilter, AuditRecord
from wardgate.domain.chain import Head, Problem, Seal, Walk

Clock = Callable[[], float]

#: Rows read at a time, and records of one page at most.
STEP = 500
MOST = 1000
DAY = 86_400.0
#: No setting makes the trail shorter than that, so that nobody makes it forget what they did just before, nor whose accounts
#: are one person's.
LEAST_DAYS = int(TRAIL_NEEDED // DAY)
#: Links let go in one transaction.
CUT_AT_ONCE = 5000

EVERYTHING = AuditFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What verifying found. ``problem`` is the first thing wrong; then ``links`` and ``head`` say how far all was right.

    ``since`` is the time of the first link, Unix seconds; ``compared``: whether the head given lies within the trail.
    """

    links: int
    head: Head
    since: float | None
    compared: bool
    problem: Problem | None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


async def verify(store: Store, *, head: Head | None = None) -> Verdict:
    """Whether any link was changed, removed, exchanged or added by somebody without the master key, or an end was cut.

    With a ``head`` kept from earlier, also whether the whole was put back to an older state.
    """
    async with store.reading() as tx:
        require(tx.actor, "audit.view")
        first, last = await tx.audit.end("first"), await tx.audit.end("last")
        walk = Walk(Seal(store.master_key()), first, last, head)
        began = walk.head.seq
        since: float | None = None
        problem = walk.begin()
        after: int | None = None
        while problem is None:
            links = await tx.audit.links(after, STEP)
            if not links:
                problem = walk.finish()
                break
            if since is None and isinstance(links[0].values[1], float):
                since = links[0].values[1]
            for link in links:
                problem = walk.step(link)
                if problem is not None:
                    break
            after = links[-1].seq
    return Verdict(
        links=walk.links,
        head=walk.head,
        since=since,
        compared=head is not None and began <= head.seq <= walk.head.seq,
        problem=problem,
    )


async def head(store: Store) -> Head:
    """Where the trail ends now: to be kept somewhere the store's administrators cannot write.

    Raises:
        ForbiddenError: the actor may not see the trail.
        InvalidError: its end is missing: somebody removed it.
    """
    async with store.reading() as tx:
        require(tx.actor, "audit.view")
        last = await tx.audit.end("last")
    if last is None:
        raise InvalidError(
            "trail",
            "The end of the audit trail is missing",
            "Run `wardgate audit verify`: somebody removed it",
        )
    return Head(last.seq, last.hash)


async def records(
    store: Store, wanted: AuditFilter = EVERYTHING, *, before: int | None = None, limit: int = 50
) -> list[AuditRecord]:
    """The newest records that ``wanted`` holds for, newest first; those older than the link ``before`` only.

    Raises:
        InvalidError: ``limit`` is not from 1 to 1000.
    """
    if not 1 <= limit <= MOST:
        raise InvalidError("limit", f"A page of {limit} records is not possible", f"Ask for 1 to {MOST}")
    async with store.reading() as tx:
        require(tx.actor, "audit.view")
        return await tx.audit.find(wanted, before=before, limit=limit)


async def export(
    store: Store, wanted: AuditFilter = EVERYTHING, *, after: int = 0
) -> AsyncIterator[AuditRecord]:
    """Every record after the link ``after``, oldest first, read a few hundred at a time."""
    while True:
        async with store.reading() as tx:
            require(tx.actor, "audit.view")
            page = await tx.audit.page(after, STEP, wanted)
        for record in page:
            yield record
        if len(page) < STEP:
            return
        after = page[-1].seq


def as_json(record: AuditRecord) -> dict[str, object]:
    """One line of an export. ``at`` is in Unix seconds, ``hash`` and ``previous`` in hexadecimal."""
    event = record.event
    return {
        "seq": record.seq,
        "at": record.at,
        "actor": {"kind": record.actor_kind, "id": record.actor_id, "name": record.actor_name},
        "address": record.address,
        "token": record.token,
        "action": event.action,
        "target": event.target,
        "outcome": event.outcome,
        "environment": event.environment,
        "project": event.project,
        "before": dict(event.before),
        "after": dict(event.after),
        "note": event.note,
        "previous": record.previous.hex(),
        "hash": record.hash.hex(),
    }


async def shorten(store: Store, *, days: float, clock: Clock = time.time) -> int:
    """Lets go of links older than ``days`` (never less than 120), and seals the new beginning; how many went.

    Nothing is let go of that does not verify: a break stays for whoever looks for it.
    """
    oldest = clock() - max(days, LEAST_DAYS) * DAY
    gone = 0
    while True:
        async with store.writing() as tx:
            require(tx.actor, "environments.edit")  # whose retention says how long the trail is kept
            cut = await _cut(tx, Seal(store.master_key()), oldest)
            if cut:
                event = AuditEvent(action="audit.shorten", target="audit", after={"links": cut})
                await tx.audit.record(event, at=clock())
        gone += cut
        if cut < CUT_AT_ONCE:
            return gone


async def retained_days(store: Store) -> int:
    """For how long links are kept: as long as the environment that asks for the most."""
    async with store.reading() as tx:
        require(tx.actor, "environments.view")
        return max(each.settings.retention.audit for each in await tx.environments.all())


async def _cut(tx: Transaction, seal: Seal, oldest: float) -> int:
    walk = Walk(seal, await tx.audit.end("first"), await tx.audit.end("last"))
    if walk.begin() is not None:
        return 0
    after: int | None = None
    ended = False
    while not ended and walk.links < CUT_AT_ONCE:
        links = await tx.audit.links(after, min(STEP, CUT_AT_ONCE - walk.links))
        ended = not links
        for link in links:
            at = link.values[1]
            if not isinstance(at, float) or at >= oldest or walk.step(link) is not None:
                ended = True
                break
            after = link.seq
    if walk.links:
        await tx.audit.cut(walk.head.seq)
        await tx.audit.set_end("first", seal.end("first", walk.head.seq, walk.head.hash))
    return walk.links
