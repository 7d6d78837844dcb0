"""Carries an operation out: alone, on the state the caller saw, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from wardgate.control.errors import NotFoundError
from wardgate.web.admin_api import etag
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.idempotency import Key
from wardgate.web.admin_api.models import Thing
from wardgate.web.admin_api.operations import Operation


async def carry_out(
    operation: Operation, request: Request, ask: Ask, key: Key | None, arguments: Mapping[str, Any]
) -> Response:
    """The answer of ``operation``, whose changes are committed.

    A change is one transaction: the precondition is checked in it, the use cases take part in it, and the answer for an
    ``Idempotency-Key`` is kept in it.
    """
    if not operation.changes:
        return answer(operation, request, await operation.endpoint(ask, **arguments))
    if not operation.together:
        return await _apart(operation, request, ask, key, arguments)
    async with ask.services.store.acting(ask.actor).together() as store:
        inner = replace(ask, store=store)
        async with store.reading() as tx:
            if key is not None and (kept := await key.answered(tx, ask.clock())) is not None:
                return kept
            await _check(operation, request, inner)
            result = await operation.endpoint(inner, **arguments)
            response = answer(operation, request, result)
            if key is not None:
                await key.keep(tx, response, result, ask.clock())
    return response


async def _apart(
    operation: Operation, request: Request, ask: Ask, key: Key | None, arguments: Mapping[str, Any]
) -> Response:
    """For use cases that wait for others (a fetch) between transactions of their own: nobody waits for them meanwhile."""
    if key is not None:
        async with ask.store.reading() as tx:
            if (kept := await key.answered(tx, ask.clock())) is not None:
                return kept
    await _check(operation, request, ask)
    result = await operation.endpoint(ask, **arguments)
    response = answer(operation, request, result)
    if key is not None:
        async with ask.store.writing() as tx:
            await key.keep(tx, response, result, ask.clock())
    return response


async def _check(operation: Operation, request: Request, ask: Ask) -> None:
    """Returns when the thing to be changed is in the state the request names.

    Raises:
        PreconditionError: it is not.
        NotFoundError: there is none, and the request does not add it.
    """
    if operation.guard is None:
        return
    names = {name: request.path_params[name] for name in operation.variables}
    try:
        thing: Thing | None = await operation.guard(ask, **names)
    except NotFoundError:
        if not operation.creates:
            raise
        thing = None
    what = " ".join(names.values()) or operation.tag
    etag.require_holds(request, what, None if thing is None else etag.etag_of(thing))


def answer(operation: Operation, request: Request, result: Any) -> Response:
    """The success: ``result`` as JSON, with its ETag if it is a thing."""
    if isinstance(result, Response):
        return result
    if not isinstance(result, BaseModel):
        return Response(status_code=operation.status)
    headers: dict[str, str] = {}
    if operation.location is not None:
        headers["Location"] = request.scope.get("root_path", "") + operation.location(result)
    if isinstance(result, Thing):
        headers["ETag"] = tag = etag.etag_of(result)
        if not operation.changes and etag.not_modified(request, tag):
            return Response(status_code=304, headers=headers)
    return Response(
        result.model_dump_json(),
        status_code=operation.status,
        headers=headers,
        media_type="application/json",
    )
