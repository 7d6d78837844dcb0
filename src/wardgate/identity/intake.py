"""How much may be stored at the word of somebody who has not proved who they are.

An authorization request that waits, a pushed one, a device code: each is a row that anybody may have written. So each
counts against the address it came from; against the client where that has authenticated, as its requests come from one
place for many people. A client's id alone is nobody's to use up: anybody can say it. Counts are of one process, and lost
with it: what they bound is gone within half an hour anyway.
"""

from __future__ import annotations

from wardgate.identity.http import Call
from wardgate.identity.people.lockout import ThrottledError, prefix_of
from wardgate.identity.ports import KnownClient
from wardgate.identity.server import Server

#: Bytes of a request that count as one.
_ONE = 4096


def admit(server: Server, call: Call, known: KnownClient | None = None) -> None:
    """Counts what ``call`` is about to store; ``known`` is the client that authenticated, or said that it needs not.

    Raises:
        ThrottledError: the address, or the client, has to wait.
    """
    size = len(call.body) + sum(len(value) for _, value in call.query.pairs)
    count, now = 1 + size // _ONE, server.clock()
    if known is not None and not known.client.public:
        wait = server.memory.clients.take(known.client.id, now, count)
    else:
        wait = server.memory.addresses.take(prefix_of(call.address), now, count)
    if wait:
        raise ThrottledError(wait)


def admit_proof(server: Server, call: Call, known: KnownClient) -> None:
    """The same for a DPoP proof, which is remembered for a minute and a half, and which any key makes.

    Raises:
        ThrottledError: the address has to wait.
    """
    if known.client.public:
        wait = server.memory.proofs.take(prefix_of(call.address), server.clock())
        if wait:
            raise ThrottledError(wait)
