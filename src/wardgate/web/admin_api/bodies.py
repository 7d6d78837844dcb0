"""Reads a request's body, strictly: bounded in size, time and depth, JSON that has one reading."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from wardgate.control.errors import ControlError

#: Bytes of a body. Documents come with the OpenAPI documents they refer to.
MAX_BODY = 32 * 1024 * 1024
MAX_DEPTH = 64
#: Strings of a body, and brackets, braces and commas between them.
MAX_STRUCTURE = 100_000
_SECONDS = 60.0
#: Bytes past which a body is read beside the loop, which others wait for.
_LARGE = 64 * 1024
#: A string, to its end or the text's, without going back; or what stands between values.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)


class BodyError(ControlError):
    """The body cannot be read; ``status`` says in which way."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.status = status


class StrictRequest(Request):
    """A request whose JSON has been read already."""

    def __init__(self, request: Request, body: bytes, document: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body = body
        self._json = document


async def read_json(request: Request) -> tuple[bytes, Any]:
    """The body of ``request``, as it came and as JSON; ``(b"", None)`` for none.

    Raises:
        BodyError: 413 too large, 415 no JSON by its Content-Type, 408 it does not come, 400 it is malformed.
        ClientDisconnect: nobody waits for an answer any more.
    """
    body = await _body(request)
    if not body:
        return b"", None
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise BodyError(
            415, "body_not_json", "The body is not said to be JSON", "Send it as application/json"
        )
    return body, parse(body) if len(body) <= _LARGE else await asyncio.to_thread(parse, body)


def parse(body: bytes) -> Any:
    """JSON (RFC 8259) whose objects name every member once, without NaN and infinity, at most ``MAX_DEPTH`` deep
    and with ``MAX_STRUCTURE`` parts.

    Raises:
        BodyError: it is not that.
    """
    try:
        text = body.decode("utf-8")
        _check_structure(text)
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        # Lone surrogates: they can be written in JSON and stored nowhere.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise BodyError(400, "body_malformed", "The body is not UTF-8", "Send JSON in UTF-8") from None
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        what = "" if isinstance(error, json.JSONDecodeError) else f": {error}"
        raise BodyError(
            400, "body_malformed", f"The body is no JSON{where}{what}", "Send one JSON value"
        ) from None
    return document


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY:
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise _too_large()
                chunks.append(chunk)
    except TimeoutError:
        raise BodyError(408, "body_late", "The body did not come in time", "Send it again") from None
    return b"".join(chunks)


def _too_large() -> BodyError:
    return BodyError(413, "body_too_large", f"The body is over {MAX_BODY} bytes", "Send it in parts")


def _check_structure(text: str) -> None:
    """Returns when the text holds a bearable number of values, nested bearably; decided before anything is made of them,
    and strings are passed over at once: whoever sends the dearest body costs others no time worth a name.

    Raises:
        BodyError: it does not.
    """
    depth = 0
    for count, found in enumerate(_STRUCTURE.finditer(text), 1):
        match found[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth > MAX_DEPTH:
            raise BodyError(400, "body_malformed", f"The body nests over {MAX_DEPTH} deep", "Nest it less")
        if count > MAX_STRUCTURE:
            raise BodyError(400, "body_malformed", "The body holds too many values", "Send fewer at once")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a member twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return value


__all__ = ["MAX_BODY", "BodyError", "ClientDisconnect", "StrictRequest", "parse", "read_json"]
