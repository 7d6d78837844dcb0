"""Pages of one's own: shown to whoever is signed in, and where it matters only to whoever has just signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.people import Session, User
from wardgate.identity.http import Call, Reply, page, redirect
from wardgate.identity.people.arrival import PAGES
from wardgate.identity.people.current import current_session
from wardgate.identity.people.sessions import is_recent
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A call to a page of one's own, with who makes it."""

    server: Server
    call: Call
    session: Session
    user: User

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> Reply:
        """A page with the links of the account in its head."""
        done = self.call.query.get("done") if self.call.method == "GET" else None
        common = {
            "signed_in": self.user.name,
            "user": self.user,
            "done": DONE.get(done or "", ""),
            "error": "",
        }
        return page(template, {**common, **context}, status)

    def back(self, name: str, done: str = "") -> Reply:
        """To the page called ``name`` in ``arrival.PAGES``, which then says what was done."""
        url = self.server.settings.url(PAGES[name])
        return redirect(f"{url}?done={done}" if done else url)


#: What a page says after something was done, by the word in its address.
DONE: Mapping[str, str] = {
    "profile": "Your profile was saved.",
    "mail-sent": "A link was sent to the new address. Open it to finish the change.",
    "password": "Your password was changed. Your other sessions were ended.",
    "totp": "The app was added. Make recovery codes now, if you have none.",
    "passkey": "The passkey was added. Make recovery codes now, if you have none.",
    "removed": "It was removed.",
    "linked": "The account was linked. You can sign in with it from now on.",
    "unlinked": "The account was unlinked.",
    "session": "The session was ended.",
    "sessions": "All other sessions were ended.",
    "taken-back": "Access was taken back. The application's tokens are refused from now on.",
    "reset": "Your password was set. Sign in with it.",
    "verified": "Your address is confirmed.",
    "signed-out": "You are signed out.",
}


def guarded(
    handle: Callable[[Visit], Awaitable[Reply]], name: str, *, recent: bool = False
) -> Callable[[Server, Call], Awaitable[Reply]]:
    """``handle`` for those who are signed in (``recent``: within the last ten minutes). Others are asked to sign in,
    and come back to the page called ``name``; nothing of what they sent is done."""

    async def handler(server: Server, call: Call) -> Reply:
        async with server.store.reading() as tx:
            found = await current_session(server, tx, call)
        if found is None or (recent and not is_recent(server, found[0])):
            return redirect(server.settings.url(f"/oauth2/login?next={name}"))
        return await handle(Visit(server=server, call=call, session=found[0], user=found[1]))

    return handler
