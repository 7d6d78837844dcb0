"""What the synchronous and the asynchronous client have in common: requests are made and answers read here."""

from __future__ import annotations

import enum
import ipaddress
import json
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, quote, urlsplit

from wardgate.client.errors import (
    BY_STATUS,
    FieldProblem,
    ProblemError,
    UnreachableError,
    UsageError,
)

PREFIX = "/admin/v1"
#: Times a request is sent again when no connection was made, and seconds between two attempts.
RETRIES = 2
PAUSE = 0.3
#: Seconds an answer may take: longer than the server gives itself.
TIMEOUT = 75.0


class Unset(enum.Enum):
    """The type of :data:`UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


#: Not given: the server's default holds, or what is there stays.
UNSET: Final[Literal[Unset.UNSET]] = Unset.UNSET


class Tagged(dict[str, Any]):
    """A thing as the server showed it, with its entity tag."""

    __slots__ = ("etag",)

    def __init__(self, fields: Mapping[str, Any], etag: str) -> None:
        super().__init__(fields)
        self.etag = etag


#: Which state of a thing a change is meant for: the thing as it was read, its entity tag, or ``"*"`` for any.
State = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. ``once`` carries an ``Idempotency-Key``."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes | None


def etag_of(thing: Mapping[str, Any]) -> str:
    """The entity tag of a thing that a client returned.

    Raises:
        UsageError: it carries none, as an entry of a list does.
    """
    if isinstance(thing, Tagged):
        return thing.etag
    raise UsageError(
        "etag_missing", "This was not read by itself", "Read it with the client's show_... first"
    )


def call(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    body: Any = UNSET,
    if_match: State | Unset | None = UNSET,
    idempotency_key: str | None = None,
) -> Call:
    """A request; what is ``UNSET`` is left out. ``if_match=None`` adds what is not there yet."""
    headers = {"Accept": "application/json, application/problem+json;q=0.9, */*;q=0.8"}
    content = None
    if body is not UNSET:
        content = json.dumps(given(body) if isinstance(body, dict) else body, allow_nan=False).encode()
        headers["Content-Type"] = "application/json"
    if if_match is None:
        headers["If-None-Match"] = "*"
    elif not isinstance(if_match, Unset):
        headers["If-Match"] = if_match if isinstance(if_match, str) else etag_of(if_match)
    if method == "POST":
        headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
    asked = {name: _text(value) for name, value in (query or {}).items() if value not in (UNSET, None)}
    return Call(method=method, path=PREFIX + path, query=asked, headers=headers, content=content)


def following(link: str) -> Call:
    """The request for the next page.

    Raises:
        UnreachableError: the link does not lead to the admin API.
    """
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or not parts.path.startswith(f"{PREFIX}/"):
        raise UnreachableError(
            "answer_unknown", "The next page is said to be elsewhere", "Ask for the list again"
        )
    return call(
        "GET", parts.path.removeprefix(PREFIX), query=dict(parse_qsl(parts.query, keep_blank_values=True))
    )


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields`` without those that are ``UNSET``."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def segment(value: str) -> str:
    """``value`` as one segment of a path."""
    return quote(value, safe="@:+,=") if value not in (".", "..") else value.replace(".", "%2E")


def result(status: int, headers: Mapping[str, str], content: bytes) -> Any:
    """What a success says.

    Raises:
        ProblemError: the server refused.
        UnreachableError: it is no answer of the admin API.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if 200 <= status < 300:
        if kind != "application/json":
            return content.decode("utf-8", "replace") if content else None
        found = _parsed(content)
        etag = headers.get("etag")
        return Tagged(found, etag) if etag and isinstance(found, dict) else found
    problem = _parsed(content) if kind == "application/problem+json" else None
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        raise UnreachableError(
            "answer_unknown",
            f"The server answered {status}, and not as the admin API does",
            "Check that --server is the control address of a Wardgate installation of about this version",
        )
    raise BY_STATUS.get(status, ProblemError)(
        status,
        problem["code"],
        str(problem.get("detail", "")),
        str(problem.get("remedy", "")),
        [
            FieldProblem(
                at=each["at"],
                message=each["message"],
                remedy=each.get("remedy", ""),
                file=each.get("file", ""),
                line=each.get("line", 0),
            )
            for each in problem.get("errors", ())
        ],
    )


def checked_server(server: str) -> str:
    """The origin of the server, safe to send a token to: https, or plain http to this very machine.

    Raises:
        UsageError: it is not.
    """
    try:
        parts = urlsplit(server.strip().rstrip("/"))
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    path = parts.path.removesuffix(PREFIX)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise UsageError(
            "server_invalid", "The server is no URL", "Write one like https://control.example.com"
        )
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise UsageError(
            "server_insecure",
            f"{parts.hostname} is another machine, and http would show the token to everybody between",
            "Use https, or a tunnel to a port of this machine",
        )
    return f"{parts.scheme}://{parts.netloc}{path}"


def context(server: str, ca: Path | None) -> ssl.SSLContext | None:
    """How certificates are verified: always. ``ca`` is a file of authorities besides the system's.

    Raises:
        UsageError: the file cannot be used.
    """
    if not server.startswith("https:"):
        return None
    made = ssl.create_default_context()
    if ca is not None:
        try:
            made.load_verify_locations(cafile=str(ca))
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                "ca_invalid", f"{ca} holds no certificates ({error})", "Name a file of PEM certificates"
            ) from None
    return made


def unreachable(server: str, error: Exception) -> UnreachableError:
    """What is raised when there was no answer."""
    return UnreachableError(
        "server_unreachable",
        f"{server} did not answer ({type(error).__name__}: {error})",
        "Check the address, that the control process runs, and that its certificate is one you trust (--ca)",
    )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise UnreachableError(
            "answer_unknown", "The server's answer is no JSON", "Check what is between it and this client"
        ) from None
