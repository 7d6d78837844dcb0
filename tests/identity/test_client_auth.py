"""Which client calls: each method, one at a time, and the same refusal whatever is wrong."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.certificates import certificate, registered
from tests.identity.token_side import ISSUER, Holder, Side, basic, refused

from wardgate.domain.oauth import ClientSecret
from wardgate.identity.client_assertion import JWT_BEARER_ASSERTION
from wardgate.identity.client_auth import authenticate
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Reply
from wardgate.identity.remote_keys import REFETCH
from wardgate.identity.server import Server
from wardgate.jose import jws

JWKS = "https://app.example.com/jwks"


async def who(side: Side, form: Mapping[str, str] | Sequence[tuple[str, str]] = (), **how: Any) -> str:
    """The client that is believed."""
    return (await authenticate(side.server, side.call(form, **how))).client.id


async def refusal(
    side: Side, form: Mapping[str, str] | Sequence[tuple[str, str]] = (), **how: Any
) -> OAuthError:
    """Why none is."""

    async def answer() -> Reply:
        await who(side, form, **how)
        return Reply()

    return await refused(answer())


def by_header(user: str, secret: str) -> dict[str, Any]:
    """An Authorization header."""
    return {"headers": [("authorization", basic(user, secret))]}


def assertion(side: Side, holder: Holder, **claims: Any) -> dict[str, str]:
    """A client assertion that is right but for ``claims``; ``None`` leaves one out."""
    now = side.clock()
    side.count += 1
    said = {
        "iss": "app",
        "sub": "app",
        "aud": ISSUER,
        "exp": int(now + 60),
        "iat": int(now),
        "jti": str(side.count),
        **claims,
    }
    text = holder.sign({name: value for name, value in said.items() if value is not None})
    return {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": text}


async def test_a_secret_in_the_header_is_form_decoded(side: Side) -> None:
    """RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    await side.client("a client:1")
    odd = "s p+a%c:e"
    async with side.store.writing() as tx:
        await tx.clients.add_secret(
            ClientSecret(client="a client:1", digest=side.server.digest(odd), created_at=0)
        )
    assert await who(side, **by_header("a client:1", odd)) == "a client:1"
    assert await who(side, client="a client:1") == "a client:1"


async def test_a_secret_in_the_form(side: Side) -> None:
    """RFC 6749 section 2.3.1: for clients that registered it."""
    await side.client(authentication="client_secret_post")
    assert await who(side, {"client_id": "app", "client_secret": side.secrets["app"]}) == "app"


async def test_secrets_overlap_in_a_rotation(side: Side) -> None:
    """The old one is good until its end, and the new one at once."""
    await side.client()
    async with side.store.writing() as tx:
        new = ClientSecret(client="app", digest=side.server.digest("new"), created_at=0)
        await tx.clients.add_secret(new)
        old = side.server.digest(side.secrets["app"])
        await tx.clients.end_secret("app", old, side.clock() + 10)
    assert await who(side, client="app") == await who(side, **by_header("app", "new")) == "app"
    side.clock.forward(10)
    assert (await refusal(side, client="app")).error == "invalid_client"
    assert await who(side, **by_header("app", "new")) == "app"


async def test_a_public_client_only_says_who_it_is(side: Side) -> None:
    """Method none."""
    await side.client(authentication="none")
    assert await who(side, {"client_id": "app"}) == "app"


@pytest.mark.parametrize(
    "header",
    [
        basic("app", "wrong"),
        basic("nobody", "wrong"),
        basic("", ""),
        "Basic !!!",
        "Basic " + b64encode(b"app").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Bearer abc",
        "Basic",
    ],
)
async def test_a_wrong_header_is_refused_with_a_challenge(side: Side, header: str) -> None:
    """RFC 6749 section 5.2: 401, WWW-Authenticate, and not a word about what was wrong."""
    await side.client()
    error = await refusal(side, headers=[("authorization", header)])
    assert (error.error, error.status) == ("invalid_client", 401)
    assert error.description == "Client authentication failed"
    assert error.headers == (("www-authenticate", f'Basic realm="{ISSUER}", charset="UTF-8"'),)


async def test_only_the_registered_method_counts(side: Side) -> None:
    """A right secret in the wrong place, and no secret at all."""
    await side.client("post", authentication="client_secret_post")
    await side.client("basic")
    await side.client("none", authentication="none")
    secrets = side.secrets
    for form, how in (
        ({}, by_header("post", secrets["post"])),
        ({"client_id": "basic", "client_secret": secrets["basic"]}, {}),
        ({"client_id": "basic"}, {}),
        ({"client_id": "none", "client_secret": "x"}, {}),
        ({}, by_header("none", "")),
        ({"client_id": "nobody"}, {}),
        ({}, {}),
    ):
        error = await refusal(side, form, **how)
        assert (error.error, error.status, error.description) == (
            "invalid_client",
            401,
            "Client authentication failed",
        )


async def test_more_than_one_method_is_refused(side: Side) -> None:
    """RFC 6749 section 2.3: even where one of them is right."""
    await side.client()
    holder = Holder()
    shown = assertion(side, holder)
    for form, how in (
        ({"client_secret": side.secrets["app"]}, {"client": "app"}),
        (shown, {"client": "app"}),
        (shown | {"client_secret": "x"}, {}),
        ({}, {"client": "app", "headers": [("authorization", "Basic eDp5")]}),
    ):
        assert (await refusal(side, form, **how)).error == "invalid_request"


async def test_another_client_id_beside_is_refused(side: Side) -> None:
    """The same one may stand in the form too."""
    await side.client()
    assert await who(side, {"client_id": "app"}, client="app") == "app"
    assert (await refusal(side, {"client_id": "other"}, client="app")).error == "invalid_client"


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
async def test_suspended_clients_and_applications_are_refused(side: Side, method: str) -> None:
    """At once, in the words of a wrong secret."""
    made = await side.client(authentication=method)
    how: dict[str, Any] = {"client": "app"} if side.secrets else {"form": {"client_id": "app"}}
    form = how.pop("form", {})
    assert await who(side, form, **how) == "app"
    async with side.store.writing() as tx:
        await tx.applications.set_status("acme", "suspended")
        await tx.feed.append("application", "acme", at=side.clock())
    assert (await refusal(side, form, **how)).error == "invalid_client"
    async with side.store.writing() as tx:
        await tx.applications.set_status("acme", "active")
        await tx.feed.append("application", "acme", at=side.clock())
        await tx.clients.replace(replace(made, status="suspended"))
    assert (await refusal(side, form, **how)).error == "invalid_client"


async def test_a_client_of_another_environment_is_unknown_here(side: Side) -> None:
    """Credentials are per environment."""
    await side.client()
    side.set(environment="production")
    assert (await refusal(side, client="app")).error == "invalid_client"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth2/token", [ISSUER]])
async def test_an_assertion_the_client_signed(side: Side, algorithm: str, audience: Any) -> None:
    """RFC 7523 section 3: for the issuer or the token endpoint."""
    holder = Holder(algorithm)
    await side.client(authentication="private_key_jwt", jwks=holder.jwks)
    assert await who(side, assertion(side, holder, aud=audience)) == "app"


async def test_an_assertion_has_the_algorithm_the_client_registered(side: Side) -> None:
    """``token_endpoint_auth_signing_alg``: no other of its keys will do; ``EdDSA`` has two names."""
    right, other = Holder("EdDSA"), Holder("RS256")
    keys = [*right.jwks["keys"], *other.jwks["keys"]]
    await side.client(authentication="private_key_jwt", jwks={"keys": keys}, assertion_alg="Ed25519")
    assert await who(side, assertion(side, right)) == "app"
    error = await refusal(side, assertion(side, other))
    assert (error.error, error.note) == ("invalid_client", "app: assertion algorithm")


async def test_an_assertion_is_shown_once(side: Side) -> None:
    """RFC 7523 section 3: jti."""
    holder = Holder()
    await side.client(authentication="private_key_jwt", jwks=holder.jwks)
    shown = assertion(side, holder)
    assert await who(side, shown) == "app"
    assert (await refusal(side, shown)).error == "invalid_client"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": None},
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": [1]},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": 99999999999},
        {"nbf": 9999999999},
        {"iat": 9999999999},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 300},
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "nobody", "sub": "nobody"},
        {"sub": None},
    ],
)
async def test_a_wrong_assertion_is_refused(side: Side, claims: dict[str, Any]) -> None:
    """Each MUST of RFC 7523 section 3."""
    holder = Holder()
    await side.client(authentication="private_key_jwt", jwks=holder.jwks)
    error = await refusal(side, assertion(side, holder, **claims))
    assert (error.error, error.status, error.headers) == ("invalid_client", 401, ())


async def test_an_assertion_needs_the_right_key_and_type(side: Side) -> None:
    """Signed by another, of another type, or without the parameter that says what it is."""
    holder = Holder()
    await side.client(authentication="private_key_jwt", jwks=holder.jwks)
    assert (await refusal(side, assertion(side, Holder()))).error == "invalid_client"
    claims = {"iss": "app", "sub": "app", "aud": ISSUER, "exp": int(side.clock() + 60), "jti": "1"}
    other_type = holder.sign(claims, "at+jwt")
    form = {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": other_type}
    assert (await refusal(side, form)).error == "invalid_client"
    assert (await refusal(side, {"client_assertion": holder.sign(claims)})).error == "invalid_request"
    assert (await refusal(side, {"client_assertion_type": "x"})).error == "invalid_request"


async def test_a_jwk_set_elsewhere_is_read_and_kept(side: Side) -> None:
    """Read once, anew for an unknown key, but not more often than every half a minute."""
    old, new = Holder(), Holder()
    side.net.documents[JWKS] = old.jwks
    await side.client(authentication="private_key_jwt", jwks_uri=JWKS)
    assert await who(side, assertion(side, old)) == await who(side, assertion(side, old)) == "app"
    assert side.net.asked == [JWKS]
    side.net.documents[JWKS] = new.jwks
    assert (await refusal(side, assertion(side, new))).error == "invalid_client"
    assert side.net.asked == [JWKS]
    side.clock.forward(REFETCH)
    assert await who(side, assertion(side, new)) == "app"
    assert (await refusal(side, assertion(side, old))).error == "invalid_client"
    assert side.net.asked == [JWKS] * 2


async def test_a_jwk_set_that_cannot_be_read_believes_nobody(side: Side) -> None:
    """And is not asked for again and again."""
    holder = Holder()
    await side.client(authentication="private_key_jwt", jwks_uri=JWKS)
    for _ in range(5):
        assert (await refusal(side, assertion(side, holder))).error == "invalid_client"
    assert side.net.asked == [JWKS]


@pytest.mark.parametrize(
    ("names", "settings"),
    [
        ({}, {"tls_subject_dn": "CN=app,O=Acme"}),
        ({"dns": ["Client.Example.com"]}, {"tls_san_dns": "client.example.com"}),
        ({"uris": ["spiffe://acme/app"]}, {"tls_san_uri": "spiffe://acme/app"}),
    ],
)
async def test_a_name_in_the_certificate(side: Side, names: dict[str, Any], settings: dict[str, str]) -> None:
    """RFC 8705 section 2.1.2: the one name that is registered."""
    await side.client(authentication="tls_client_auth", **settings)
    form = {"client_id": "app"}
    assert await who(side, form, certificate=certificate(**names)) == "app"
    for other in (
        certificate("CN=other"),
        certificate(issuer=None, **names),
        certificate(days=-1, **names),
        b"no certificate",
        None,
    ):
        error = await refusal(side, form, certificate=other)
        assert (error.error, error.description) == ("invalid_client", "Client authentication failed")


async def test_a_self_signed_certificate_that_was_registered(side: Side) -> None:
    """RFC 8705 section 2.2: that very certificate, by value or by reference."""
    der = certificate(issuer=None)
    side.net.documents[JWKS] = registered(der)
    await side.client("value", authentication="self_signed_tls_client_auth", jwks=registered(der))
    await side.client("uri", authentication="self_signed_tls_client_auth", jwks_uri=JWKS)
    for name in ("value", "uri"):
        assert await who(side, {"client_id": name}, certificate=der) == name
        for other in (certificate(issuer=None), None):
            assert (await refusal(side, {"client_id": name}, certificate=other)).error == "invalid_client"


async def test_a_certificate_does_not_stand_in_for_a_secret(side: Side) -> None:
    """A client that registered a secret shows it, whatever its connection has."""
    await side.client()
    error = await refusal(side, {"client_id": "app"}, certificate=certificate())
    assert error.error == "invalid_client"


async def test_an_unknown_client_costs_what_a_wrong_secret_does(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same look-up, digest and comparison; for assertions the same check of a signature."""
    await side.client()
    holder = Holder()
    await side.client("signer", authentication="private_key_jwt", jwks=holder.jwks)
    work: list[str] = []

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **how: Any) -> Any:
            work.append(name)
            return real(*args, **how)

        return call

    monkeypatch.setattr(Server, "digest", noted("digest", Server.digest))
    monkeypatch.setattr(
        "wardgate.identity.client_auth.hmac.compare_digest", noted("compare", hmac.compare_digest)
    )
    monkeypatch.setattr("wardgate.jose.jws.verified", noted("verify", jws.verified))

    async def done(form: Mapping[str, str] | Sequence[tuple[str, str]] = (), **how: Any) -> list[str]:
        work.clear()
        assert (await refusal(side, form, **how)).error == "invalid_client"
        return list(work)

    assert (
        await done(**by_header("nobody", "x")) == await done(**by_header("app", "x")) == ["digest", "compare"]
    )
    unknown = assertion(side, Holder(), iss="nobody", sub="nobody")
    known = assertion(side, Holder(), iss="signer", sub="signer")
    assert await done(unknown) == await done(known) == ["verify"]
