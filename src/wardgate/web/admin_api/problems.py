"""Errors as problem details (RFC 9457). The table below is the only place where an error becomes a status."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from wardgate.control.errors import (
    ConflictError,
    ControlError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    UnauthenticatedError,
)
from wardgate.domain.document import DocumentError
from wardgate.identity.errors import OAuthError
from wardgate.storage.errors import StoreError
from wardgate.web.admin_api.bodies import BodyError
from wardgate.web.admin_api.etag import PreconditionMissingError
from wardgate.web.admin_api.idempotency import ReusedError
from wardgate.web.admin_api.models import FieldProblem, Problem
from wardgate.web.failures import where

_log = logging.getLogger("wardgate.admin")

_STATUSES: tuple[tuple[type[ControlError], int], ...] = (
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (PreconditionMissingError, 428),
    (PreconditionError, 412),
    (ReusedError, 422),
    (InvalidError, 422),
    (ConflictError, 409),
)
_STORE = {"store_conflict": 409, "store_value_refused": 422, "store_unavailable": 503}
_MOST_ERRORS = 200
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]")


class TooManyFailuresError(ControlError):
    """An address showed too many tokens that are none; the code is ``too_many_failures``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            "too_many_failures",
            "Too many tokens that are not valid came from this address",
            f"Try again in {seconds} seconds",
        )
        self.seconds = seconds


def problem_response(error: Exception) -> Response:
    """The answer that says ``error``. Anything that is not foreseen is a 500, which is logged and says nothing."""
    headers: dict[str, str] = {}
    errors: Sequence[FieldProblem] = ()
    if isinstance(error, TooManyFailuresError):
        status, headers = 429, {"Retry-After": str(error.seconds)}
    elif isinstance(error, BodyError):
        status = error.status
    elif isinstance(error, StoreError):
        status = _STORE.get(error.code, 500)
    elif isinstance(error, ControlError):
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)
    if isinstance(error, ControlError):
        code, detail, remedy = error.code, error.message, error.remedy
    elif isinstance(error, RequestValidationError):
        status, code, detail = 422, "request_invalid", "The request is not one this operation takes"
        remedy, errors = "Correct what `errors` names", [*_fields(error.errors())]
    elif isinstance(error, DocumentError):
        status, code, detail = 422, "document_invalid", "The document is wrong; nothing was changed"
        remedy, errors = "Correct what `errors` names", [*_document(error)]
    elif isinstance(error, OAuthError):
        status = error.status if 400 <= error.status < 500 else 422
        code, detail, remedy = error.error, error.description, "Correct the request"
    elif isinstance(error, HTTPException):
        status, code = error.status_code, f"http_{error.status_code}"
        detail, remedy = str(error.detail), "See /admin/v1/openapi.json for what there is"
        headers = dict(error.headers or {})
    elif isinstance(error, TimeoutError):
        status, code = 503, "timed_out"
        detail, remedy = "The operation took too long and was given up", "Try again later"
    elif not isinstance(error, ControlError):
        _log.error("an operation failed: %s", where(error))
        status, code = 500, "internal_error"
        detail, remedy = "Something went wrong that should not", "The log of the control process says where"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="wardgate", error="invalid_token"'
    if status == 503:
        headers["Retry-After"] = "5"
    problem = Problem(
        type=f"urn:wardgate:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        remedy=remedy,
        errors=list(errors)[:_MOST_ERRORS],
    )
    return Response(
        problem.model_dump_json(),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def _fields(errors: Iterable[Any]) -> Iterable[FieldProblem]:
    """What is wrong where. The values themselves are never repeated: they may be secrets."""
    for error in errors:
        place = ".".join(_shown(part) for part in error["loc"])
        message = "there is no such field" if error["type"] == "extra_forbidden" else error["msg"]
        yield FieldProblem(at=place, message=message)


def _shown(part: object) -> str:
    return _UNPRINTABLE.sub("?", str(part)[:64])


def _document(error: DocumentError) -> Iterable[FieldProblem]:
    for problem in error.problems:
        yield FieldProblem(
            at=problem.path,
            message=problem.message,
            remedy=problem.remedy,
            file=problem.file,
            line=problem.line,
        )
