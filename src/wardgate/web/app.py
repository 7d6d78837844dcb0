"""The control process's ASGI application: each room brings its routes, this module puts them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import wardgate
from wardgate.domain.settings import ServerSettings
from wardgate.web.admin_api.prefix import PREFIX
from wardgate.web.bridge import SupervisorBridge
from wardgate.web.environments import IdentityApps
from wardgate.web.health import health_routes
from wardgate.web.identity import IdentityApp
from wardgate.web.metrics import metrics_routes

_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(
    settings: ServerSettings,
    bridge: SupervisorBridge,
    probe_store: Callable[[], None],
    identity: IdentityApp | IdentityApps | None = None,
    admin: ASGIApp | None = None,
    more: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """The application of one installation; ``probe_store`` raises StoreUnavailableError when the store is away.

    The paths of ``identity`` are looked for first and go straight to it; those of ``admin`` begin with its prefix.
    ``more`` are routes beside these.
    """
    routes: Sequence[BaseRoute] = [
        *health_routes(bridge, probe_store),
        *metrics_routes(bridge),
        *more,
        Route("/", _index(settings)),
    ]
    others = Starlette(routes=routes, exception_handlers={HTTPException: _problem})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await others(scope, receive, send)
        elif identity is not None and identity.serves(scope["path"]):
            await identity(scope, receive, send)
        elif admin is not None and scope["path"].startswith(f"{PREFIX}/"):
            await admin(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


def _index(settings: ServerSettings) -> Callable[[Request], JSONResponse]:
    def index(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "service": "wardgate",
                "version": wardgate.__version__,
                "environment": settings.environment,
                "links": {
                    "admin": f"{PREFIX}/openapi.json",
                    "metrics": "/metrics",
                    "liveness": "/livez",
                    "readiness": "/readyz",
                },
            },
            headers=_SECURITY_HEADERS,
        )

    return index


def _problem(request: Request, error: Exception) -> JSONResponse:
    """An HTTP error as problem details (RFC 9457)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "Internal error"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return JSONResponse(
        {"type": "about:blank", "title": detail, "status": status},
        status_code=status,
        headers={**headers, **_SECURITY_HEADERS},
        media_type="application/problem+json",
    )
