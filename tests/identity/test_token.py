"""What every token request must be, and what binds the tokens it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.identity.certificates import certificate
from tests.identity.token_side import ISSUER, Holder, Side, refused

from wardgate.identity import token
from wardgate.identity.http import Parameters
from wardgate.identity.token import GRANTS
from wardgate.jose import nonce
from wardgate.jose.thumbprint import certificate_thumbprint

CC = {"grant_type": "client_credentials"}
URL = f"{ISSUER}/oauth2/token"


def proof(side: Side, holder: Holder, **claims: Any) -> list[tuple[str, str]]:
    """A DPoP header that is right but for ``claims``; ``None`` leaves one out."""
    side.count += 1
    said = {"jti": str(side.count), "htm": "POST", "htu": URL, "iat": int(side.clock()), **claims}
    return [("dpop", holder.proof(**{name: value for name, value in said.items() if value is not None}))]


async def bound(side: Side, **client: Any) -> Holder:
    """A client and somebody with a key."""
    await side.client(grant_types=("client_credentials",), scopes=("read",), **client)
    return Holder()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unauthorized_client"),
        ([*CC.items(), ("scope", "read"), ("scope", "read")], "invalid_request"),
        ([*CC.items(), *CC.items()], "invalid_request"),
    ],
)
async def test_the_form_says_what_is_asked(side: Side, form: Any, error: str) -> None:
    """RFC 6749 section 3.2: one known grant_type, no parameter twice."""
    await bound(side)
    assert (await side.refused(form, client="app")).error == error


@pytest.mark.parametrize(
    "headers", [(), (("content-type", "application/json"),), (("content-type", "multipart/form-data"),)]
)
async def test_only_a_form_is_read(side: Side, headers: tuple[tuple[str, str], ...]) -> None:
    """RFC 6749 section 4.4.2."""
    await bound(side)
    answering = token.handle(side.server, replace(side.call(CC, client="app"), headers=headers))
    assert (await refused(answering)).error == "invalid_request"


async def test_nothing_is_read_from_the_query(side: Side) -> None:
    """RFC 6749 section 2.3.1: secrets in URLs end up in logs."""
    await bound(side)
    query = Parameters((("client_secret", "x"),))
    assert (await side.refused(CC, client="app", query=query)).error == "invalid_request"


@pytest.mark.parametrize("grant", sorted(GRANTS))
async def test_a_client_uses_the_grants_it_is_registered_for(side: Side, grant: str) -> None:
    """RFC 6749 section 5.2; the client is known first."""
    await side.client(grant_types=())
    assert (await side.refused({"grant_type": grant}, client="app")).error == "unauthorized_client"
    assert (await side.refused({"grant_type": grant})).error == "invalid_client"


async def test_dpop_binds_the_token_to_the_key(side: Side) -> None:
    """RFC 9449 section 5: token_type DPoP, cnf.jkt, and a nonce for the next proof."""
    holder = await bound(side)
    answer = await side.token(CC, client="app", headers=proof(side, holder))
    assert answer["token_type"] == "DPoP"
    assert (await side.claims(answer["access_token"]))["cnf"] == {"jkt": holder.jkt}


async def test_a_proof_needs_a_nonce_of_this_server(side: Side) -> None:
    """RFC 9449 section 8: the error brings the nonce, and a later answer the next."""
    holder = await bound(side)
    side.set(require_dpop_nonce=True)
    error = await side.refused(CC, client="app", headers=proof(side, holder))
    assert (error.error, error.status) == ("use_dpop_nonce", 400)
    told = dict(error.headers)["dpop-nonce"]
    assert nonce.valid(side.store.master_key(), told, side.clock())
    with_nonce = proof(side, holder, nonce=told)
    assert (await side.token(CC, client="app", headers=with_nonce))["token_type"] == "DPoP"
    side.clock.forward(121)
    late = proof(side, holder, nonce=told)
    assert (await side.refused(CC, client="app", headers=late)).error == "use_dpop_nonce"
    invented = proof(side, holder, nonce="invented")
    assert (await side.refused(CC, client="app", headers=invented)).error == "use_dpop_nonce"


async def test_a_proof_is_seen_once(side: Side) -> None:
    """RFC 9449 section 11.1."""
    holder = await bound(side)
    shown = proof(side, holder)
    await side.token(CC, client="app", headers=shown)
    assert (await side.refused(CC, client="app", headers=shown)).error == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"},
        {"htu": "https://elsewhere.example/oauth2/token"},
        {"htu": f"{ISSUER}/oauth2/par"},
        {"iat": 1},
        {"iat": 99999999999},
        {"iat": None},
        {"jti": None},
    ],
)
async def test_a_wrong_proof_is_refused(side: Side, claims: dict[str, Any]) -> None:
    """RFC 9449 section 4.3."""
    holder = await bound(side)
    error = await side.refused(CC, client="app", headers=proof(side, holder, **claims))
    assert error.error == "invalid_dpop_proof"


async def test_two_proofs_or_none_where_one_is_due(side: Side) -> None:
    """RFC 9449 sections 4.3 and 5.2."""
    holder = await bound(side, require_dpop=True)
    two = proof(side, holder) + proof(side, holder)
    for headers in (two, [], [("dpop", "nonsense")]):
        assert (await side.refused(CC, client="app", headers=headers)).error == "invalid_dpop_proof"


async def test_a_refusal_after_a_proof_brings_a_nonce_too(side: Side) -> None:
    """RFC 9449 section 8.2."""
    holder = await bound(side)
    error = await side.refused(CC | {"scope": "x"}, client="app", headers=proof(side, holder))
    assert error.error == "invalid_scope"
    assert "dpop-nonce" in dict(error.headers)


async def test_a_certificate_binds_the_token(side: Side) -> None:
    """RFC 8705 section 3; without it such a client gets nothing."""
    await bound(side, certificate_bound=True)
    der = certificate()
    answer = await side.token(CC, client="app", certificate=der)
    assert answer["token_type"] == "Bearer"
    assert (await side.claims(answer["access_token"]))["cnf"] == {"x5t#S256": certificate_thumbprint(der)}
    assert (await side.refused(CC, client="app")).error == "invalid_request"


async def test_the_clients_word_is_checked_before_a_proof_is_used_up(side: Side) -> None:
    """Who is not the client cannot fill the store with proofs."""
    holder = await bound(side)
    shown = proof(side, holder)
    assert (await side.refused(CC, headers=shown)).error == "invalid_client"
    assert (await side.token(CC, client="app", headers=shown))["token_type"] == "DPoP"
