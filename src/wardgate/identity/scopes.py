"""Which scopes a token gets (RFC 6749 section 3.3): asked for, allowed to the client, and open to the person."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from wardgate.domain.oauth import OIDC_SCOPES, Client
from wardgate.domain.people import Role
from wardgate.identity.errors import OAuthError
from wardgate.identity.ports import Transaction

_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_MOST = 100
_LONGEST = 8192


def parse(text: str | None) -> tuple[str, ...]:
    """The scopes of a ``scope`` parameter in order, each once. Raises OAuthError ``invalid_scope``."""
    if text is None:
        return ()
    found = tuple(dict.fromkeys(text.split(" "))) if len(text) <= _LONGEST else ()
    if not found or len(found) > _MOST or not all(_TOKEN.fullmatch(scope) for scope in found):
        raise OAuthError("invalid_scope", "The scope is not a list of names between single spaces")
    return found


def for_client(client: Client, text: str | None) -> tuple[str, ...]:
    """The scopes asked for, all of which the client may have; without any, all it may have.

    Raises:
        OAuthError: ``invalid_scope``: not well-formed, or one that is not the client's.
    """
    asked = parse(text)
    if not asked:
        return client.scopes
    if any(scope not in client.scopes for scope in asked):
        raise OAuthError("invalid_scope", "The client may not have one of the scopes it asks for")
    return asked


def narrowed(granted: Sequence[str], text: str | None) -> tuple[str, ...]:
    """The scopes asked for, all of which were granted before; without any, all that were (RFC 6749 section 6).

    Raises:
        OAuthError: ``invalid_scope``.
    """
    asked = parse(text)
    if any(scope not in granted for scope in asked):
        raise OAuthError("invalid_scope", "The scope asks for more than was granted")
    return asked or tuple(granted)


def open_to(scopes: Iterable[str], held: Collection[str], roles: Iterable[Role]) -> tuple[str, ...]:
    """Those of ``scopes`` that a person who holds the roles ``held`` may grant.

    A scope that some role carries is open to holders of such a role only; all others, and OIDC's, to everybody.
    """
    closed: set[str] = set()
    mine: set[str] = set()
    for role in roles:
        closed.update(role.scopes)
        if role.name in held:
            mine.update(role.scopes)
    return tuple(scope for scope in scopes if scope in OIDC_SCOPES or scope in mine or scope not in closed)


async def for_user(
    tx: Transaction, user: str, scopes: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``(scopes, roles)``: those of ``scopes`` the user may grant now, and the roles they hold now."""
    held = await tx.users.roles(user)
    return open_to(scopes, held, await tx.roles.all()), held
