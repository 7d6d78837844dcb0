"""RFC 9449: demonstrating proof of possession (DPoP), at the token endpoint and at userinfo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from tests.conformance.answers import answered, bad, challenged, coded, json_error, redirected, tokens
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
    header,
    jose,
    later,
    times,
    with_,
)
from tests.conformance.exchange import Request
from tests.conformance.gate import Gate
from tests.conformance.house import House, proven
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import authorization, bound, own, redeemable
from tests.conformance.tokens import bare, hash_of
from tests.identity.token_side import ISSUER, Holder

from wardgate.jose import nonce
from wardgate.jose.encoding import encode

TOKEN = "/oauth2/token"


@sound("a client gets a token bound to its key", tokens)
async def bound_token(house: House) -> Request:
    return proven(await own.make(house), house.proof(Holder(), TOKEN))


@sound("a client that must prove a key does", tokens)
async def obliged(house: House) -> Request:
    request = await bound_token.make(house)
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], require_dpop=True))
    return request


@sound("a public client redeems a code bound to its key", tokens)
async def bound_code(house: House) -> Request:
    client, holder = await house.client(authentication="none"), Holder()
    request = await redeemable(house, client, dpop_jkt=holder.jkt)
    return proven(request, house.proof(holder, TOKEN))


@sound("a public client uses a refresh token bound to its key", tokens)
async def bound_refresh(house: House) -> Request:
    client, holder = await house.client(authentication="none"), Holder()
    text = await house.refresh_token(client, await house.grant(client), bound(holder))
    form = (("grant_type", "refresh_token"), ("refresh_token", text), ("client_id", client.id))
    return proven(Request(path=TOKEN, form=form, facts={"client": client}), house.proof(holder, TOKEN))


@sound("an access token bound to a key opens userinfo", answered)
async def bound_userinfo(house: House) -> Request:
    client, holder = await house.client(), Holder()
    text = await house.access_token(client, await house.grant(client), binding=bound(holder))
    request = Request(
        path="/oauth2/userinfo",
        method="GET",
        headers=(("Authorization", f"DPoP {text}"),),
        facts={"client": client, "token": text},
    )
    return proven(request, house.proof(holder, "/oauth2/userinfo", text, "GET"))


@sound("a bearer token opens userinfo", answered)
async def bearer_userinfo(house: House) -> Request:
    client = await house.client()
    text = await house.access_token(client, await house.grant(client))
    facts = {"client": client, "token": text}
    headers = (("Authorization", f"Bearer {text}"),)
    return Request(path="/oauth2/userinfo", method="GET", headers=headers, facts=facts)


@sound("a code is asked for, bound to a key", coded)
async def bound_authorization(house: House) -> Request:
    request = await authorization.make(house)
    return request.with_(dpop_jkt=Holder().jkt)


@sound("a public client pushes a request with a proof", answered)
async def bound_push(house: House) -> Request:
    client, holder = await house.client(authentication="none"), Holder()
    form = (*house.authorization(client), ("dpop_jkt", holder.jkt))
    return proven(Request(path="/oauth2/par", form=form), house.proof(holder, "/oauth2/par"))


@change("two proofs, each of them right")
async def two_proofs(house: House, request: Request) -> Request:
    assert request.jwt is not None
    other = replace(request.jwt, claims={**request.jwt.claims, "jti": "another"})
    return request.header("DPoP", request.jwt.text(), other.text())


@change("the private key in `jwk`")
async def private_key(house: House, request: Request) -> Request:
    assert request.jwt is not None
    key = request.jwt.holder.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    numbers = key.private_numbers()
    shown = {**bare(request.jwt.holder.public), "d": encode(numbers.private_value.to_bytes(32, "big"))}
    return await jose("", jwk=shown).make(house, request)


@change("the proof of another key than the one signed with in `jwk`")
async def another_jwk(house: House, request: Request) -> Request:
    return await jose("", jwk=bare(Holder().public)).make(house, request)


@change("a symmetric key in `jwk`")
async def symmetric_jwk(house: House, request: Request) -> Request:
    return await jose("", jwk={"kty": "oct", "k": "c2VjcmV0"}).make(house, request)


@change("the token sent as a bearer token")
async def as_bearer(house: House, request: Request) -> Request:
    return request.header("Authorization", f"Bearer {request.facts['token']}")


@change("the token sent as a bearer token, without a proof")
async def as_bare_bearer(house: House, request: Request) -> Request:
    return request.header("Authorization", f"Bearer {request.facts['token']}").header("DPoP")


@change("a bearer token sent as a DPoP token, with a proof")
async def bearer_as_dpop(house: House, request: Request) -> Request:
    text = request.facts["token"]
    proof = house.proof(Holder(), "/oauth2/userinfo", text, "GET")
    return proven(request.header("Authorization", f"DPoP {text}"), proof)


@change("the proof of another token of the same key")
async def another_token(house: House, request: Request) -> Request:
    return await claim("", ath=hash_of("another")).make(house, request)


@change("a proof by another key")
async def another_holder(house: House, request: Request) -> Request:
    assert request.jwt is not None
    holder = Holder()
    header = {**request.jwt.header, "jwk": bare(holder.public)}
    return proven(request, replace(request.jwt, holder=holder, header=header))


@change("a nonce of some minutes ago")
async def old_nonce(house: House, request: Request) -> Request:
    old = nonce.make(house.side.store.master_key(), house.side.clock() - 300)
    return await claim("", nonce=old).make(house, request)


@change("another key in `dpop_jkt` than that of the proof")
async def another_jkt(house: House, request: Request) -> Request:
    return request.with_(dpop_jkt=Holder().jkt)


@sound("an access token bound to a key opens an API that asks for possession", answered, at="gateway")
async def at_gateway(gate: Gate) -> Request:
    return _bound_call(gate, "/bound/v1/token")


@sound("an access token bound to a key opens an API, with a nonce", answered, at="gateway")
async def at_gateway_with_nonce(gate: Gate) -> Request:
    return _bound_call(gate, "/nonces/v1/token", nonce=gate.gateway.worker.proof_nonce())


def _bound_call(gate: Gate, path: str, **claims: str) -> Request:
    holder = Holder()
    text = gate.token(cnf={"jkt": holder.jkt}).text()
    facts = {"token": text}
    request = Request(path=path, method="GET", headers=(("Authorization", f"DPoP {text}"),), facts=facts)
    return proven(request, gate.proof(holder, path, text, **claims))


@change("a bearer token")
async def bearer_at_gateway(gate: Any, request: Request) -> Request:
    return request.header("Authorization", f"Bearer {gate.token().text()}").header("DPoP")


_PROOF = bad("invalid_dpop_proof")
_NONCE = json_error(400, "use_dpop_nonce", headers=("dpop-nonce",))


def _proof(slug: str, requires: str, how: Change) -> Row:
    return Row(f"rfc9449-4.3-{slug}", requires, bound_token, how, _PROOF)


def _resource(slug: str, requires: str, how: Change, error: str = "invalid_dpop_proof") -> Row:
    return Row(f"rfc9449-7.1-{slug}", requires, bound_userinfo, how, challenged(401, error, "dpop"))


def _gateway(slug: str, requires: str, how: Change) -> Row:
    """At the gateway whatever is wrong gives one and the same answer."""
    return Row(
        f"rfc9449-7.1-gateway-{slug}", requires, at_gateway, how, challenged(401, "invalid_token", "dpop")
    )


ROWS = (
    _proof("one-proof", "There is one DPoP header, no more.", two_proofs),
    _proof("well-formed", "The header is one well-formed JWT.", header("DPoP", "not.a.proof")),
    _proof("jti-required", "`jti` is required.", claim(jti=None)),
    _proof("htm-required", "`htm` is required.", claim(htm=None)),
    _proof("htu-required", "`htu` is required.", claim(htu=None)),
    _proof("iat-required", "`iat` is required.", claim(iat=None)),
    _proof("typ", "`typ` is `dpop+jwt`.", jose(typ="JWT")),
    _proof("typ-required", "`typ` is `dpop+jwt`.", jose(typ=None)),
    _proof("not-unsigned", "`alg` is asymmetric, and not `none`.", UNSIGNED),
    _proof("not-symmetric", "`alg` is asymmetric, and not `none`.", SYMMETRIC),
    _proof("algorithm-supported", "`alg` is one the server supports.", jose(alg="ES256K")),
    _proof("signature", "The signature verifies with the key in `jwk`.", ALTERED),
    _proof("key-matches", "The signature verifies with the key in `jwk`.", another_jwk),
    _proof("jwk-required", "`jwk` is required.", jose(jwk=None)),
    _proof("no-private-key", "`jwk` holds no private key.", private_key),
    _proof("jwk-asymmetric", "`jwk` is a public key.", symmetric_jwk),
    _proof("no-extensions", "An extension that is not understood makes a proof invalid.", CRITICAL),
    _proof("signed-not-encrypted", "A proof is a signed JWT.", ENCRYPTED),
    _proof("htm-matches", "`htm` is the method of the request.", claim(htm="GET")),
    _proof("htm-case", "`htm` is compared with case.", claim(htm="post")),
    _proof("htu-matches", "`htu` is the URI of the request.", claim(htu=f"{ISSUER}/oauth2/par")),
    _proof("htu-host", "`htu` is the URI of the request.", claim(htu="https://evil.example/oauth2/token")),
    _proof("htu-scheme", "`htu` is the URI of the request.", claim(htu="http://id.example.com/oauth2/token")),
    _proof("iat-recent", "A proof was made a short time ago.", times("`iat` 61 s ago", iat=-61)),
    _proof("iat-not-ahead", "A proof was made a short time ago.", times("`iat` in 60 s", iat=60)),
    _proof("too-late", "A proof is good for a short time.", later(61)),
    Row(
        "rfc9449-8-nonce-required",
        "With nonces in use a proof holds one; the answer brings it.",
        bound_token,
        claim(nonce=None),
        _NONCE,
    ),
    Row(
        "rfc9449-4.3-nonce-matches",
        "A nonce is one this server gave out.",
        bound_token,
        claim(nonce="made-up"),
        _NONCE,
    ),
    Row(
        "rfc9449-8.2-nonce-recent",
        "A nonce ends; the answer brings a new one.",
        bound_token,
        old_nonce,
        _NONCE,
    ),
    Row(
        "rfc9449-11.1-replay",
        "A proof is used once.",
        bound_token,
        first_sent("the proof used before"),
        _PROOF,
    ),
    Row(
        "rfc9449-5.2-bound-only",
        "A client registered for bound tokens gets no other.",
        obliged,
        header("DPoP"),
        _PROOF,
    ),
    Row(
        "rfc9449-5-refresh-needs-proof",
        "A public client's refresh token is bound to its key.",
        bound_refresh,
        header("DPoP"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc9449-5-refresh-same-key",
        "A public client's refresh token is bound to its key.",
        bound_refresh,
        another_holder,
        bad("invalid_grant"),
    ),
    Row(
        "rfc9449-10-code-needs-proof",
        "A code bound to a key is redeemed with a proof of it.",
        bound_code,
        header("DPoP"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc9449-10-code-same-key",
        "A code bound to a key is redeemed with a proof of it.",
        bound_code,
        another_holder,
        bad("invalid_grant"),
    ),
    Row(
        "rfc9449-10-jkt-form",
        "`dpop_jkt` is a SHA-256 thumbprint.",
        bound_authorization,
        with_("`dpop_jkt` of 42 characters", dpop_jkt="A" * 42),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9449-10.1-par-same-key",
        "`dpop_jkt` and the proof of a pushed request are of one key.",
        bound_push,
        another_jkt,
        _PROOF,
    ),
    _resource("ath-required", "At a resource a proof names the token.", claim(ath=None)),
    _resource("ath-matches", "At a resource a proof names the token.", another_token),
    _resource("same-key", "The key of the proof is the one the token is bound to.", another_holder),
    _resource("proof-required", "A bound token comes with a proof.", header("DPoP")),
    _resource("one-proof", "There is one DPoP header, no more.", two_proofs),
    _resource("htm-matches", "`htm` is the method of the request.", claim(htm="POST")),
    _resource("htu-matches", "`htu` is the URI of the request.", claim(htu=f"{ISSUER}/oauth2/token")),
    _resource("signature", "The signature verifies with the key in `jwk`.", ALTERED),
    _resource("replay", "A proof is used once.", first_sent("the proof used before")),
    _resource("not-as-bearer", "A bound token is not taken as a bearer token.", as_bearer, "invalid_token"),
    _resource(
        "not-as-bare-bearer", "A bound token is not taken as a bearer token.", as_bare_bearer, "invalid_token"
    ),
    Row(
        "rfc9449-7.1-bearer-not-bound",
        "A token that is bound to no key is not taken with the DPoP scheme.",
        bearer_userinfo,
        bearer_as_dpop,
        challenged(401, "invalid_token", "dpop"),
    ),
    Row(
        "rfc9449-9-resource-nonce",
        "A resource that uses nonces asks for one; the answer brings it.",
        bound_userinfo,
        claim(nonce=None),
        challenged(401, "use_dpop_nonce", "dpop"),
    ),
    _gateway("proof-required", "A bound token comes with a proof.", header("DPoP")),
    _gateway("one-proof", "There is one DPoP header, no more.", two_proofs),
    _gateway("well-formed", "The header is one well-formed JWT.", header("DPoP", "not.a.proof")),
    _gateway("typ", "`typ` is `dpop+jwt`.", jose(typ="JWT")),
    _gateway("not-unsigned", "`alg` is asymmetric, and not `none`.", UNSIGNED),
    _gateway("not-symmetric", "`alg` is asymmetric, and not `none`.", SYMMETRIC),
    _gateway("signature", "The signature verifies with the key in `jwk`.", ALTERED),
    _gateway("key-matches", "The signature verifies with the key in `jwk`.", another_jwk),
    _gateway("no-private-key", "`jwk` holds no private key.", private_key),
    _gateway("same-key", "The key of the proof is the one the token is bound to.", another_holder),
    _gateway("jti-required", "`jti` is required.", claim(jti=None)),
    _gateway("htm-matches", "`htm` is the method of the request.", claim(htm="POST")),
    _gateway(
        "htu-matches", "`htu` is the URI of the request.", claim(htu="http://evil.example/bound/v1/token")
    ),
    _gateway("htu-required", "`htu` is required.", claim(htu=None)),
    _gateway("ath-matches", "A proof names the token.", another_token),
    _gateway("ath-required", "A proof names the token.", claim(ath=None)),
    _gateway("iat-recent", "A proof was made a short time ago.", times("`iat` 61 s ago", iat=-61)),
    _gateway("iat-not-ahead", "A proof was made a short time ago.", times("`iat` in 60 s", iat=60)),
    _gateway("replay", "A proof is used once.", first_sent("the proof used before")),
    Row(
        "rfc9449-7.2-gateway-not-as-bearer",
        "A bound token is not taken as a bearer token.",
        at_gateway,
        as_bearer,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9449-7.2-gateway-not-as-bare-bearer",
        "A bound token is not taken as a bearer token.",
        at_gateway,
        as_bare_bearer,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9449-7.1-gateway-bound-only",
        "An API that asks for possession takes no other token.",
        at_gateway,
        bearer_at_gateway,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9449-9-gateway-nonce-required",
        "A resource that uses nonces asks for one; the answer brings it.",
        at_gateway_with_nonce,
        claim(nonce=None),
        challenged(401, "use_dpop_nonce", "dpop"),
    ),
    Row(
        "rfc9449-9-gateway-nonce-matches",
        "A nonce is one this server gave out.",
        at_gateway_with_nonce,
        claim(nonce="made-up"),
        challenged(401, "use_dpop_nonce", "dpop"),
    ),
)
DOCUMENT = Document("RFC 9449", "Demonstrating Proof of Possession (DPoP)", ROWS)
