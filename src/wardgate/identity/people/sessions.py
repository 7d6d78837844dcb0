"""Browser sessions: begun at every sign-in with a secret of their own, listed, and ended."""

from __future__ import annotations

import re
from collections.abc import Collection

from wardgate.control.ids import new_id
from wardgate.domain.people import Session, User
from wardgate.domain.tokenform import new_secret
from wardgate.identity.backchannel import announce
from wardgate.identity.http import Call
from wardgate.identity.people.cookies import drop_cookie, set_cookie
from wardgate.identity.people.current import current_session
from wardgate.identity.ports import Transaction
from wardgate.identity.revoking import end_grants
from wardgate.identity.server import Server

#: One factor; two of different kinds, or a passkey that checked who holds it.
ACR_ONE = "urn:wardgate:acr:1"
ACR_TWO = "urn:wardgate:acr:2"

#: Seconds after a sign-in within which one may change how one signs in.
RECENT = 600.0
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_LONGEST_AGENT = 200

_Header = tuple[str, str]


async def start_session(
    server: Server, tx: Transaction, call: Call, user: User, *, amr: Collection[str], acr: str
) -> tuple[Session, _Header]:
    """The session of a person who has just proved who they are, and the header that gives the browser its secret.

    The secret is always new, so one that was planted before the sign-in opens nothing. A person who signs in again where
    they are signed in already keeps the session's id (``sid``); another person's session there is ended.
    """
    now = server.clock()
    secret = new_secret("ss", server.random)
    here = await current_session(server, tx, call)
    if here is not None and here[1].id != user.id:
        await end_sessions(server, tx, [here[0]])
        here = None
    session = Session(
        id=here[0].id if here else new_id("ses", now),
        user=user.id,
        environment=server.settings.environment,
        created_at=here[0].created_at if here else now,
        seen_at=now,
        expires_at=now + server.settings.session_lifetime,
        auth_time=now,
        acr=acr,
        amr=tuple(dict.fromkeys(amr)),
        address=call.address,
        agent=_UNPRINTABLE.sub("", call.header("user-agent") or "")[:_LONGEST_AGENT],
    )
    if here:
        await tx.sessions.replace(session, server.digest(secret))
    else:
        await tx.sessions.add(session, server.digest(secret))
    return session, set_cookie(server.settings, secret)


async def sessions_of(server: Server, tx: Transaction, user: User) -> list[Session]:
    """The user's live sessions in every environment of this installation, used last first."""
    now, idle = server.clock(), server.settings.session_idle
    found = await tx.sessions.of_user(user.id, now)
    return sorted(
        (each for each in found if now < each.seen_at + idle), key=lambda each: each.seen_at, reverse=True
    )


async def end_sessions(server: Server, tx: Transaction, sessions: Collection[Session]) -> None:
    """Ends sessions, and what applications got in them, unless a person let them keep it (``offline_access``).

    Applications that asked to hear of it will.
    """
    await announce(server, tx, sessions)
    await tx.sessions.revoke([session.id for session in sessions], server.clock())
    for session in sessions:
        grants = await tx.grants.find(session=session.id)
        await end_grants(server, tx, [each for each in grants if "offline_access" not in each.scopes])


async def end_all(server: Server, tx: Transaction, user: User, *, but: str = "") -> None:
    """Ends every session of the user in every environment, but the one with the id ``but``."""
    found = await tx.sessions.of_user(user.id, server.clock())
    await end_sessions(server, tx, [each for each in found if each.id != but])


async def end_current(server: Server, tx: Transaction, call: Call) -> _Header:
    """Signs this browser out; the header that deletes its cookie."""
    found = await current_session(server, tx, call)
    if found is not None:
        await end_sessions(server, tx, [found[0]])
    return drop_cookie(server.settings)


def is_recent(server: Server, session: Session) -> bool:
    """Whether the person proved who they are within ``RECENT``."""
    return server.clock() - session.auth_time <= RECENT
