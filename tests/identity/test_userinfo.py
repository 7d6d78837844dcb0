"""Userinfo: the claims that were agreed to, to whoever rightly holds the token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.identity.front import (
    ISSUER,
    Clock,
    add_client,
    add_user,
    api_call,
    make_server,
    refusal,
    signed,
)

from wardgate.control.ids import new_id
from wardgate.domain.oauth import Client, Grant
from wardgate.domain.people import User
from wardgate.identity import issue
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Reply
from wardgate.identity.issue import Binding
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of
from wardgate.identity.userinfo import userinfo
from wardgate.jose.dpop import token_hash
from wardgate.jose.thumbprint import certificate_thumbprint, jwk_thumbprint
from wardgate.storage.database import SqlStore

PATH = "/oauth2/userinfo"


@dataclass
class Scene:
    """A client with tokens of a person."""

    server: Server
    client: Client
    user: User
    clock: Clock
    grant: Grant | None = None

    async def token(
        self,
        scopes: Sequence[str] = ("openid", "email"),
        *,
        claims: dict[str, Any] | None = None,
        binding: Binding = issue.UNBOUND,
        audiences: tuple[str, ...] = (),
        granted: bool = True,
    ) -> str:
        """An access token as the token endpoint makes it."""
        now = self.clock.now
        self.grant = Grant(
            id=new_id("gr", now),
            environment="development",
            client=self.client.id,
            subject=self.user.id,
            scopes=tuple(scopes),
            kind="authorization_code",
            created_at=now,
            claims=claims or {},
        )
        subject = subject_of(self.server, self.client, self.user.id)
        spec = issue.spec_of(
            self.client,
            self.grant,
            subject=subject,
            scopes=scopes,
            audiences=audiences,
            roles=(),
            binding=binding,
            authorization_details=(),
        )
        prepared = issue.prepare(self.server, spec if granted else replace(spec, grant=""))
        async with self.server.store.writing() as tx:
            await tx.grants.add(self.grant)
            await issue.keep(self.server, tx, prepared)
        return await issue.text_of(self.server, prepared)

    async def ask(self, token: str, *, scheme: str = "Bearer", **more: Any) -> Reply:
        """The answer to the token in the header."""
        headers = {"authorization": f"{scheme} {token}", **more.pop("headers", {})}
        return await userinfo(self.server, api_call(PATH, method="GET", headers=headers, **more))

    async def refused(self, token: str, **more: Any) -> OAuthError:
        """The error the token is answered with, which always carries a challenge."""
        error = await refusal(self.ask(token, **more))
        assert any(name == "www-authenticate" for name, _ in error.headers)
        return error


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    """A client and a person."""
    clock = Clock()
    server = make_server(store, clock)
    return Scene(server, await add_client(server), await add_user(server), clock)


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
async def test_what_the_scopes_open(scene: Scene, token_format: str, subject_type: str) -> None:
    """Claims of the scopes, under the subject the client knows."""
    scene.client = await add_client(scene.server, token_format=token_format, subject_type=subject_type)
    reply = await scene.ask(await scene.token())
    assert dict(reply.headers)["cache-control"] == "no-store"
    assert json.loads(reply.body) == {
        "sub": subject_of(scene.server, scene.client, scene.user.id),
        "email": "ann@example.org",
        "email_verified": True,
    }


async def test_what_was_asked_for_by_name(scene: Scene) -> None:
    """Claims of the request that was agreed to, and nothing for the id token."""
    token = await scene.token(("openid",), claims={"userinfo": {"name": {}}, "id_token": {"email": {}}})
    assert json.loads((await scene.ask(token)).body) == {"sub": scene.user.id, "name": "Ann"}


async def test_a_form_may_carry_the_token(scene: Scene) -> None:
    """RFC 6750 section 2.2."""
    call = api_call(PATH, form={"access_token": await scene.token()})
    assert json.loads((await userinfo(scene.server, call)).body)["sub"] == scene.user.id


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
async def test_a_signed_answer(scene: Scene, algorithm: str) -> None:
    """As a JWT of this server for this client (OIDC core section 5.3.2)."""
    scene.client = await add_client(scene.server, userinfo_alg=algorithm)
    reply = await scene.ask(await scene.token())
    assert dict(reply.headers)["content-type"] == "application/jwt"
    claims = await scene.server.keys.claims_of(reply.body.decode(), "JWT")
    assert claims is not None
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, scene.client.id, scene.user.id)


async def test_without_a_token(scene: Scene) -> None:
    """A challenge without an error: nothing was wrong yet (RFC 6750 section 3.1)."""
    for call in (
        api_call(PATH, method="GET"),
        api_call(PATH, method="GET", headers={"authorization": "Basic eDp5"}),
        api_call(PATH, method="GET", headers={"authorization": "Bearer"}),
        api_call(PATH, method="GET", headers={"authorization": "Bearer "}),
    ):
        error = await refusal(userinfo(scene.server, call))
        assert error.status == 401
        assert [value.partition(" ")[0] for _, value in error.headers] == ["Bearer", "DPoP"]
        assert all("error" not in value for _, value in error.headers)


async def test_one_token_one_way(scene: Scene) -> None:
    """Two tokens, two ways, or a token in the query are refused (RFC 6750 section 2)."""
    token = await scene.token()
    header = {"authorization": f"Bearer {token}"}
    doubled = replace(
        api_call(PATH, method="GET"),
        headers=(("authorization", header["authorization"]), ("authorization", header["authorization"])),
    )
    for call in (
        api_call(PATH, form={"access_token": token}, headers=header),
        api_call(PATH, form={"access_token": [token, token]}),
        api_call(PATH, method="GET", query={"access_token": token}),
        api_call(PATH, method="GET", query={"access_token": token}, headers=header),
        doubled,
    ):
        error = await refusal(userinfo(scene.server, call))
        assert (error.error, error.status) == ("invalid_request", 400)
        shown = [value for name, value in error.headers if name == "www-authenticate"]
        assert [value.partition(" ")[0] for value in shown] == ["Bearer", "DPoP"]
        assert all('error="invalid_request"' in value for value in shown)


async def test_tokens_that_are_none(scene: Scene) -> None:
    """Broken, foreign, of another kind: all one answer."""
    token = await scene.token()
    id_token = await issue.id_token(
        scene.server, scene.client, scene.grant or pytest.fail(), subject=scene.user.id, claims={}
    )
    changed = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    foreign = signed(ECKey.generate_key("P-256"), {"iss": ISSUER, "aud": ISSUER, "exp": 2e9}, typ="at+jwt")
    for bad in ("x", "a.b.c", changed, id_token, foreign, "wgat_" + "a" * 43, "wgrt_" + "a" * 43):
        error = await scene.refused(bad)
        assert (error.error, error.status) == ("invalid_token", 401)


async def test_tokens_that_are_good_no_more(scene: Scene) -> None:
    """Expired; grant ended; person suspended; client suspended."""
    token = await scene.token()
    scene.clock.now += 601
    assert (await scene.refused(token)).error == "invalid_token"
    token = await scene.token()
    async with scene.server.store.writing() as tx:
        await tx.grants.revoke([(scene.grant or pytest.fail()).id], scene.clock.now)
    assert (await scene.refused(token)).error == "invalid_token"
    token = await scene.token()
    async with scene.server.store.writing() as tx:
        await tx.users.replace(replace(scene.user, status="suspended"))
    assert (await scene.refused(token)).error == "invalid_token"
    async with scene.server.store.writing() as tx:
        await tx.users.replace(scene.user)
        await tx.clients.replace(replace(scene.client, status="suspended"))
    assert (await scene.refused(token)).error == "invalid_token"


async def test_a_token_for_an_api_alone_is_none_here(scene: Scene) -> None:
    """An API behind the gateway cannot ask for its callers' personal data with their tokens (RFC 8707)."""
    token = await scene.token(audiences=(f"{ISSUER}/orders/v1",))
    assert (await scene.refused(token)).error == "invalid_token"
    both = await scene.token(audiences=(ISSUER, f"{ISSUER}/orders/v1"))
    assert (await scene.ask(both)).status == 200


async def test_a_token_without_openid_is_insufficient(scene: Scene) -> None:
    """403 names the scope that is missing."""
    error = await scene.refused(await scene.token(("email",)))
    assert (error.error, error.status) == ("insufficient_scope", 403)
    assert 'scope="openid"' in dict(error.headers)["www-authenticate"]


async def test_a_token_of_nobody_is_none_here(scene: Scene) -> None:
    """A client's own token has no person to tell of."""
    assert (await scene.refused(await scene.token(granted=False))).error == "invalid_token"


async def test_a_certificate_bound_token_needs_its_certificate(scene: Scene) -> None:
    """RFC 8705 section 3."""
    token = await scene.token(binding=Binding(x5t=certificate_thumbprint(b"mine")))
    call = api_call(PATH, method="GET", headers={"authorization": f"Bearer {token}"})
    for certificate in (None, b"other"):
        error = await refusal(userinfo(scene.server, replace(call, certificate=certificate)))
        assert error.error == "invalid_token"
    assert (await userinfo(scene.server, replace(call, certificate=b"mine"))).status == 200


async def test_a_dpop_bound_token_needs_a_proof_each_time(scene: Scene) -> None:
    """With our nonce, for this token, by its key, once; never as a bearer token (RFC 9449 section 7)."""
    key = ECKey.generate_key("P-256")
    public = key.as_dict(private=False)
    jkt = jwk_thumbprint(public)
    token = await scene.token(binding=Binding(jkt=jkt))

    def proof(
        nonce: str | None = None, *, by: ECKey = key, about: str = token, jti: str = "1"
    ) -> dict[str, str]:
        claims = {
            "jti": jti,
            "htm": "GET",
            "htu": ISSUER + PATH,
            "iat": int(scene.clock.now),
            "ath": token_hash(about).decode(),
            **({"nonce": nonce} if nonce else {}),
        }
        jwk = {name: value for name, value in by.as_dict(private=False).items() if name != "kid"}
        return {"dpop": signed(by, claims, typ="dpop+jwt", jwk=jwk)}

    assert (await scene.refused(token)).error == "invalid_token"
    assert (await scene.refused(token, scheme="DPoP")).error == "invalid_dpop_proof"
    first = await scene.refused(token, scheme="DPoP", headers=proof())
    assert (first.error, first.status) == ("use_dpop_nonce", 401)
    nonce = dict(first.headers)["dpop-nonce"]
    other = await scene.refused(token, scheme="DPoP", headers=proof(nonce, by=ECKey.generate_key("P-256")))
    assert other.error == "invalid_dpop_proof"
    wrong = await scene.refused(token, scheme="DPoP", headers=proof(nonce, about="another", jti="2"))
    assert wrong.error == "invalid_dpop_proof"
    reply = await scene.ask(token, scheme="DPoP", headers=proof(nonce, jti="3"))
    assert reply.status == 200
    assert "dpop-nonce" in dict(reply.headers)
    again = await scene.refused(token, scheme="DPoP", headers=proof(nonce, jti="3"))
    assert again.error == "invalid_dpop_proof"
    bearer = await scene.token()
    assert (
        await scene.refused(bearer, scheme="DPoP", headers=proof(nonce, about=bearer, jti="4"))
    ).error == ("invalid_token")
