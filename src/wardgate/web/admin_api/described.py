"""What the OpenAPI document says of an operation: parameters, every status, the headers of an answer."""

from __future__ import annotations

from typing import Any

from wardgate.web.admin_api.operations import Operation

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_MEANINGS = {
    304: "Not changed since it was read with the ETag in If-None-Match",
    400: "Malformed: no strict JSON, or a header that cannot be read",
    401: "No token that is good now",
    403: "The permission is missing",
    404: "Not there",
    408: "The body did not come in time",
    409: "The present state does not allow it, or the same Idempotency-Key is under way",
    412: "Changed since it was read",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "A parameter or the body is wrong; `errors` says where",
    428: "If-Match is missing",
    429: "Too many failed tokens from this address",
    502: "Another server that had to be asked did not answer",
    503: "The store cannot be used just now",
}
_TAGS = r'^(\*|(W/)?"[\x21\x23-\x7e]*"(, (W/)?"[\x21\x23-\x7e]*")*)$'
_ETAG = {"description": "Entity tag, for If-Match and If-None-Match.", "schema": {"type": "string"}}


def routed(operation: Operation) -> dict[str, Any]:
    """Arguments for FastAPI's route without a word for people: what takes long to make and nobody may ask for."""
    return {
        "methods": [operation.method],
        "operation_id": operation.id,
        "status_code": operation.status,
        "response_model": None,
    }


def described(operation: Operation) -> dict[str, Any]:
    """Arguments for FastAPI's route, with all that the OpenAPI document says."""
    success: dict[str, Any] = {"description": "Done" if operation.changes else "Found"}
    headers: dict[str, Any] = {}
    if operation.tagged:
        headers["ETag"] = _ETAG
    if operation.location is not None:
        headers["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    if headers:
        success["headers"] = headers
    if operation.produces:
        success["content"] = {operation.produces: {"schema": {"type": "string"}}}
    return {
        **routed(operation),
        "summary": operation.id.replace("_", " ").capitalize(),
        "tags": [operation.tag],
        "response_model": operation.answers,
        "response_description": str(success["description"]),
        "responses": {
            operation.status: success,
            **{status: _refusal(status) for status in statuses(operation)},
        },
        "openapi_extra": {
            "parameters": _headers(operation),
            "x-wardgate-permission": operation.permission,
        },
    }


def statuses(operation: Operation) -> list[int]:
    """Every status but the success that the operation can answer, in order."""
    found = {401, 403, 422, 429, 503, *operation.refuses}
    if operation.variables:
        found.add(404)
    if operation.changes:
        found |= {400, 408, 413, 415}
    elif operation.tagged:
        found.add(304)
    if operation.guard is not None:
        found |= {412, 428}
    if operation.idempotency:
        found |= {409, 422}
    return sorted(found)


def _refusal(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _MEANINGS[status]}
    if status == 304:
        said["headers"] = {"ETag": _ETAG}
    else:
        said["content"] = PROBLEM
    return said


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.guard is not None:
        # Not "required" here: where the thing is added, If-None-Match stands instead.
        found.append(
            _header(
                "If-Match",
                "The ETag that was read with what is changed; `*` for whatever there is.",
                required=not operation.creates,
                example="*",
            )
        )
        if operation.creates:
            found.append(_header("If-None-Match", "`*` to add what is not there yet.", pattern=r"^\*$"))
    elif operation.tagged and not operation.changes:
        found.append(_header("If-None-Match", "ETags already known: 304 if one of them is still right."))
    if operation.idempotency:
        found.append(
            _header(
                "Idempotency-Key",
                "1 to 255 ASCII characters; the same request again is done once.",
                pattern=r"^[\x21-\x7e]{1,255}$",
            )
        )
    return found


def _header(
    name: str, text: str, *, required: bool = False, pattern: str = _TAGS, example: str = ""
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": text,
        "schema": {"type": "string", "minLength": 1, "pattern": pattern},
        **({"example": example} if example else {}),
    }
