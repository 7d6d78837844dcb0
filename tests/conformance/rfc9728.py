"""RFC 9728: protected resource metadata."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import challenged, missing
from tests.conformance.changes import Change, claim, header, simple
from tests.conformance.exchange import Answer, Request
from tests.conformance.gate import Gate
from tests.conformance.rfc6750 import scoped
from tests.conformance.rfc9068 import opened
from tests.conformance.rows import Document, Row, sound
from tests.gateway.oauth_side import ISSUER

_PATH = "/.well-known/oauth-protected-resource"


def of_the_resource(answer: Answer, request: Request) -> None:
    """Section 3.3: the resource is that of the address."""
    assert answer.status == 200
    assert answer.document["resource"] == f"{ISSUER}/orders/v1"
    assert answer.document["authorization_servers"] == [ISSUER]
    assert answer.document["bearer_methods_supported"] == ["header"]


@sound("the metadata of an API is read, by whatever host name", of_the_resource, at="gateway")
async def metadata(gate: Gate) -> Request:
    return Request(path=f"{_PATH}/orders/v1", method="GET")


def at(path: str) -> Change:
    """Another address."""
    return simple(f"at `{path}`", lambda request: replace(request, path=path))


_URL = f"{ISSUER}{_PATH}/orders/v1"

ROWS = (
    Row(
        "rfc9728-3-unknown-resource",
        "There is no document for what is no resource.",
        metadata,
        at(f"{_PATH}/nothing/v1"),
        missing(),
    ),
    Row(
        "rfc9728-3.1-not-below",
        "There is no document below one.",
        metadata,
        at(f"{_PATH}/orders/v1/token"),
        missing(),
    ),
    Row(
        "rfc9728-3.1-not-appended",
        "The well-known part stands before the path of the resource.",
        metadata,
        at(f"/orders/v1{_PATH}"),
        missing(),
    ),
    Row(
        "rfc9728-5.1-missing",
        "A challenge says where the metadata is.",
        opened,
        header("Authorization"),
        challenged(401, "", resource_metadata=_URL),
    ),
    Row(
        "rfc9728-5.1-invalid",
        "A challenge says where the metadata is.",
        opened,
        header("Authorization", "Bearer garbage"),
        challenged(401, "invalid_token", resource_metadata=_URL),
    ),
    Row(
        "rfc9728-5.1-scope",
        "A challenge says where the metadata is.",
        scoped,
        claim(scope="write"),
        challenged(403, "insufficient_scope", resource_metadata=_URL),
    ),
)
DOCUMENT = Document("RFC 9728", "OAuth 2.0 Protected Resource Metadata", ROWS)
