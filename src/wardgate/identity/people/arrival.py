"""Why a person comes to sign in, and where they go on to: nowhere but to a request that waits or a page of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wardgate.identity import waiting
from wardgate.identity.http import Call, Parameters
from wardgate.identity.server import Server

#: What ``next`` may say. An address never travels through a parameter, so there is none to be sent astray by.
PAGES: Mapping[str, str] = {
    "account": "/oauth2/account",
    "security": "/oauth2/account/security",
    "sessions": "/oauth2/account/sessions",
    "applications": "/oauth2/account/applications",
    "linked": "/oauth2/account/linked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """``request`` is the handle of a request that waits, or empty; ``page`` a name of :data:`PAGES`.

    Of the request: ``acr`` the least a sign-in must be worth, ``hint`` whom the client expects, ``form_action`` what the
    page's policy must allow, ``client`` the name of the application it belongs to.
    """

    request: str = field(default="", repr=False)
    page: str = "account"
    acr: str = ""
    hint: str = ""
    form_action: tuple[str, ...] = ()
    client: str = ""

    def onward(self, server: Server) -> str:
        """The URL to go on to."""
        if self.request:
            return server.settings.url(f"/oauth2/authorize?continue={self.request}")
        return server.settings.url(PAGES[self.page])


async def read_arrival(server: Server, call: Call, parameters: Parameters) -> Arrival:
    """What ``request`` and ``next`` of the parameters say; without them the account's first page.

    Raises:
        PageError: the request is unknown, over, or another browser's.
    """
    handle = parameters.get("request")
    if handle is None:
        name = parameters.get("next") or "account"
        return Arrival(page=name if name in PAGES else "account")
    document = (await waiting.find(server, call, handle)).document
    known = await server.clients.known(document["client"])
    return Arrival(
        request=handle,
        acr=document.get("acr", ""),
        hint=document.get("login_hint", ""),
        form_action=tuple(document.get("form_action", ())),
        client=known.application.name if known is not None else "",
    )
