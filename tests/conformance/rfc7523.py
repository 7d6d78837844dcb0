"""RFC 7523: JWTs for client authentication and as grants."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import bad, tokens, unauthorized
from tests.conformance.changes import (
    ALTERED,
    CRITICAL,
    ENCRYPTED,
    SYMMETRIC,
    UNSIGNED,
    Change,
    change,
    claim,
    first_sent,
    jose,
    later,
    other_key,
    times,
    with_,
    without,
)
from tests.conformance.exchange import Request
from tests.conformance.house import House, proven
from tests.conformance.rows import Document, Row, sound
from tests.identity.token_side import ISSUER, Holder

from wardgate.domain.oauth import JWT_BEARER
from wardgate.identity.client_assertion import JWT_BEARER_ASSERTION

TOKEN = "/oauth2/token"


@sound("a client authenticates by a JWT", tokens)
async def by_assertion(house: House) -> Request:
    holder = Holder()
    client = await house.client(
        authentication="private_key_jwt",
        jwks=holder.jwks,
        grant_types=("client_credentials",),
        scopes=("read",),
    )
    form = (("grant_type", "client_credentials"), ("client_assertion_type", JWT_BEARER_ASSERTION))
    request = Request(path=TOKEN, form=form, facts={"client": client})
    return proven(request, house.assertion(client, holder))


@sound("a client gets a token for its own assertion", tokens)
async def grant(house: House) -> Request:
    holder = Holder()
    client = await house.client(jwks=holder.jwks, grant_types=(JWT_BEARER,), scopes=("read",))
    request = Request(
        path=TOKEN, form=(("grant_type", JWT_BEARER),), headers=house.basic(client), facts={"client": client}
    )
    return proven(request, house.assertion(client, holder, "assertion"))


@change("with `client_id` of another client in the form")
async def named_otherwise(house: House, request: Request) -> Request:
    return request.with_(client_id=(await house.client()).id)


@change("`iss` and `sub` name another client")
async def says_another(house: House, request: Request) -> Request:
    other = await house.client(authentication="private_key_jwt", jwks=Holder().jwks)
    return await claim("", iss=other.id, sub=other.id).make(house, request)


@change("by a client registered for a secret")
async def registered_for_secret(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], authentication="client_secret_basic"))
    return request


@change("for a client that does not exist")
async def nobody(house: House, request: Request) -> Request:
    return await claim("", iss="nobody", sub="nobody").make(house, request)


#: What both kinds of assertion must be (section 3): section, slug, requirement, what is wrong.
_BOTH: tuple[tuple[str, str, str, Change], ...] = (
    ("3", "sub-required", "`sub` is required.", claim(sub=None)),
    ("3", "aud-required", "`aud` is required.", claim(aud=None)),
    ("3", "aud-is-the-server", "`aud` is this server.", claim(aud="https://other.example")),
    (
        "3",
        "aud-alone",
        "An assertion for another server too is refused.",
        claim(aud=[ISSUER, "https://other.example"]),
    ),
    ("3", "exp-required", "`exp` is required.", claim(exp=None)),
    ("3", "expired", "An assertion that has expired is refused.", times("`exp` 31 s ago", exp=-31)),
    ("3", "expired-meanwhile", "An assertion that has expired is refused.", later(91)),
    ("3", "far-future", "An assertion does not live too long.", times("`exp` in two hours", exp=7200)),
    ("3", "not-before", "An assertion that is not yet valid is refused.", times("`nbf` in 60 s", nbf=60)),
    ("3", "issued-ahead", "An assertion that is not yet issued is refused.", times("`iat` in 60 s", iat=60)),
    ("3", "signature", "The assertion is signed.", ALTERED),
    ("3", "clients-key", "The assertion is signed by the client.", other_key()),
    ("3", "not-unsigned", "The assertion is signed.", UNSIGNED),
    ("3", "not-symmetric", "The algorithm suits the key.", SYMMETRIC),
    ("3", "well-formed", "An assertion is one signed JWT.", ENCRYPTED),
    ("3", "no-extensions", "An extension that is not understood makes the assertion invalid.", CRITICAL),
    ("3", "typ", "A token of another type is no assertion.", jose(typ="at+jwt")),
    ("3", "jti-required", "An assertion can be told from its copy.", claim(jti=None)),
    ("3", "replay", "An assertion is used once.", first_sent("used before")),
)

ROWS = (
    *(
        Row(f"rfc7523-{section}-client-{slug}", requires, by_assertion, how, unauthorized())
        for section, slug, requires, how in _BOTH
    ),
    *(
        Row(f"rfc7523-{section}-grant-{slug}", requires, grant, how, bad("invalid_grant"))
        for section, slug, requires, how in _BOTH
    ),
    Row(
        "rfc7523-3-client-iss-is-the-client",
        "`iss` is the client.",
        by_assertion,
        claim(iss="https://evil.example"),
        unauthorized(),
    ),
    Row(
        "rfc7523-3-grant-iss-trusted",
        "`iss` is somebody the server trusts for this client.",
        grant,
        claim(iss="https://evil.example"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7523-3-grant-sub-is-the-client",
        "A client asserts nothing of others.",
        grant,
        claim(sub="somebody"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7523-3-client-another",
        "An assertion is signed by the client it is about.",
        by_assertion,
        says_another,
        unauthorized(),
    ),
    Row("rfc7523-3-client-nobody", "The client exists.", by_assertion, nobody, unauthorized()),
    Row(
        "rfc7523-2.2-type-required",
        "`client_assertion_type` is required.",
        by_assertion,
        without("client_assertion_type"),
        bad(),
    ),
    Row(
        "rfc7523-2.2-type-known",
        "`client_assertion_type` is one this server knows.",
        by_assertion,
        with_(client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
        bad(),
    ),
    Row(
        "rfc7523-2.2-assertion-required",
        "`client_assertion` is required with its type.",
        by_assertion,
        without("client_assertion"),
        bad(),
    ),
    Row(
        "rfc7523-2.2-client-id-agrees",
        "`client_id` is the client the assertion is about.",
        by_assertion,
        named_otherwise,
        unauthorized(),
    ),
    Row(
        "rfc7523-2.2-method-registered",
        "A client authenticates in the way it registered.",
        by_assertion,
        registered_for_secret,
        unauthorized(),
    ),
    Row("rfc7523-2.1-assertion-required", "`assertion` is required.", grant, without("assertion"), bad()),
    Row(
        "rfc7523-2.1-assertion-garbage",
        "What is no JWT is no assertion.",
        grant,
        with_(assertion="garbage"),
        bad("invalid_grant"),
    ),
)
DOCUMENT = Document("RFC 7523", "JWT Profile for Client Authentication and Grants", ROWS)
