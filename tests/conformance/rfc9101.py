"""RFC 9101: JWT-secured authorization requests (JAR)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import answered, bad, coded, page, redirected
from tests.conformance.changes import (
    ALTERED,
    CRITICAL,
    ENCRYPTED,
    SYMMETRIC,
    UNSIGNED,
    change,
    claim,
    jose,
    other_key,
    sequence,
    times,
    twice,
    with_,
    without,
)
from tests.conformance.exchange import Request
from tests.conformance.house import House, proven
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import asking
from tests.conformance.tokens import Jwt
from tests.identity.token_side import CALLBACK, ISSUER, Holder


def request_object(house: House, request: Request, holder: Holder) -> Jwt:
    """The parameters of a request as its client signs them."""
    client = request.facts["client"]
    now = house.now()
    said: dict[str, Any] = dict(request.parameters)
    return Jwt(
        holder=holder,
        header={"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": holder.public["kid"]},
        claims={**said, "iss": client.id, "aud": ISSUER, "iat": now, "exp": now + 60},
        put=lambda made, text: made.with_(request=text),
    )


@sound("a signed request leads to a code", coded)
async def signed(house: House) -> Request:
    holder = Holder()
    plain = await asking(house, {"jwks": holder.jwks})
    jwt = request_object(house, plain, holder)
    return proven(plain.saying((("client_id", plain.facts["client"].id),)), jwt)


@sound("a signed request of a client that must sign leads to a code", coded)
async def obliged(house: House) -> Request:
    holder = Holder()
    plain = await asking(house, {"jwks": holder.jwks, "require_signed_request": True})
    jwt = request_object(house, plain, holder)
    facts = {**plain.facts, "plain": plain.query}
    return proven(replace(plain.saying((("client_id", plain.facts["client"].id),)), facts=facts), jwt)


@sound("a signed request, with redirect URI and state beside it, leads to a code", coded)
async def beside(house: House) -> Request:
    request = await signed.make(house)
    return request.with_(redirect_uri=CALLBACK, state=request.facts["state"])


@sound("a client pushes a signed request", answered)
async def pushed(house: House) -> Request:
    request = await signed.make(house)
    client = request.facts["client"]
    assert request.jwt is not None
    form = (("client_id", client.id), ("request", request.jwt.text()))
    return replace(
        request, path="/oauth2/par", method="POST", query=(), form=form, headers=house.basic(client)
    )


@change("the same parameters, not signed")
async def unsigned_parameters(house: House, request: Request) -> Request:
    return request.saying(request.facts["plain"])


@change("`response_type` outside of the object instead of inside")
async def outside(house: House, request: Request) -> Request:
    return (await claim(response_type=None).make(house, request)).with_(response_type="code")


@change("`code_challenge` outside of the object instead of inside")
async def challenge_outside(house: House, request: Request) -> Request:
    assert request.jwt is not None
    value = str(request.jwt.claims["code_challenge"])
    return (await claim(code_challenge=None).make(house, request)).with_(code_challenge=value)


@change("`client_id` outside names another client")
async def named_otherwise(house: House, request: Request) -> Request:
    holder = Holder()
    return request.with_(client_id=(await house.client(jwks=holder.jwks)).id)


@change("the client's assertion about itself in the place of the request")
async def assertion(house: House, request: Request) -> Request:
    assert request.jwt is not None
    client = request.facts["client"]
    jwt = house.assertion(client, request.jwt.holder, "request")
    return proven(request, replace(jwt, claims={**jwt.claims, "client_id": client.id}))


_BAD = page(said="invalid_request_object")

ROWS = (
    Row("rfc9101-6.2-signature", "The signature verifies with the client's key.", signed, ALTERED, _BAD),
    Row(
        "rfc9101-6.2-clients-key", "The signature verifies with the client's key.", signed, other_key(), _BAD
    ),
    Row(
        "rfc9101-6.2-key-known",
        "The key is one the client registered.",
        signed,
        jose("an unknown `kid`", kid="unknown"),
        _BAD,
    ),
    Row("rfc9101-4-not-unsigned", "A request object is signed.", signed, UNSIGNED, _BAD),
    Row("rfc9101-6.2-not-symmetric", "The algorithm suits the key.", signed, SYMMETRIC, _BAD),
    Row(
        "rfc9101-6.2-algorithm-allowed",
        "The algorithm is one that is allowed.",
        signed,
        jose(alg="ES256K"),
        _BAD,
    ),
    Row("rfc9101-6.1-encrypted", "What cannot be decrypted is refused.", signed, ENCRYPTED, _BAD),
    Row(
        "rfc9101-6.2-no-extensions",
        "An extension that is not understood makes the object invalid.",
        signed,
        CRITICAL,
        _BAD,
    ),
    Row(
        "rfc9101-4-iss-is-the-client", "`iss` is the client.", signed, claim(iss="https://evil.example"), _BAD
    ),
    Row(
        "rfc9101-4-aud-is-the-server",
        "`aud` is this server.",
        signed,
        claim(aud="https://other.example"),
        _BAD,
    ),
    Row("rfc9101-4-aud-required", "`aud` is this server.", signed, claim(aud=None), _BAD),
    Row(
        "rfc9101-4-aud-among-others",
        "An object for several servers, none of which is this, is refused.",
        signed,
        claim(aud=["https://other.example", ISSUER + "/"]),
        _BAD,
    ),
    Row(
        "rfc9101-4-client-id-inside", "`client_id` is inside the object.", signed, claim(client_id=None), _BAD
    ),
    Row(
        "rfc9101-5-client-id-agrees",
        "`client_id` inside and outside are the same.",
        signed,
        claim(client_id="another"),
        _BAD,
    ),
    Row(
        "rfc9101-6.3-client-id-agrees",
        "`client_id` inside and outside are the same.",
        signed,
        named_otherwise,
        _BAD,
    ),
    Row(
        "rfc9101-5-client-id-outside",
        "`client_id` stands outside too.",
        signed,
        without("client_id"),
        page(said="invalid_client"),
    ),
    Row(
        "rfc9101-4-no-request-inside",
        "An object holds no other request.",
        signed,
        claim("`request` inside", request="a.b.c"),
        _BAD,
    ),
    Row(
        "rfc9101-4-no-reference-inside",
        "An object holds no other request.",
        signed,
        claim("`request_uri` inside", request_uri="https://app.example.com/r"),
        _BAD,
    ),
    Row(
        "rfc9101-5-one-request",
        "A request by value and one by reference exclude each other.",
        signed,
        with_("`request_uri` beside it", request_uri="urn:ietf:params:oauth:request_uri:x"),
        page(said="invalid_request"),
    ),
    Row(
        "rfc9101-5-request-once",
        "There is one request object.",
        signed,
        twice("request"),
        page(said="invalid_request"),
    ),
    Row(
        "rfc9101-6.3-parameters-inside",
        "Only parameters inside the object count.",
        signed,
        outside,
        redirected("invalid_request"),
    ),
    Row(
        "rfc9101-6.3-challenge-inside",
        "Only parameters inside the object count.",
        signed,
        challenge_outside,
        redirected("invalid_request"),
    ),
    Row(
        "rfc9101-10.5-signing-required",
        "A client that must sign cannot ask in another way.",
        obliged,
        unsigned_parameters,
        redirected("invalid_request"),
    ),
    Row(
        "rfc9101-10.8-assertions-are-none",
        "A client assertion is not taken for a request.",
        signed,
        assertion,
        _BAD,
    ),
    Row(
        "rfc9101-10.8-typ",
        "A token of another type is not taken for a request.",
        signed,
        jose(typ="at+jwt"),
        _BAD,
    ),
    Row(
        "rfc9101-10.8-proofs-are-none",
        "A token of another type is not taken for a request.",
        signed,
        jose(typ="dpop+jwt"),
        _BAD,
    ),
    Row(
        "rfc9101-6.2-expired",
        "An object that has expired is refused.",
        signed,
        times("`exp` 31 s ago", exp=-31),
        _BAD,
    ),
    Row("rfc9101-6.2-exp-required", "An object ends some time.", signed, claim(exp=None), _BAD),
    Row(
        "rfc9101-6.2-not-before",
        "An object that is not yet valid is refused.",
        signed,
        times("`nbf` in 60 s", nbf=60),
        _BAD,
    ),
    Row(
        "rfc9101-10.2-lifetime",
        "An object lives no longer than an hour.",
        signed,
        times("`exp` in two hours", exp=7200),
        _BAD,
    ),
    Row(
        "rfc9101-4-json-types",
        "Parameters have their types.",
        signed,
        claim("`state` neither text nor number", state=True),
        _BAD,
    ),
    Row("rfc9101-6.3-garbage", "What is no JWT is no request.", signed, with_(request="garbage"), _BAD),
    Row(
        "rfc9101-7-validated-when-pushed",
        "A signed request is validated when it is pushed.",
        pushed,
        ALTERED,
        bad("invalid_request_object"),
    ),
    Row(
        "rfc9101-7-pushed-unsigned",
        "A pushed request object is signed.",
        pushed,
        UNSIGNED,
        bad("invalid_request_object"),
    ),
    Row(
        "rfc9101-5.2-by-reference",
        "A reference to elsewhere is refused, and never fetched.",
        signed,
        with_("a reference instead", request="", request_uri="https://app.example.com/r.jwt"),
        page(said="request_uri_not_supported"),
    ),
    # What cannot be read, where a redirect URI of the client's stands beside it
    Row(
        "rfc9101-6.2-told-to-the-client",
        "That an object is not valid is told to the client, where its redirect URI stands beside it.",
        beside,
        ALTERED,
        redirected("invalid_request_object"),
    ),
    Row(
        "rfc9101-6.2-unsigned-told-to-the-client",
        "That an object is not valid is told to the client, where its redirect URI stands beside it.",
        beside,
        UNSIGNED,
        redirected("invalid_request_object"),
    ),
    Row(
        "rfc9101-6.1-encrypted-told-to-the-client",
        "That an object cannot be decrypted is told to the client, where its redirect URI stands beside it.",
        beside,
        ENCRYPTED,
        redirected("invalid_request_object"),
    ),
    Row(
        "rfc9101-6-reference-told-to-the-client",
        "A reference to elsewhere is refused at the client, where its redirect URI stands beside it.",
        beside,
        with_("a reference instead", request="", request_uri="https://app.example.com/r.jwt"),
        redirected("request_uri_not_supported"),
    ),
    Row(
        "rfc9101-6-registered-only",
        "An error is sent to no place that the client did not register.",
        beside,
        sequence(ALTERED, with_(redirect_uri="https://evil.example/cb")),
        page(said="invalid_request_object"),
    ),
)
DOCUMENT = Document("RFC 9101", "JWT-Secured Authorization Request (JAR)", ROWS)
