"""RFC 7636: proof key for code exchange."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.afterwards import still_redeemable
from tests.conformance.answers import bad, redirected
from tests.conformance.changes import Change, change, empty, with_, without
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row
from tests.conformance.sounds import authorization, code, public_code, redeemable
from tests.identity.token_side import VERIFIER

from wardgate.identity.pkce import challenge_of


def verified_by(text: str, verifier: str) -> Change:
    """Another verifier; who has the right one can still redeem the code."""

    async def changed(house: House, request: Request) -> Request:
        return replace(request.with_(code_verifier=verifier), facts={**request.facts, "sound": request})

    return Change(text, changed)


@change("with a code of another request of the same client, which had another challenge")
async def injected(house: House, request: Request) -> Request:
    client = request.facts["client"]
    other = await redeemable(house, client, code_challenge=challenge_of("w" * 43))
    return request.with_(code=other.value("code"))


@change("with a verifier for a code that was issued without a challenge")
async def without_challenge(house: House, request: Request) -> Request:
    client = request.facts["client"]
    other = await redeemable(house, client, code_challenge="")
    return request.with_(code=other.value("code"))


_RIGHT = "its client can still redeem it"

ROWS = (
    Row(
        "rfc7636-4.1-verifier-length",
        "A verifier has at least 43 characters.",
        code,
        with_("a verifier of 42 characters", code_verifier="v" * 42),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.1-verifier-not-too-long",
        "A verifier has at most 128 characters.",
        code,
        with_("a verifier of 129 characters", code_verifier="v" * 129),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.1-verifier-characters",
        "A verifier is of unreserved characters.",
        code,
        with_("a verifier with a blank", code_verifier="v" * 42 + " v"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.2-no-plain",
        "A client that can do S256 uses it; this server takes nothing less.",
        authorization,
        with_(code_challenge_method="plain"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.3-method-defaults-to-plain",
        "Without a method `plain` is meant, which is not taken.",
        authorization,
        without("code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.3-method-empty",
        "An empty method is none.",
        authorization,
        empty("code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.4.1-challenge-required",
        "A server that requires PKCE answers a missing challenge with an error.",
        authorization,
        without("code_challenge", "code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.4.1-method-unknown",
        "A transformation that is not supported is refused.",
        authorization,
        with_(code_challenge_method="S512"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.4.1-method-case",
        "The method is compared with case.",
        authorization,
        with_(code_challenge_method="s256"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.2-challenge-length",
        "An S256 challenge has 43 characters.",
        authorization,
        with_("a challenge of 42 characters", code_challenge="c" * 42),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.2-challenge-no-padding",
        "A challenge is base64url without padding.",
        authorization,
        with_("a challenge with padding", code_challenge="c" * 43 + "="),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.2-challenge-alphabet",
        "A challenge is base64url, not base64.",
        authorization,
        with_("a challenge with a plus sign", code_challenge="c" * 42 + "+"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc7636-4.5-verifier-required",
        "The verifier is sent with the code.",
        code,
        without("code_verifier"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.5-verifier-required-public",
        "The verifier is sent with the code.",
        public_code,
        without("code_verifier"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.6-verifier-matches",
        "A verifier that is not the challenge's is refused.",
        code,
        verified_by("another verifier", "w" * 43),
        bad("invalid_grant"),
        still_redeemable,
        _RIGHT,
    ),
    Row(
        "rfc7636-4.6-verifier-matches-public",
        "A verifier that is not the challenge's is refused.",
        public_code,
        verified_by("another verifier", "w" * 43),
        bad("invalid_grant"),
        still_redeemable,
        _RIGHT,
    ),
    Row(
        "rfc7636-4.6-verifier-case",
        "The verifier is compared with case.",
        public_code,
        verified_by("the verifier in upper case", VERIFIER.upper()),
        bad("invalid_grant"),
        still_redeemable,
        _RIGHT,
    ),
    Row(
        "rfc7636-4.6-no-downgrade",
        "A challenge is never taken for its own verifier.",
        public_code,
        verified_by("the challenge for a verifier", challenge_of(VERIFIER)),
        bad("invalid_grant"),
        still_redeemable,
        _RIGHT,
    ),
    Row(
        "rfc7636-7.1-code-injected",
        "A code of one request is of no use in another.",
        public_code,
        injected,
        bad("invalid_grant"),
    ),
    Row(
        "rfc7636-4.6-code-without-challenge",
        "A public client's code without a challenge is not redeemed.",
        public_code,
        without_challenge,
        bad("invalid_grant"),
    ),
)
DOCUMENT = Document("RFC 7636", "Proof Key for Code Exchange", ROWS)
