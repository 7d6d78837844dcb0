"""Applications with access to one's account: what each may do, whose it is, and taking access back.

Taking back ends the grants, with their refresh and access tokens: the change feed carries it, so gateway workers refuse
the application's tokens within the propagation bound, signed ones included. What was agreed to is forgotten too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.oauth import OIDC_SCOPES, Grant
from wardgate.domain.operator import ADMIN_SCOPE, ADMIN_SCOPE_WORDS
from wardgate.domain.people import User
from wardgate.identity import trail
from wardgate.identity.http import Reply
from wardgate.identity.people.guard import Visit, guarded
from wardgate.identity.people.timetext import when
from wardgate.identity.ports import Transaction
from wardgate.identity.revoking import end_grants
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

_PATH = "/oauth2/account/applications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a client was let do. ``live``: it has access now; else only the answer to its question is remembered."""

    client: str
    scopes: tuple[str, ...]
    since: float
    live: bool


async def access_of(server: Server, tx: Transaction, user: User) -> list[Access]:
    """Every client of this environment that the user let in, newest first."""
    found: dict[str, Access] = {}
    for client, scopes, at in await tx.consents.of_user(user.id):
        found[client] = Access(client=client, scopes=scopes, since=at, live=False)
    for grant in await tx.grants.find(subject=user.id, environment=server.settings.environment):
        known = found.get(grant.client)
        scopes = (*(known.scopes if known else ()), *grant.scopes)
        since = min(grant.created_at, known.since) if known else grant.created_at
        found[grant.client] = Access(
            client=grant.client, scopes=tuple(dict.fromkeys(scopes)), since=since, live=True
        )
    return sorted(found.values(), key=lambda each: each.since, reverse=True)


async def take_back(server: Server, tx: Transaction, user: User, client: str) -> None:
    """Afterwards the client has no access to the user's account, and must ask before it gets any."""
    grants: list[Grant] = await tx.grants.find(subject=user.id, client=client)
    await end_grants(server, tx, grants)
    await tx.consents.remove(user.id, client)


async def applications(visit: Visit) -> Reply:
    """The page."""
    server = visit.server
    words: Mapping[str, str] = {
        **await server.memory.apis.scopes(server),
        **OIDC_SCOPES,
        ADMIN_SCOPE: ADMIN_SCOPE_WORDS,
    }
    async with server.store.reading() as tx:
        listed = [
            described
            for each in await access_of(server, tx, visit.user)
            if (described := await _described(server, tx, each, words)) is not None
        ]
    return visit.show("applications.html", {"title": "Applications with access", "applications": listed})


async def _described(
    server: Server, tx: Transaction, access: Access, words: Mapping[str, str]
) -> dict[str, Any] | None:
    client = await tx.clients.get(access.client)
    if client is None or client.environment != server.settings.environment:
        return None
    application = await tx.applications.find(client.application)
    return {
        "client": client.id,
        "name": client.name or client.id,
        "application": application.name if application is not None else "",
        "owner": application.owner if application is not None else "",
        "scopes": [(scope, words.get(scope) or scope) for scope in access.scopes],
        "since": when(access.since),
        "live": access.live,
    }


async def take_access_back(visit: Visit) -> Reply:
    """Takes back what the named client was given."""
    client = visit.call.form.get("client")
    if client is not None:
        async with visit.server.store.writing() as tx:
            await take_back(visit.server, tx, visit.user, client)
            who = trail.person(visit.user.id, visit.call)
            await trail.tell(visit.server, tx, "consent.withdraw", client, actor=who)
    return visit.back("applications", "taken-back")


ROUTES = (
    Route(("GET",), _PATH, guarded(applications, "applications"), "page"),
    Route(("POST",), f"{_PATH}/take-back", guarded(take_access_back, "applications"), "page"),
)
