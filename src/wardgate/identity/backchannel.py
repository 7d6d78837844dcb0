"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): applications hear that a session is over.

Whoever ends a session announces it in the same transaction. What is sent is decided after the commit, by what the store
says then; a client that cannot be reached is tried again for some minutes. A process that stops meanwhile sends no more:
the session and its tokens are void all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from wardgate.domain.oauth import Client
from wardgate.domain.people import Session
from wardgate.domain.tokenform import new_jti
from wardgate.identity.fetch import NotJsonError
from wardgate.identity.ports import FetchError, Transaction
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of

_log = logging.getLogger("wardgate.identity")

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TYPE = "logout+jwt"
#: Seconds a logout token is good for (section 2.4 asks for two minutes at most).
LIFETIME = 120
#: Seconds before each further attempt.
WAITS = (1.0, 5.0, 30.0, 120.0, 600.0)
#: Seconds between looks for the commit, and how many there are.
_COMMIT_WAIT, _COMMIT_LOOKS = 0.2, 25
_TRY_AGAIN = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt that failed, and whether another may do better."""

    may_pass: bool
    what: str


async def announce(server: Server, tx: Transaction, sessions: Collection[Session]) -> None:
    """Afterwards the clients of this environment that tokens were issued to in ``sessions`` will hear that they ended.

    To be called in the transaction that ends them, before their grants are gone.
    """
    for session in sessions:
        if session.environment != server.settings.environment:
            continue
        grants = await tx.grants.find(session=session.id, live=False)
        for client_id in dict.fromkeys(grant.client for grant in grants):
            client = await tx.clients.get(client_id)
            if client is not None and client.backchannel_logout_uri:
                work = partial(_tell, server, client, session)
                server.memory.tasks.start(f"back-channel logout at {client.id}", work)


async def _tell(server: Server, client: Client, session: Session) -> None:
    """Sends the logout token until it is taken, once the session is really over."""
    if not await _is_over(server, session):
        return
    failure: _Failure | None = None
    for wait in (0.0, *WAITS):
        await asyncio.sleep(wait)
        failure = await _send(server, client, session)
        if failure is None:
            return
        if not failure.may_pass:
            break
    if failure is not None:
        _log.warning("back-channel logout at %s was given up: %s", client.id, failure.what)


async def _is_over(server: Server, session: Session) -> bool:
    """Whether the transaction that announced it committed; it may still be under way when this is first asked."""
    for _ in range(_COMMIT_LOOKS):
        async with server.store.reading() as tx:
            stored = await tx.sessions.get(session.id)
        if stored is None or stored.revoked_at is not None:
            return True
        await asyncio.sleep(_COMMIT_WAIT)
    return False


async def _send(server: Server, client: Client, session: Session) -> _Failure | None:
    """``None`` if the client took it."""
    token = await logout_token(server, client, session)
    try:
        answer = await server.fetch.post(client.backchannel_logout_uri, {"logout_token": token})
        status = answer.status
    except NotJsonError as error:
        status = error.status
    except FetchError as error:
        return _Failure(True, str(error))
    if status in (200, 204):
        return None
    return _Failure(status >= 500 or status in _TRY_AGAIN, f"answered with {status}")


async def logout_token(server: Server, client: Client, session: Session) -> str:
    """The logout token (section 2.4): who, which session, that it ended; never a ``nonce``."""
    now = server.clock()
    claims = {
        "iss": server.settings.issuer,
        "sub": subject_of(server, client, session.user),
        "aud": client.id,
        "iat": int(now),
        "exp": int(now) + LIFETIME,
        "jti": new_jti(now, server.random),
        "sid": session.id,
        "events": {EVENT: {}},
    }
    return await server.keys.sign(claims, typ=LOGOUT_TYPE, algorithm=client.id_token_alg)
