"""What the server says of itself is what it does (RFC 8414, OIDC discovery)."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.identity.token_side import ISSUER, Side

from wardgate.domain.oauth import LEGACY_GRANTS
from wardgate.identity import metadata
from wardgate.identity.http import Call
from wardgate.identity.routes import all_routes
from wardgate.identity.token import GRANTS

CALL = Call(
    method="GET", path="/.well-known/openid-configuration", url=f"{ISSUER}/.well-known/openid-configuration"
)
#: What both specifications demand.
REQUIRED = {
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
}


async def test_every_endpoint_it_names_is_there(side: Side) -> None:
    """On the issuer's host, answered by a route."""
    document = await metadata.document_of(side.server)
    paths = {route.path for route in all_routes()}
    assert set(document) >= REQUIRED
    assert document["issuer"] == ISSUER
    named = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert all(url.startswith(ISSUER) and url.removeprefix(ISSUER) in paths for url in named.values())
    assert {"token_endpoint", "introspection_endpoint", "revocation_endpoint"} <= set(named)
    assert "device_authorization_endpoint" in named


async def test_it_offers_what_the_token_endpoint_takes(side: Side) -> None:
    """Grants, methods and S256 alone; nothing symmetric."""
    document = await metadata.document_of(side.server)
    assert {*GRANTS, "implicit"} == set(document["grant_types_supported"])
    assert set(document["grant_types_supported"]) >= LEGACY_GRANTS
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    algorithms = [value for name, values in document.items() if "alg_values" in name for value in values]
    assert not [each for each in algorithms if each == "none" or each.startswith("HS")]


async def test_scopes_of_apis_are_listed(side: Side) -> None:
    """With those of OIDC."""
    document = await metadata.document_of(side.server)
    assert document["scopes_supported"][:2] == ["openid", "profile"]


async def test_a_copy_can_be_kept(side: Side) -> None:
    """RFC 9110: ten minutes, then a question by its tag."""
    reply = await metadata.handle(side.server, CALL)
    headers = dict(reply.headers)
    assert headers["cache-control"] == "public, max-age=600"
    assert json.loads(reply.body)["issuer"] == ISSUER
    again = await metadata.handle(
        side.server, replace(CALL, headers=(("if-none-match", f"W/{headers['etag']}"),))
    )
    assert (again.status, again.body) == (304, b"")
