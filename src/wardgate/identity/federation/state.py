"""A sign-in under way at a foreign provider: one use, ten minutes, and only in the browser it began in.

The browser carries ``state``; the store has its digest and no secret. Nonce and PKCE verifier follow from ``state`` and the
master key, so neither is stored and whoever reads the store, or the browser's address bar, can make neither.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call
from wardgate.identity.intake import admit
from wardgate.identity.people.cookies import cookie_value, set_cookie
from wardgate.identity.server import Server
from wardgate.jose.encoding import encode

LIFETIME = 600
COOKIE = "federation"
_NONCE, _VERIFIER = b"wardgate/federation/nonce/v1\x00", b"wardgate/federation/verifier/v1\x00"
_REMEDY = "Go back to where you wanted to sign in, and start again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Why a sign-in began. ``request`` is the handle of a request that waits, or empty: then ``page`` (a name of
    ``arrival.PAGES``) is where it leads. ``purpose`` ``link``: to add the account to that of ``session``.

    ``max_age``: seconds since the person proved who they are at the provider, at most; ``strict`` refuses a provider
    that does not say.
    """

    provider: str
    purpose: Literal["sign_in", "link"] = "sign_in"
    request: str = ""
    page: str = "account"
    session: str = ""
    max_age: int | None = None
    strict: bool = False
    started_at: float = 0.0


async def begin(server: Server, call: Call, beginning: Beginning) -> tuple[str, tuple[str, str]]:
    """``state`` of a new sign-in of the browser of ``call``, and the header that binds it to that browser.

    Raises:
        ThrottledError: too many come from there.
    """
    admit(server, call)
    cookie = cookie_value(server.settings, call, COOKIE)
    if not is_secret(cookie, "ot"):
        cookie = new_secret("ot", server.random)
    state = new_secret("ot", server.random)
    document = {
        "environment": server.settings.environment,
        "binding": server.digest(cookie).hex(),
        **{name: getattr(beginning, name) for name in Beginning.__slots__},
        "started_at": server.clock(),
    }
    async with server.store.writing() as tx:
        await tx.once.put("federation", server.digest(state), document, server.clock() + LIFETIME)
    return state, set_cookie(server.settings, cookie, suffix=COOKIE, max_age=LIFETIME)


async def use(server: Server, call: Call, provider: str, state: str | None) -> Beginning:
    """What ``state`` stands for, to one caller: afterwards it is used.

    Raises:
        PageError: it is unknown, over, used, another browser's, or of a sign-in at another provider.
    """
    record = None
    if state is not None and is_secret(state, "ot"):
        async with server.store.reading() as tx:
            record = await tx.once.look("federation", server.digest(state))
    if state is None or record is None or record.document["environment"] != server.settings.environment:
        raise PageError(
            "This sign-in is unknown", "Nobody here began the sign-in this answer is for.", _REMEDY
        )
    _check_browser(server, call, record.document)
    if record.document["provider"] != provider:
        raise PageError(
            "This answer is from another provider",
            "The sign-in it belongs to began at a different one, so it is not accepted.",
            _REMEDY,
            status=403,
        )
    async with server.store.writing() as tx:
        taken = await tx.once.take("federation", server.digest(state), server.clock())
    if taken is None:
        raise PageError(
            "This sign-in has ended", "It took too long, or its answer was used already.", _REMEDY
        )
    return Beginning(**{name: taken[name] for name in Beginning.__slots__})


def nonce_of(server: Server, state: str) -> str:
    """The ``nonce`` that goes with a ``state``."""
    return _derived(server, _NONCE, state)


def verifier_of(server: Server, state: str) -> str:
    """The PKCE verifier that goes with a ``state`` (RFC 7636 section 4.1)."""
    return _derived(server, _VERIFIER, state)


def _derived(server: Server, label: bytes, state: str) -> str:
    return encode(hmac.digest(server.store.master_key(), label + state.encode(), "sha256"))


def _check_browser(server: Server, call: Call, document: Mapping[str, Any]) -> None:
    cookie = cookie_value(server.settings, call, COOKIE)
    if not hmac.compare_digest(server.digest(cookie).hex(), document["binding"]):
        raise PageError(
            "This sign-in began in another browser",
            "It can be finished only where it was started. If a link led you here, do not follow it again.",
            _REMEDY,
            status=403,
        )
