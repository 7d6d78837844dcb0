"""Requests that wait for a person: kept in the store, known to the browser by a handle, and bound to that browser.

A handle stands in URLs, so it is worth nothing by itself: it works only together with a cookie that the same browser was
given, and what it stands for is checked anew each time. Documents of the space ``authorize``:

``kind``         ``authorize``, ``device``, ``logout``, or ``link`` (``federation/link_pages.py``)
``environment``  whose server it is
``client``       the client's id
``acr``          the least a sign-in must be worth, or empty; ``login_hint``: whom the client expects, or empty
``prompts``      of the request; ``login`` and ``select_account`` ask for a new sign-in
``form_action``  what a page's policy must allow, as the answer to its form may lead to the client
``asked_at``     Unix seconds; ``binding``: the digest of the browser's cookie, empty until it comes back once
``pairs``, ``pushed``, ``signed``  the parameters that count, and how they came; an ``id_token_hint`` is not among them
``hinted``       ``sub`` of that id token, or empty; ``hint``: what a logout needs of it
``user_code``    of a device (RFC 8628)
``shown``        ``session`` and ``scopes`` of the consent page that was shown last
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Reply, redirect
from wardgate.identity.intake import admit
from wardgate.identity.people.cookies import cookie_value, set_cookie
from wardgate.identity.server import Server

#: Seconds a person has to sign in and to agree.
LIFETIME = 1800
COOKIE = "request"
_RESTART = "Go back to the application and start again."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, found by the handle the browser brought."""

    handle: str = field(repr=False)
    document: Mapping[str, Any]

    @property
    def bound(self) -> bool:
        """Whether a browser is bound to it already."""
        return bool(self.document["binding"])


async def keep(
    server: Server, call: Call, document: Mapping[str, Any], *, bind: bool = True
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Stores a request under a new handle and binds it to the browser of ``call``; the handle, and headers to send.

    Without ``bind`` the first browser to come back with it is the one: a form from another site brings no cookies, so
    whose browser it is shows only then.

    Raises:
        ThrottledError: too many come from there.
    """
    admit(server, call)
    handle = new_secret("ot", server.random)
    cookie = ""
    headers: tuple[tuple[str, str], ...] = ()
    if bind:
        cookie = cookie_value(server.settings, call, COOKIE)
        if not is_secret(cookie, "ot"):
            cookie = new_secret("ot", server.random)
        headers = (set_cookie(server.settings, cookie, suffix=COOKIE, max_age=LIFETIME),)
    stored = {
        **document,
        "environment": server.settings.environment,
        "binding": server.digest(cookie).hex() if cookie else "",
    }
    async with server.store.writing() as tx:
        await tx.once.put("authorize", server.digest(handle), stored, server.clock() + LIFETIME)
    return handle, headers


async def find(server: Server, call: Call, handle: str | None) -> Waiting:
    """The request of a handle, if it waits still and this browser brought it. Raises PageError."""
    record = None
    if handle is not None and is_secret(handle, "ot"):
        async with server.store.reading() as tx:
            record = await tx.once.look("authorize", server.digest(handle))
    if handle is None or record is None or record.document["environment"] != server.settings.environment:
        raise PageError("This request is unknown", "Nothing is waiting at this address.", _RESTART)
    if record.used_at is not None:
        raise gone()
    if server.clock() >= record.expires_at:
        raise PageError("This request has expired", "It waited too long for an answer.", _RESTART)
    binding = record.document["binding"]
    cookie = cookie_value(server.settings, call, COOKIE)
    if binding and not hmac.compare_digest(server.digest(cookie).hex(), binding):
        raise PageError(
            "This request began in another browser",
            "It can be finished only where it was started. If a link led you here, do not follow it again.",
            _RESTART,
            status=403,
        )
    return Waiting(handle, record.document)


def to_login(server: Server, handle: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """To the sign-in page, which comes back with the handle."""
    return redirect(server.settings.url(f"/oauth2/login?request={handle}"), *headers)


def to_continue(server: Server, handle: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """To where a request goes on."""
    return redirect(server.settings.url(f"/oauth2/authorize?continue={handle}"), *headers)


def gone() -> PageError:
    """What a browser is told that comes back with a handle that was used."""
    return PageError("This request was answered already", "An answer can be given once only.", _RESTART)
