"""Who is sitting at the browser: the session its cookie names, if it still counts."""

from __future__ import annotations

from dataclasses import replace

from wardgate.domain.people import Session, User
from wardgate.domain.tokenform import is_secret
from wardgate.identity.http import Call
from wardgate.identity.people.cookies import cookie_value
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

#: A use within so many seconds of the one noted last is not noted: a page must not cost a write each time.
_NOTE_SECONDS = 60.0


async def current_session(server: Server, tx: Transaction, call: Call) -> tuple[Session, User] | None:
    """The live session of the browser and its user; ``None`` for anything else.

    Live: of this environment, not revoked, younger than its absolute lifetime, used within the idle lifetime, and of
    an active user. Reads only; :func:`note_use` moves the idle time.
    """
    secret = cookie_value(server.settings, call)
    if not is_secret(secret, "ss"):
        return None
    session = await tx.sessions.by_digest(server.digest(secret))
    if session is None or not is_live(server, session):
        return None
    user = await tx.users.get(session.user)
    return None if user is None or user.status != "active" else (session, user)


def is_live(server: Server, session: Session) -> bool:
    """Whether the session counts now, whoever its user is."""
    now = server.clock()
    return (
        session.environment == server.settings.environment
        and session.revoked_at is None
        and now < session.expires_at
        and now < session.seen_at + server.settings.session_idle
    )


async def note_use(server: Server, call: Call) -> None:
    """Afterwards the browser's session, if it has one, counts as used now (to the minute) from this address."""
    secret = cookie_value(server.settings, call)
    if not is_secret(secret, "ss"):
        return
    digest, uses = server.digest(secret), server.memory.uses
    if uses.noted(digest, server.clock()):
        return
    async with server.store.reading() as tx:
        found = await current_session(server, tx, call)
    if found is None:
        return
    if server.clock() < found[0].seen_at + _NOTE_SECONDS:
        uses.note(digest, found[0].seen_at + _NOTE_SECONDS)
        return
    async with server.store.writing() as tx:
        again = await current_session(server, tx, call)
        if again is not None:
            await tx.sessions.replace(replace(again[0], seen_at=server.clock(), address=call.address))
