"""Which resource servers a token is for (RFC 8707): the whole gateway unless the client asks for less or for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from wardgate.identity.errors import OAuthError
from wardgate.identity.ports import KnownClient
from wardgate.identity.server import Server

_MOST = 20
_LONGEST = 2048


async def targets(server: Server, known: KnownClient, values: Sequence[str]) -> tuple[str, ...]:
    """The ``resource`` values as audiences, in order, each once; none where there are none.

    One may be the issuer (the whole gateway), the issuer followed by the base path of a deployed API that the client's
    application is subscribed to, or one of the client's own audiences.

    Raises:
        OAuthError: ``invalid_target``.
    """
    if len(values) > _MOST:
        raise _refused(f"More than {_MOST} resources")
    found = [await _target(server, known, value) for value in values]
    return tuple(dict.fromkeys(found))


async def _target(server: Server, known: KnownClient, value: str) -> str:
    _check_form(value)
    if value in known.client.audiences:
        return value
    issuer = server.settings.issuer
    plain = value.rstrip("/")
    if plain == issuer:
        return issuer
    if plain.startswith(f"{issuer}/"):
        apis = await server.memory.apis.at(server, plain.removeprefix(issuer))
        if not apis.isdisjoint(known.apis):
            return plain
    raise _refused("The resource is unknown, or the client may not ask for it")


async def own_audiences(server: Server, known: KnownClient) -> frozenset[str]:
    """What the client stands for: itself, its audiences, and the APIs its application is subscribed to."""
    paths = [await server.memory.apis.path_of(server, api) for api in known.apis]
    urls = (server.settings.issuer + path for path in paths if path)
    return frozenset((known.client.id, *known.client.audiences, *urls))


def within(server: Server, granted: Iterable[str], asked: Sequence[str]) -> tuple[str, ...]:
    """``asked``, all of which ``granted`` covers; without any, ``granted``. The issuer covers all that is below it.

    Raises:
        OAuthError: ``invalid_target``: more than was granted.
    """
    had = tuple(granted) or (server.settings.issuer,)
    if not asked:
        return had
    issuer = server.settings.issuer
    for each in asked:
        below = each == issuer or each.startswith(f"{issuer}/")
        if each not in had and not (issuer in had and below):
            raise _refused("The resource is not among those that were granted")
    return tuple(asked)


def _check_form(value: str) -> None:
    """An absolute URI without a fragment (section 2)."""
    try:
        parts = urlsplit(value) if len(value) <= _LONGEST else None
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or not (parts.netloc or parts.path) or "#" in value:
        raise _refused("A resource is an absolute URI without a fragment")


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_target", why)
