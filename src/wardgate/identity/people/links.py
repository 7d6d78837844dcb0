"""One-time links that mail carries: to prove an address, to set a password, to take up an invitation.

Opening one changes nothing, since scanners of mail open links too: the page it shows has a form, and the form uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity.errors import PageError
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

LinkKind = Literal["verify", "join", "reset"]
_SPACES: Mapping[LinkKind, Literal["email", "reset"]] = {
    "verify": "email",
    "join": "email",
    "reset": "reset",
}

HOUR = 3600.0
DAY = 86400.0


async def make_link(
    server: Server, tx: Transaction, kind: LinkKind, path: str, document: Mapping[str, Any], seconds: float
) -> str:
    """The URL of a link that works once, for so many seconds."""
    token = new_secret("ot", server.random)
    stored = {**document, "kind": kind}
    await tx.once.put(_SPACES[kind], server.digest(token), stored, server.clock() + seconds)
    return f"{server.settings.url(path)}?{urlencode({'token': token})}"


async def read_link(server: Server, tx: Transaction, kind: LinkKind, token: str | None) -> Mapping[str, Any]:
    """What an unused link stands for. Raises PageError when it is none (any more)."""
    record = None
    if token is not None and is_secret(token, "ot"):
        record = await tx.once.look(_SPACES[kind], server.digest(token))
    if record is None or record.used_at is not None or record.expires_at <= server.clock():
        raise void()
    if record.document["kind"] != kind:
        raise void()
    return record.document


async def use_link(server: Server, tx: Transaction, kind: LinkKind, token: str | None) -> Mapping[str, Any]:
    """The same, to one caller only: afterwards it is used. Raises PageError."""
    document = None
    if token is not None and is_secret(token, "ot"):
        document = await tx.once.take(_SPACES[kind], server.digest(token), server.clock())
    if document is None or document["kind"] != kind:
        raise void()
    return document


def void() -> PageError:
    """What is shown for a link that does not count (any more)."""
    return PageError(
        "This link does not work any more",
        "Links in mail work once and for a limited time, and a newer one may have taken its place.",
        "Ask for a new one.",
    )
