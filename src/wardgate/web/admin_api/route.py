"""What happens to every request, in this order. Each step either goes on or raises what ``problems.py`` turns into the
answer.

==================  =====================================================================================
who asks            401, 429: before anything else is looked at
what they may       403: by the permission alone; the use case asks again, with the project it is about
precondition given  428: a change of a thing says which state of it is meant
body                408, 413, 415, 400: bounded, strict JSON
parameters          422: FastAPI and the models
carried out         ``carry.py``: 404, 409, 412, 422
==================  =====================================================================================
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from wardgate.control.errors import ForbiddenError, SecondPersonError
from wardgate.domain.audit import AuditEvent
from wardgate.web.admin_api import etag
from wardgate.web.admin_api.actor import WhoAsks
from wardgate.web.admin_api.ask import SCOPE_KEY, Ask, Services
from wardgate.web.admin_api.bodies import StrictRequest, read_json
from wardgate.web.admin_api.carry import carry_out
from wardgate.web.admin_api.described import described, routed
from wardgate.web.admin_api.idempotency import Key, UnderWay, key_of
from wardgate.web.admin_api.operations import Operation
from wardgate.web.admin_api.problems import problem_response
from wardgate.web.admin_api.refusals import Refusals

#: Seconds an operation may take.
LONGEST = 60.0
_KEY = "wardgate.idempotency"
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class OperationRoute(APIRoute):
    """The route of one operation: the only kind the admin API has."""

    def __init__(
        self,
        operation: Operation,
        services: Services,
        who_asks: WhoAsks,
        under_way: UnderWay,
        refusals: Refusals,
        *,
        documented: bool = True,
    ) -> None:
        self.operation = operation
        self._services = services
        self._who_asks = who_asks
        self._under_way = under_way
        self._refusals = refusals
        super().__init__(
            operation.path, _endpoint(operation), **(described if documented else routed)(operation)
        )
        # A colon begins the verb of a path, `/keys/{key_id}:revoke`; no variable holds one.
        self.path_regex = re.compile(self.path_regex.pattern.replace("[^/]+", "[^/:]+"))
        self._known = {field.alias for field in get_flat_params(self.dependant)} - set(operation.variables)

    def get_route_handler(self) -> _Handler:
        """FastAPI's handler, and around it what is said above."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            actor = None
            try:
                async with asyncio.timeout(LONGEST):
                    actor = await self._who_asks(request)
                    ask = Ask(actor=actor, store=self._services.store.acting(actor), services=self._services)
                    return await self._handle(request, ask, inner)
            except (ForbiddenError, SecondPersonError) as error:
                if actor is not None:
                    ask = Ask(actor=actor, store=self._services.store.acting(actor), services=self._services)
                    await self._record_refusal(request, ask, error)
                return problem_response(error)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:  # every error has an answer, which is said at one place
                return problem_response(error)

        return handle

    async def _handle(self, request: Request, ask: Ask, inner: _Handler) -> Response:
        operation = self.operation
        if operation.permission != "self" and not ask.actor.may_somewhere(operation.permission):
            raise ForbiddenError(operation.permission)
        if operation.guard is not None:
            etag.require_given(request, creates=operation.creates)
        self._check_query(request)
        body, document = await read_json(request) if self.operation.changes else (b"", None)
        key: Key | None = None
        if operation.idempotency:
            key = key_of(request, ask.actor, document, ask.store.master_key())
        request.scope[SCOPE_KEY] = ask
        request.scope[_KEY] = key
        with self._under_way.entered(key):
            return await inner(StrictRequest(request, body, document))

    def _check_query(self, request: Request) -> None:
        """Raises RequestValidationError for a parameter the operation does not have."""
        unknown = [name for name in request.query_params if name not in self._known]
        if unknown:
            raise RequestValidationError(
                [{"type": "extra_forbidden", "loc": ("query", name), "msg": ""} for name in unknown]
            )

    async def _record_refusal(
        self, request: Request, ask: Ask, error: ForbiddenError | SecondPersonError
    ) -> None:
        """Keeps that somebody asked for what they may not, in a transaction of its own."""
        operation = self.operation
        target = "/".join(str(request.path_params[name]) for name in operation.variables)

        def event(further: int) -> AuditEvent:
            return AuditEvent(
                action=operation.audited,
                target=target[:200],
                outcome="refused",
                after={"further": further} if further else {},
                note=f"needs {error.permission if isinstance(error, ForbiddenError) else 'another person'}",
            )

        await self._refusals.keep(ask, event)


def _endpoint(operation: Operation) -> Callable[..., Coroutine[Any, Any, Response]]:
    """The endpoint as FastAPI calls it: with the parameters of the operation's own, but for its first, the ask."""
    hints = get_type_hints(operation.endpoint, include_extras=True)
    _, *own = signature(operation.endpoint).parameters.values()

    async def call(request_: Request, **arguments: Any) -> Response:
        return await carry_out(
            operation, request_, request_.scope[SCOPE_KEY], request_.scope[_KEY], arguments
        )

    parameters = [
        Parameter("request_", Parameter.KEYWORD_ONLY, annotation=Request),
        *(each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in own),
    ]
    call.__signature__ = Signature(parameters, return_annotation=Response)  # type: ignore[attr-defined]
    call.__doc__ = operation.endpoint.__doc__
    call.__name__ = operation.id
    return call
