"""Every endpoint of the server: where it is, what answers it, and who may call it from where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from wardgate.identity.http import Call, Reply
from wardgate.identity.server import Server

#: ``api``: called by programs, from any origin, without cookies. ``page``: opened by a person; a POST must come from
#: the server's own pages. ``entry``: a page that others' pages may send a form to (an authorization request, a logout
#: request, a foreign provider's answer); it never acts on a cookie alone. ``document``: public and cacheable.
Kind = Literal["api", "page", "entry", "document"]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. ``path`` may hold ``{name}`` for one segment, which reaches the handler in ``call.query``."""

    methods: tuple[str, ...]
    path: str
    handle: Callable[[Server, Call], Awaitable[Reply]]
    kind: Kind = "api"


def all_routes() -> tuple[Route, ...]:
    """The routes of every module, in the order they are looked through."""
    # Here and not above: each of these modules takes Route from this one.
    from wardgate.identity import (
        authorize,
        consent,
        device_authorization,
        device_page,
        introspection,
        keys,
        logout,
        metadata,
        operator_sign_on,
        par,
        registration,
        revocation,
        token,
        userinfo,
    )
    from wardgate.identity.federation import endpoints as federation
    from wardgate.identity.people import endpoints as people

    modules = (
        authorize,
        consent,
        device_authorization,
        device_page,
        federation,
        introspection,
        keys,
        logout,
        metadata,
        operator_sign_on,
        par,
        people,
        registration,
        revocation,
        token,
        userinfo,
    )
    return tuple(route for module in modules for route in module.ROUTES)
