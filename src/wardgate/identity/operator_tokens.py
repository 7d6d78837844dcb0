"""Access tokens of this server as operators of the control plane present them: people who signed in, here or at the
identity providers of the environment, with a client that may ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wardgate.domain.operator import ADMIN_PATH, ADMIN_SCOPE
from wardgate.identity.presented_token import good_access_token
from wardgate.identity.server import Server

#: Grants that a person gave in a browser: in the others a client says who it acts for.
_BY_PERSON = frozenset(("authorization_code", "device_code"))


def admin_audience(server: Server) -> str:
    """What tokens for the control plane are for (RFC 8707)."""
    return server.settings.url(ADMIN_PATH)


def signed_on(*servers: Server) -> Callable[[str], Awaitable[tuple[str, str] | None]]:
    """Reads such tokens of any of ``servers``, one for each environment, for ``control.operators.authenticate``: the id of
    the user and of the token, or ``None``.

    A token counts that is good now, for its own server's control plane and nothing besides, has its scope, and is no more
    than a bearer's: bound to no key, exchanged by nobody.
    """

    async def read(text: str) -> tuple[str, str] | None:
        for server in servers:
            found = await _read(server, text)
            if found is not None:
                return found
        return None

    return read


async def _read(server: Server, text: str) -> tuple[str, str] | None:
    good = await good_access_token(server, text)
    if good is None or good.grant is None:
        return None
    token, grant = good.token, good.grant
    fits = token.audiences == {admin_audience(server)} and ADMIN_SCOPE in token.scopes
    plain = not (token.jkt or token.x5t or token.actors or token.authorization_details)
    personal = grant.kind in _BY_PERSON and grant.client == token.client
    return (grant.subject, token.id) if fits and plain and personal else None
