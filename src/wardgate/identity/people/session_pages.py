"""The browsers one is signed in with, each of which can be signed out from here."""

from __future__ import annotations

from collections.abc import Mapping

from wardgate.identity import trail
from wardgate.identity.http import Reply
from wardgate.identity.people.agents import in_words
from wardgate.identity.people.guard import Visit, guarded
from wardgate.identity.people.sessions import end_all, end_sessions, sessions_of
from wardgate.identity.people.timetext import when
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route

_PATH = "/oauth2/account/sessions"


async def sessions(visit: Visit) -> Reply:
    """The page."""
    async with visit.server.store.reading() as tx:
        found = await sessions_of(visit.server, tx, visit.user)
    listed = [
        {
            "id": each.id,
            "here": each.id == visit.session.id,
            "agent": in_words(each.agent),
            "address": each.address,
            "environment": each.environment,
            "begun": when(each.created_at),
            "seen": when(each.seen_at),
        }
        for each in found
    ]
    return visit.show("sessions.html", {"title": "Your sessions", "sessions": listed})


async def end_one(visit: Visit) -> Reply:
    """Ends the named session, if it is one's own."""
    async with visit.server.store.writing() as tx:
        session = await tx.sessions.get(visit.call.form.get("session") or "")
        if session is not None and session.user == visit.user.id:
            await end_sessions(visit.server, tx, [session])
            await _tell(visit, tx, {"session": session.id})
    return visit.back("sessions", "session")


async def end_others(visit: Visit) -> Reply:
    """Ends every session but this one."""
    async with visit.server.store.writing() as tx:
        await end_all(visit.server, tx, visit.user, but=visit.session.id)
        await _tell(visit, tx, {"all_but": visit.session.id})
    return visit.back("sessions", "sessions")


async def _tell(visit: Visit, tx: Transaction, after: Mapping[str, object]) -> None:
    who = trail.person(visit.user.id, visit.call)
    await trail.tell(visit.server, tx, "session.end", visit.user.id, actor=who, after=after)


ROUTES = (
    Route(("GET",), _PATH, guarded(sessions, "sessions"), "page"),
    Route(("POST",), f"{_PATH}/end", guarded(end_one, "sessions"), "page"),
    Route(("POST",), f"{_PATH}/end-others", guarded(end_others, "sessions"), "page"),
)
