"""A page of one's own: which accounts at providers one can sign in with, and the end of that."""

from __future__ import annotations

from typing import Any

from wardgate.domain.people import Link, User
from wardgate.identity import trail
from wardgate.identity.federation.choices import choices
from wardgate.identity.federation.rights import NO_RIGHTS, set_rights
from wardgate.identity.http import Reply
from wardgate.identity.people.guard import Visit, guarded
from wardgate.identity.people.notices import notify
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

#: Factors that sign somebody in by themselves.
_ALONE = ("password", "passkey")


async def show(visit: Visit) -> Reply:
    """The page."""
    return await _page(visit)


async def unlink(visit: Visit) -> Reply:
    """Ends a link, and the roles that came with it; not the last way to sign in."""
    server, form = visit.server, visit.call.form
    provider_id, subject = form.get("provider") or "", form.get("subject") or ""
    async with server.store.writing() as tx:
        found = await tx.providers.link(provider_id, subject)
        if found is None or found.user != visit.user.id:
            return visit.back("linked")
        last = not await ways_besides(server, tx, visit.user, found)
        if not last:
            await tx.providers.remove_link(provider_id, subject)
            await set_rights(server, tx, visit.user.id, NO_RIGHTS, source=provider_id)
            provider = await tx.providers.get(provider_id)
            name = provider.name if provider is not None else provider_id
            await notify(server, tx, visit.user, f"An account at {name} was unlinked from yours")
            who = trail.person(visit.user.id, visit.call)
            await trail.tell(
                server, tx, "account.unlink", visit.user.id, actor=who, after={"provider": provider_id}
            )
    if last:
        error = "This is your only way to sign in. Set a password or add a passkey first."
        return await _page(visit, error=error, status=409)
    return visit.back("linked", "unlinked")


async def ways_besides(server: Server, tx: Transaction, user: User, link: Link) -> int:
    """In how many ways the user can still sign in here without ``link``."""
    factors = [each for each in await tx.factors.of_user(user.id) if each.kind in _ALONE]
    others = [
        each
        for each in await tx.providers.links_of(user.id)
        if (each.provider, each.subject) != (link.provider, link.subject)
    ]
    active = 0
    for each in others:
        provider = await tx.providers.get(each.provider)
        active += (
            provider is not None
            and provider.status == "active"
            and provider.environment == server.settings.environment
        )
    return len(factors) + active


async def _page(visit: Visit, *, error: str = "", status: int = 200) -> Reply:
    async with visit.server.store.reading() as tx:
        links: list[dict[str, Any]] = []
        for each in await tx.providers.links_of(visit.user.id):
            provider = await tx.providers.get(each.provider)
            if provider is not None:
                links.append({"name": provider.name, "provider": provider.id, "subject": each.subject})
        offered = await choices(visit.server, tx)
    context = {"title": "Linked accounts", "links": links, "providers": offered, "error": error}
    return visit.show("linked.html", context, status)


ROUTES = (
    Route(("GET",), "/oauth2/account/linked", guarded(show, "linked"), "page"),
    Route(("POST",), "/oauth2/account/linked/remove", guarded(unlink, "linked", recent=True), "page"),
)
