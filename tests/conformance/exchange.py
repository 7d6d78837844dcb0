"""A request as a row changes it, and the answer as it was on the wire."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.conformance.tokens import Jwt

from wardgate.web.calls import hop_secret
from wardgate.web.identity import IdentityApp

FORM = "application/x-www-form-urlencoded"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. ``facts`` holds what its making left behind for changes and checks; ``jwt`` the signed token
    it carries, with where it stands; ``settings`` those of the server that differ from the usual."""

    path: str
    method: str = "POST"
    form: Pairs = ()
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes | None = None
    certificate: bytes | None = None
    hop: bool = True
    jwt: Jwt | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> Pairs:
        """What the request says: the form of a POST, the query of a GET."""
        return self.form if self.method == "POST" else self.query

    def saying(self, parameters: Iterable[tuple[str, str]]) -> Request:
        """The request with these parameters instead."""
        if self.method == "POST":
            return replace(self, form=tuple(parameters))
        return replace(self, query=tuple(parameters))

    def with_(self, **values: str) -> Request:
        """The request with these parameters, in the place of those of the same name."""
        kept = [pair for pair in self.parameters if pair[0] not in values]
        return self.saying([*kept, *values.items()])

    def without(self, *names: str) -> Request:
        """The request without these parameters."""
        return self.saying(pair for pair in self.parameters if pair[0] not in names)

    def header(self, name: str, *values: str) -> Request:
        """The request with these values of the header, and no others of that name."""
        kept = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        return replace(self, headers=(*kept, *((name, value) for value in values)))

    def value(self, name: str) -> str:
        """The value of a parameter that is there."""
        return next(value for key, value in self.parameters if key == name)

    @property
    def payload(self) -> tuple[str, bytes]:
        """Content type and body; both empty where there is no body."""
        if self.body is not None:
            return next((value for name, value in self.headers if name == "Content-Type"), ""), self.body
        return (FORM, urlencode(self.form).encode()) if self.form or self.method == "POST" else ("", b"")

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, every header as often as it stood."""

    status: int
    headers: Pairs
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    def get(self, name: str) -> str:
        """The value of a header that stands at most once."""
        found = self.all(name)
        assert len(found) < 2, f"{name} stands {len(found)} times"
        return found[0] if found else ""

    @property
    def text(self) -> str:
        """Head and body: everywhere something could leak."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers)
        return f"{head}\n\n{self.body.decode()}"

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body."""
        assert self.get("content-type").partition(";")[0] in ("application/json", "application/problem+json")
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.get("location")

    @property
    def cookies(self) -> str:
        """What a browser sends back of the cookies that were set."""
        return "; ".join(each.partition(";")[0] for each in self.all("set-cookie"))

    def carried(self, place: str) -> dict[str, str]:
        """The parameters a redirect carries in its ``query`` or ``fragment``, and in that place alone."""
        parts = urlsplit(self.location)
        other = parts.fragment if place == "query" else parts.query
        assert not other, f"something stands in the other place: {other}"
        pairs = parse_qsl(parts.query if place == "query" else parts.fragment, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), "a parameter stands twice"
        return dict(pairs)


async def call(app: IdentityApp, request: Request, master_key: bytes) -> Answer:
    """The answer of the application as ASGI has it, through everything that is between a socket and an endpoint."""
    kind, body = request.payload
    headers = [(name.lower(), value) for name, value in request.headers]
    if kind and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", kind))
    if kind or body:
        headers.append(("content-length", str(len(body))))
    if request.hop:
        headers += [("x-wardgate-hop", hop_secret(master_key)), ("x-forwarded-for", "192.0.2.1")]
    if request.certificate is not None:
        headers.append(("x-wardgate-client-certificate", b64encode(request.certificate).decode()))
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": urlencode(request.query).encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.99", 40000),
        "scheme": "http",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        status=start["status"],
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]),
        body=b"".join(each.get("body", b"") for each in rest),
    )
