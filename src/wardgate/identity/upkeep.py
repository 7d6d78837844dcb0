"""What must happen now and then for the server to stay sound: keys follow one another, and what is over is deleted."""

from __future__ import annotations

import asyncio
import logging

from wardgate.identity import trail
from wardgate.identity.keys import KeyRing
from wardgate.identity.server import Server

#: Seconds between two rounds. Several processes may do them at the same time.
EVERY = 60.0
#: Transactions one round deletes in at most, and seconds between two of them.
_MOST_SWEEPS = 100
_PAUSE = 0.05

_log = logging.getLogger("wardgate.identity")


async def run(server: Server, keys: KeyRing, *, every: float = EVERY) -> None:
    """Rounds, the first at once, until cancelled. A round that fails is logged, and the next is tried."""
    while True:
        await round_of(server, keys)
        await asyncio.sleep(every)


async def round_of(server: Server, keys: KeyRing) -> None:
    """One round. Afterwards, as far as the store could be reached, keys are in order and expired rows are gone."""
    try:
        await keys.maintain(server.clock())
    except Exception as error:
        _log.error("signing keys could not be looked after: %s", type(error).__name__)
    try:
        await trail.tell_left_out(server)
    except Exception as error:
        _log.error("failed sign-ins could not be told of: %s", type(error).__name__)
    try:
        swept = await sweep(server)
    except Exception as error:
        _log.error("expired rows could not be deleted: %s", type(error).__name__)
    else:
        if swept:
            _log.info("%d expired rows deleted", swept)


async def sweep(server: Server) -> int:
    """How many expired rows were deleted, in transactions so short that nobody waits long. Raises StoreError."""
    swept = 0
    for _ in range(_MOST_SWEEPS):
        async with server.store.writing() as tx:
            deleted = await tx.sweep(server.clock())
        swept += deleted
        if deleted == 0:
            break
        await asyncio.sleep(_PAUSE)
    return swept
