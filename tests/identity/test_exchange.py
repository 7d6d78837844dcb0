"""A token for a token (RFC 8693) is never worth more than the one that was shown."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from tests.identity.certificates import certificate
from tests.identity.token_side import ISSUER, Holder, Side

from wardgate.domain.oauth import TOKEN_EXCHANGE, Grant
from wardgate.domain.tokenform import new_jti
from wardgate.identity import issue, manage_clients, manage_tokens, presented_token
from wardgate.identity.grants.exchange_tokens import ACCESS_TOKEN, ID_TOKEN
from wardgate.identity.issue import AccessSpec, Binding
from wardgate.identity.revoking import end_grants
from wardgate.jose.thumbprint import certificate_thumbprint


def form(text: str, kind: str = ACCESS_TOKEN, **other: str) -> dict[str, str]:
    """An exchange."""
    return {"grant_type": TOKEN_EXCHANGE, "subject_token": text, "subject_token_type": kind, **other}


async def clients(side: Side, **settings: Any) -> Grant:
    """``app`` has a person's grant; ``service`` exchanges tokens meant for ``urn:service``."""
    await side.client(grant_types=("authorization_code",), audiences=("urn:service",))
    await side.client(
        "service",
        **{
            "grant_types": (TOKEN_EXCHANGE, "client_credentials"),
            "audiences": ("urn:service", "urn:a"),
            "scopes": ("read", "write"),
            **settings,
        },
    )
    user = await side.user()
    return await side.grant("app", user.id, scopes=("read", "openid"))


async def shown(side: Side, grant: Grant | None = None, client: str = "app", **said: Any) -> str:
    """An access token."""
    async with side.store.reading() as tx:
        made = await tx.clients.get(client)
    assert made is not None
    spec: dict[str, Any] = {
        "client": made,
        "subject": grant.subject if grant else client,
        "grant": grant.id if grant else "",
        "scopes": ("read", "openid"),
        "audiences": ("urn:service", "urn:a"),
        **said,
    }
    prepared = issue.prepare(side.server, AccessSpec(**spec))
    async with side.store.writing() as tx:
        await issue.keep(side.server, tx, prepared)
    return await issue.text_of(side.server, prepared)


async def test_what_is_made_lies_within_what_was_shown(side: Side) -> None:
    """Scopes, roles, audiences, lifetime, how the person signed in; of the same grant."""
    grant = await clients(side, access_lifetime=3600)
    text = await shown(
        side, grant, roles=("clerk",), acr="urn:wardgate:acr:2", auth_time=1000, amr=("pwd", "otp")
    )
    side.clock.forward(100)
    answer = await side.token(form(text), client="service")
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert (answer["scope"], answer["expires_in"]) == ("read", 500)
    assert "refresh_token" not in answer
    claims = await side.claims(answer["access_token"])
    expected = {
        "sub": grant.subject,
        "client_id": "service",
        "gid": grant.id,
        "roles": ["clerk"],
        "aud": ["urn:a", "urn:service"],
        "acr": "urn:wardgate:acr:2",
        "amr": ["pwd", "otp"],
        "auth_time": 1000,
    }
    assert {name: claims[name] for name in expected} == expected
    assert "act" not in claims


async def test_a_short_lifetime_of_the_client_stays_short(side: Side) -> None:
    """The shorter of both."""
    grant = await clients(side, access_lifetime=60)
    assert (await side.token(form(await shown(side, grant)), client="service"))["expires_in"] == 60


async def test_it_can_be_narrowed_and_not_widened(side: Side) -> None:
    """By scope, by resource and by audience."""
    grant = await clients(side, audiences=("urn:service", "urn:a", "urn:b"))
    text = await shown(side, grant)
    answer = await side.token(form(text, scope="read", resource="urn:a"), client="service")
    assert (await side.claims(answer["access_token"]))["aud"] == "urn:a"
    answer = await side.token(form(text, audience="urn:a"), client="service")
    assert (await side.claims(answer["access_token"]))["aud"] == "urn:a"
    for other, error in (
        ({"scope": "write"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"resource": "urn:b"}, "invalid_target"),
        ({"audience": "urn:b"}, "invalid_target"),
        ({"audience": "orders/v1"}, "invalid_target"),
        ({"resource": ISSUER}, "invalid_target"),
    ):
        assert (await side.refused(form(text, **other), client="service")).error == error


async def test_a_token_for_the_whole_gateway_is_narrowed_to_an_api(side: Side) -> None:
    """``audience`` may name the API as its consumers do."""
    orders = await side.deploy("orders")
    await side.application("acme", "orders/v1")
    grant = await clients(side)
    text = await shown(side, grant, audiences=(ISSUER, "urn:service"))
    for named in ({"audience": "orders/v1"}, {"resource": orders}):
        answer = await side.token(form(text, **named), client="service")
        assert (await side.claims(answer["access_token"]))["aud"] == orders


async def test_only_what_concerns_the_client_is_exchanged(side: Side) -> None:
    """Issued to it, or meant for it; a token for elsewhere is not valid here."""
    grant = await clients(side)
    elsewhere = await shown(side, grant, audiences=("urn:other",))
    whole = await shown(side, grant, audiences=(ISSUER,))
    for text in (elsewhere, whole):
        assert (await side.refused(form(text), client="service")).error == "invalid_request"
    own = await shown(side, client="service", audiences=(ISSUER,), scopes=("read",))
    assert (await side.token(form(own), client="service"))["scope"] == "read"


async def test_who_acts_is_told_in_order(side: Side) -> None:
    """RFC 8693 section 4.1: the newest actor is outermost; the chain has an end."""
    grant = await clients(side)
    actor = await shown(side, client="service", scopes=("read",))
    text = await shown(side, grant, actors=("first",))
    by_actor = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    claims = await side.claims((await side.token(form(text, **by_actor), client="service"))["access_token"])
    assert claims["act"] == {"sub": "service", "act": {"sub": "first"}}
    full = await shown(side, grant, actors=tuple("12345678"))
    assert (await side.refused(form(full, **by_actor), client="service")).error == "invalid_request"
    assert "act" in await side.claims((await side.token(form(full), client="service"))["access_token"])


async def test_a_life_ends_with_the_actors(side: Side) -> None:
    """The new token outlives neither."""
    grant = await clients(side)
    actor = await shown(side, client="service", scopes=("read",))
    side.clock.forward(400)
    text = await shown(side, grant)
    by_actor = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    assert (await side.token(form(text, **by_actor), client="service"))["expires_in"] == 200


async def test_an_actor_is_the_client_itself(side: Side) -> None:
    """Nobody acts by a token that was issued to another, or without saying what it is."""
    grant = await clients(side)
    text = await shown(side, grant)
    others = await shown(side, grant)
    for other in (
        {"actor_token": others, "actor_token_type": ACCESS_TOKEN},
        {"actor_token": await shown(side, client="service")},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
    ):
        assert (await side.refused(form(text, **other), client="service")).error == "invalid_request"


async def test_an_id_token_stands_for_its_grant(side: Side) -> None:
    """Shown by its own client; scopes are the grant's, as far as the person may have them now."""
    user = await side.user()
    made = await side.client(
        grant_types=("authorization_code", TOKEN_EXCHANGE), scopes=("read", "write", "openid")
    )
    await side.client("service", grant_types=(TOKEN_EXCHANGE,))
    await side.role("clerk", "write")
    grant = await side.grant("app", user.id, scopes=("read", "write", "openid"))
    text = await issue.id_token(side.server, made, grant, subject=user.id, claims={})
    answer = await side.token(form(text, ID_TOKEN), client="app")
    assert (answer["scope"], answer["expires_in"]) == ("read openid", 300)
    assert (await side.claims(answer["access_token"]))["gid"] == grant.id
    assert (await side.refused(form(text, ID_TOKEN), client="service")).error == "invalid_request"
    assert (await side.refused(form(text, ACCESS_TOKEN), client="app")).error == "invalid_request"
    side.clock.forward(300)
    assert (await side.refused(form(text, ID_TOKEN), client="app")).error == "invalid_request"


async def test_a_bound_token_is_exchanged_by_who_has_the_key(side: Side) -> None:
    """And what is made of it is bound as well."""
    grant = await clients(side)
    holder, der = Holder(), certificate()
    by_key = await shown(side, grant, binding=Binding(jkt=holder.jkt))
    by_certificate = await shown(side, grant, binding=Binding(x5t=certificate_thumbprint(der)))
    for text in (by_key, by_certificate):
        assert (await side.refused(form(text), client="service")).error == "invalid_request"
    proof = holder.proof(jti="1", htm="POST", htu=f"{ISSUER}/oauth2/token", iat=int(side.clock()))
    answer = await side.token(form(by_key), client="service", headers=[("dpop", proof)])
    assert (await side.claims(answer["access_token"]))["cnf"] == {"jkt": holder.jkt}
    answer = await side.token(form(by_certificate), client="service", certificate=der)
    assert (await side.claims(answer["access_token"]))["cnf"] == {"x5t#S256": certificate_thumbprint(der)}


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_what_has_ended_is_worth_nothing(side: Side, kind: str) -> None:
    """Expired, taken back with its grant, or by itself; and taking the grant back ends what was made of it."""
    grant = await clients(side, token_format=kind)
    text = await shown(side, grant)
    made = (await side.token(form(text), client="service"))["access_token"]
    assert await presented_token.good_access_token(side.server, made) is not None
    async with side.store.writing() as tx:
        await end_grants(side.server, tx, [grant])
    assert await presented_token.good_access_token(side.server, made) is None
    assert (await side.refused(form(text), client="service")).error == "invalid_request"
    late = await shown(side, client="service")
    side.clock.forward(600)
    assert (await side.refused(form(late), client="service")).error == "invalid_request"


@pytest.mark.parametrize(
    "other",
    [
        {"subject_token": ""},
        {"subject_token": "x"},
        {"subject_token": "wgat_" + "A" * 43},
        {"subject_token_type": ""},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
async def test_what_is_no_token_here_is_refused(side: Side, other: dict[str, str]) -> None:
    """RFC 8693 section 2.2.2: invalid_request."""
    grant = await clients(side)
    text = await shown(side, grant)
    assert (await side.refused(form(text) | other, client="service")).error == "invalid_request"


async def test_a_foreign_signature_is_worth_nothing(side: Side) -> None:
    """Even where all it says is right."""
    grant = await clients(side)
    claims = await side.claims(await shown(side, grant))
    claims["jti"] = new_jti(side.clock(), bytes)
    text = Holder().sign(claims, "at+jwt")
    assert (await side.refused(form(text), client="service")).error == "invalid_request"


async def test_a_public_client_exchanges_nothing(side: Side) -> None:
    """Anyone could be it."""
    await side.client(authentication="none", grant_types=(TOKEN_EXCHANGE,))
    error = await side.refused(form("x") | {"client_id": "app"})
    assert error.error == "unauthorized_client"


@pytest.mark.parametrize("kind", ["client", "application", "removal"])
@pytest.mark.parametrize("whose", ["a person's", "its own"])
async def test_a_client_that_is_taken_back_takes_what_others_made_of_its_tokens_along(
    side: Side, whose: str, kind: Literal["client", "application", "removal"]
) -> None:
    """A gateway sees another client in them, and knows by the grant or the subject alone whose they were."""
    grant = await clients(side)
    text = await shown(side, grant if whose == "a person's" else None)
    made = (await side.token(form(text), client="service"))["access_token"]
    async with side.store.reading() as tx:
        app, service = await tx.clients.get("app"), await tx.clients.get("service")
    assert app is not None
    assert service is not None
    if kind == "removal":
        await manage_clients.remove(side.store, app.id, clock=side.clock)
    else:
        await manage_tokens.revoke(side.server, kind, app.id if kind == "client" else app.application)
    said = await presented_token.said_by(side.server, made)
    assert said is not None
    async with side.store.reading() as tx:
        assert await tx.revocations.covers(said[0], "another application")


@pytest.mark.parametrize("how", ["client suspended", "jti revoked"])
@pytest.mark.parametrize("whose", ["a person's", "its own"])
async def test_what_was_made_before_goes_on_when_only_the_client_rests_or_one_token_is_revoked(
    side: Side, whose: str, how: str
) -> None:
    """As the documentation says: it ends by itself, never later than what was shown would have, and no more is made."""
    grant = await clients(side)
    text = await shown(side, grant if whose == "a person's" else None)
    first = await presented_token.good_access_token(side.server, text)
    assert first is not None
    made = (await side.token(form(text), client="service"))["access_token"]
    if how == "client suspended":
        await manage_clients.suspend(side.store, "app", clock=side.clock)
    else:
        await manage_tokens.revoke(side.server, "jti", first.token.id)
    assert await presented_token.good_access_token(side.server, text) is None
    error = await side.refused(form(text), client="service")
    assert error.error == "invalid_request"
    going_on = await presented_token.good_access_token(side.server, made)
    assert going_on is not None
    assert going_on.token.expires_at <= first.token.expires_at
    side.clock.forward(601)
    assert await presented_token.good_access_token(side.server, made) is None
