"""The admin API as an ASGI application, mounted at ``/admin/v1``."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import wardgate
from wardgate.web.admin_api.actor import WhoAsks
from wardgate.web.admin_api.ask import Services
from wardgate.web.admin_api.idempotency import UnderWay
from wardgate.web.admin_api.models import Problem
from wardgate.web.admin_api.prefix import DOCUMENT, PREFIX
from wardgate.web.admin_api.problems import problem_response
from wardgate.web.admin_api.refusals import Refusals
from wardgate.web.admin_api.rooms import ROOMS, operations_of
from wardgate.web.admin_api.route import OperationRoute

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
#: How pydantic names the schema of ``Page[Key]``.
_GENERIC = re.compile(r"\bPage_([A-Za-z0-9]+)_")
_ABOUT = """Everything an operator does. Send an access token as `Authorization: Bearer ...`.

Answers for one thing carry an `ETag`; whatever changes the thing needs it as `If-Match`, so that nobody overwrites what
they have not seen. Lists come in pages: follow `next`. A POST may carry an `Idempotency-Key`. Errors are problem
details (RFC 9457) with `code`, `detail` and `remedy`. Times are Unix seconds (UTC)."""


def admin_app(services: Services, who_asks: WhoAsks, segments: Iterable[str] | None = None) -> ASGIApp:
    """The operations below ``segments`` (all there are), for paths that begin with :data:`PREFIX`.

    Raises:
        TypeError: an operation is not soundly declared.
    """
    under_way, refusals = UnderWay(), Refusals()
    documented = segments is None
    app = FastAPI(
        title="Wardgate admin API",
        version=wardgate.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _refused},
    )
    for operation in operations_of(ROOMS if segments is None else segments):
        app.router.routes.append(
            OperationRoute(operation, services, who_asks, under_way, refusals, documented=documented)
        )
    if segments is None:
        app.router.routes.append(Route(DOCUMENT, _document(tuple(app.routes))))
    check_routes(app)

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _HEADERS if header[0] not in known),
                ]
            await send(message)

        await app({**scope, "root_path": scope.get("root_path", "") + PREFIX}, receive, send_safely)

    return mounted


def check_routes(app: FastAPI) -> None:
    """Returns when nothing can be reached that was not declared with a permission.

    Raises:
        TypeError: something can.
    """
    for route in app.routes:
        declared = isinstance(route, OperationRoute)
        if not declared and not (isinstance(route, Route) and route.path == DOCUMENT):
            raise TypeError(f"{getattr(route, 'path', route)} is no operation: declare it with Operations")


def whole_document() -> dict[str, Any]:
    """The OpenAPI document of every operation there is, for tools: nothing can be asked of it."""
    nothing: Any = None
    return openapi_document(
        [OperationRoute(each, nothing, nothing, UnderWay(), Refusals()) for each in operations_of(ROOMS)]
    )


def openapi_document(routes: Any) -> dict[str, Any]:
    """The OpenAPI 3.1 document of ``routes``."""
    document = get_openapi(
        title="Wardgate admin API",
        version=wardgate.__version__,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=routes,
        servers=[{"url": PREFIX}],
    )
    components = document.setdefault("components", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    twice = sorted(name for name in schemas if "__" in name)
    if twice:
        raise TypeError(f"two models have one name: give {', '.join(twice)} names of their own")
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    named: dict[str, Any] = json.loads(_GENERIC.sub(r"\1Page", json.dumps(document)))
    return named


def _document(routes: tuple[BaseRoute, ...]) -> Any:
    """Shows the document of ``routes``; it is made for whoever asks first, which takes longer than the whole start."""
    made = cache(lambda: JSONResponse(openapi_document(routes)))

    async def show(request: Request) -> Response:
        return await asyncio.to_thread(made)

    return show


async def _refused(request: Request, error: Exception) -> Response:
    response = problem_response(error)
    if response.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """All that can be done at a path: the router knows of one route only."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
