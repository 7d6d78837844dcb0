"""RFC 8414: authorization server metadata: what it does not offer is refused, and others' metadata is checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import bad, missing, other_method, redirected, tokens, unauthorized
from tests.conformance.changes import SYMMETRIC, UNSIGNED, Change, by, change, jose, simple, with_
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House, proven
from tests.conformance.rfc7523 import by_assertion
from tests.conformance.rfc9449 import bound_token
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import TOKEN, authorization, own
from tests.conformance.tokens import Jwt
from tests.identity.token_side import ISSUER, Holder

from wardgate.domain.oauth import JWT_BEARER
from wardgate.domain.people import IdentityProvider, Link


def of_this_server(answer: Answer, request: Request) -> None:
    """Section 3.3: the issuer is that of the address."""
    assert answer.status == 200
    document = answer.document
    assert document["issuer"] == ISSUER
    assert all(
        value.startswith(f"{ISSUER}/") for name, value in document.items() if name.endswith("_endpoint")
    )


@sound("the metadata is read, by whatever host name", of_this_server)
async def metadata(house: House) -> Request:
    host = (("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"))
    return Request(path="/.well-known/oauth-authorization-server", method="GET", headers=host)


@sound("a client brings an assertion of an issuer whose keys are found by its metadata", tokens)
async def foreign_assertion(house: House) -> Request:
    client = await house.client(grant_types=(JWT_BEARER,))
    user, holder, called = await house.user(), Holder("RS256"), house.name("provider")
    issuer = f"https://{called}.example.net"
    published: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
    house.side.net.documents[f"{issuer}/.well-known/openid-configuration"] = published
    house.side.net.documents[f"{issuer}/keys"] = holder.jwks
    async with house.side.store.writing() as tx:
        await tx.providers.add(
            IdentityProvider(
                id=called,
                environment="development",
                name=called,
                preset="generic",
                issuer=issuer,
                client_id="wardgate",
                settings={"assertion_clients": [client.id]},
            )
        )
        await tx.providers.add_link(Link(provider=called, subject="42", user=user.id, created_at=house.now()))
    now = house.now()
    jwt = Jwt(
        holder=holder,
        header={"alg": "RS256", "kid": holder.public["kid"]},
        claims={"iss": issuer, "sub": "42", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": called},
        put=lambda request, text: request.with_(assertion=text),
    )
    form = (("grant_type", JWT_BEARER), ("scope", "read"))
    facts = {"client": client, "published": published, "issuer": issuer}
    return proven(Request(path=TOKEN, form=form, headers=house.basic(client), facts=facts), jwt)


def published(text: str, **values: Any) -> Change:
    """The foreign issuer publishes other metadata."""

    async def changed(house: House, request: Request) -> Request:
        request.facts["published"].update(values)
        for name in [name for name, value in values.items() if value is None]:
            del request.facts["published"][name]
        return request

    return Change(text, changed)


@change("whose metadata cannot be read")
async def unreachable(house: House, request: Request) -> Request:
    del house.side.net.documents[f"{request.facts['issuer']}/.well-known/openid-configuration"]
    return request


def at(path: str) -> Change:
    """Another address."""
    return simple(f"at `{path}`", lambda request: replace(request, path=path))


ROWS = (
    Row("rfc8414-3.1-get", "The document is read by GET.", metadata, by("POST"), other_method("GET, HEAD")),
    Row(
        "rfc8414-3.1-own-issuer-only",
        "There is no document for issuers that do not exist.",
        metadata,
        at("/.well-known/oauth-authorization-server/other"),
        missing(),
    ),
    Row(
        "rfc8414-3-well-known-place",
        "The document is at its well-known place.",
        metadata,
        at("/oauth2/.well-known/oauth-authorization-server"),
        missing(),
    ),
    Row(
        "rfc8414-2-grant-not-offered",
        "A grant that is not in the metadata is refused.",
        own,
        with_(grant_type="urn:ietf:params:oauth:grant-type:saml2-bearer"),
        bad("unsupported_grant_type"),
    ),
    Row(
        "rfc8414-2-response-type-not-offered",
        "A response type that is not in the metadata is refused.",
        authorization,
        with_(response_type="none"),
        redirected("unsupported_response_type"),
    ),
    Row(
        "rfc8414-2-response-mode-not-offered",
        "A response mode that is not in the metadata is refused.",
        authorization,
        with_(response_mode="query.jwt"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc8414-2-challenge-not-offered",
        "A PKCE method that is not in the metadata is refused.",
        authorization,
        with_(code_challenge_method="plain"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc8414-2-none-never-offered",
        "`none` is no algorithm of client authentication.",
        by_assertion,
        UNSIGNED,
        unauthorized(),
    ),
    Row(
        "rfc8414-2-algorithm-not-offered",
        "An algorithm that is not in the metadata is refused.",
        by_assertion,
        SYMMETRIC,
        unauthorized(),
    ),
    Row(
        "rfc8414-2-algorithm-unknown",
        "An algorithm that is not in the metadata is refused.",
        by_assertion,
        jose(alg="ES256K"),
        unauthorized(),
    ),
    Row(
        "rfc8414-2-proof-algorithm-not-offered",
        "An algorithm that is not in the metadata is refused.",
        bound_token,
        jose(alg="RS1"),
        bad("invalid_dpop_proof"),
    ),
    Row(
        "rfc8414-2-request-uri-not-offered",
        "`request_uri` of elsewhere is not in the metadata, and refused.",
        authorization,
        with_(request_uri="https://app.example.com/r"),
        redirected("request_uri_not_supported"),
    ),
    Row(
        "rfc8414-3.3-issuer-identical",
        "Another's metadata names the issuer it was asked for.",
        foreign_assertion,
        published("whose metadata names another issuer", issuer="https://evil.example"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8414-3.3-issuer-by-character",
        "Issuers are compared character by character.",
        foreign_assertion,
        published("whose metadata names it in upper case", issuer="HTTPS://EVIL.EXAMPLE"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8414-2-issuer-required",
        "Another's metadata names its issuer.",
        foreign_assertion,
        published("whose metadata names no issuer", issuer=None),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8414-2-jwks-uri",
        "Without keys nothing is believed.",
        foreign_assertion,
        published("whose metadata names no keys", jwks_uri=None),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8414-3.2-unreachable",
        "Without metadata nothing is believed.",
        foreign_assertion,
        unreachable,
        bad("invalid_grant"),
    ),
)
DOCUMENT = Document("RFC 8414", "Authorization Server Metadata", ROWS)
