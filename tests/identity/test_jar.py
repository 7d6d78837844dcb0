"""Request objects: only what the client signed for this server counts, and nothing makes it weaker."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.identity.front import (
    CALLBACK,
    ISSUER,
    Browser,
    Clock,
    Web,
    add_client,
    add_user,
    client_key,
    count,
    make_server,
    request,
    signed,
)

from wardgate.domain.oauth import Client
from wardgate.identity import authorize, consent
from wardgate.identity.par import PREFIX
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

ROUTES = (*authorize.ROUTES, *consent.ROUTES)


@dataclass
class Scene:
    """A signed-in person's browser, and a client that signs."""

    server: Server
    browser: Browser
    client: Client
    key: ECKey
    web: Web
    clock: Clock

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a sound request object says."""
        now = int(self.clock.now)
        inside = {key: value for key, value in request(self.client).items() if value is not None}
        said = {
            **inside,
            "iss": self.client.id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "jti": "j-1",
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    async def send(self, token: str, **outside: Any) -> Any:
        """The request object, with what stands outside of it."""
        return await self.browser.get(
            "/oauth2/authorize", {"client_id": self.client.id, "request": token, **outside}
        )


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    """A client that must sign its requests."""
    clock, web = Clock(), Web()
    server = make_server(store, clock, web=web)
    key, jwks = client_key()
    client = await add_client(server, trusted=True, jwks=jwks, require_signed_request=True)
    browser = Browser(server, ROUTES)
    await browser.sign_in(await add_user(server))
    return Scene(server=server, browser=browser, client=client, key=key, web=web, clock=clock)


TYPE = "oauth-authz-req+jwt"


@pytest.mark.parametrize("header", [{"typ": TYPE}, {"typ": f"application/{TYPE}"}, {"typ": "JWT"}, {}])
async def test_a_signed_request_is_answered(scene: Scene, header: dict[str, str]) -> None:
    """With the type the RFC gives it, or none."""
    answer = await scene.send(signed(scene.key, scene.claims(), **header))
    assert answer.fields.keys() == {"code", "state", "iss"}
    assert answer.fields["state"] == "st-1"


async def test_a_request_has_the_algorithm_the_client_registered(scene: Scene) -> None:
    """``request_object_signing_alg``: any other is refused, though the key is the client's."""
    for only, expected in (("ES256", "code"), ("RS256", "")):
        async with scene.server.store.writing() as tx:
            await tx.clients.replace(replace(scene.client, request_alg=only))
        answer = await scene.send(signed(scene.key, scene.claims(), typ=TYPE))
        assert ("code" in answer.fields) == bool(expected)
    assert "(algorithm) (invalid_request_object)" in answer.text


async def test_nothing_outside_counts(scene: Scene) -> None:
    """Parameters beside a request object are ignored, whatever they say (RFC 9101 section 6.3)."""
    token = signed(scene.key, scene.claims(state=None, scope="openid"), typ=TYPE)
    answer = await scene.send(
        token,
        redirect_uri="https://evil.example/cb",
        state="evil",
        scope="openid orders.write",
        response_mode="form_post",
        prompt="none",
        response_type="token",
    )
    assert answer.to_client
    assert answer.fields.keys() == {"code", "iss"}
    async with scene.server.store.reading() as tx:
        (grant,) = await tx.grants.find(now=scene.clock.now)
    assert grant.scopes == ("openid",)


async def test_parameters_may_be_json_inside(scene: Scene) -> None:
    """Numbers, objects and lists stand for what they would be in a query (section 4)."""
    claims = scene.claims(max_age=100, claims={"userinfo": {"email": None}}, prompt="none")
    assert "code" in (await scene.send(signed(scene.key, claims, typ=TYPE))).fields
    several = scene.claims(resource=["https://a.example", "https://b.example"])
    answer = await scene.send(signed(scene.key, several, typ=TYPE))
    assert answer.fields["error"] == "invalid_target"


async def test_a_request_object_may_name_others_too(scene: Scene) -> None:
    """It is for whoever finds itself in `aud` (RFC 7519 section 4.1.3); what it asks for is sent to the client alone."""
    claims = scene.claims(prompt="none", aud=["https://other.example", ISSUER])
    assert "code" in (await scene.send(signed(scene.key, claims, typ=TYPE))).fields


async def test_what_means_nothing_here_has_no_type_here(scene: Scene) -> None:
    """A parameter that this server does not know is ignored, whatever it holds (RFC 6749 section 3.1)."""
    claims = scene.claims(prompt="none", unheard=True, of=1.5, ui=[{"x": None}])
    assert "code" in (await scene.send(signed(scene.key, claims, typ=TYPE))).fields


async def test_mistakes_inside_go_to_the_client(scene: Scene) -> None:
    """A verified request object makes client and redirect URI sure, so its errors are redirected."""
    answer = await scene.send(signed(scene.key, scene.claims(scope="admin"), typ=TYPE))
    assert answer.to_client
    assert (answer.fields["error"], answer.fields["state"]) == ("invalid_scope", "st-1")


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"request": "e30.e30.AA"}, "invalid_request_object"),
        ({"request": "", "request_uri": "https://app.example.com/r.jwt"}, "request_uri_not_supported"),
        ({"request": "", "request_uri": f"{PREFIX}unknown"}, "invalid_request_uri"),
        ({"request": "e30.e30.AA", "request_uri": f"{PREFIX}unknown"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_read_is_told_to_the_client_where_it_says_who_waits(
    scene: Scene, how: dict[str, str], error: str
) -> None:
    """A redirect URI beside it that is the client's gets the error (OIDC core section 3.1.2.6, RFC 9101 section 6)."""
    beside = {"redirect_uri": CALLBACK, "state": "st-2", **how}
    answer = await scene.send("", **beside)
    assert answer.to_client
    assert answer.fields == {
        "error": error,
        "error_description": answer.fields["error_description"],
        "state": "st-2",
        "iss": ISSUER,
    }
    answer = await scene.send("", **beside, response_mode="form_post")
    assert answer.reply.page == "form_post.html"
    assert answer.reply.context["action"] == CALLBACK
    assert (answer.fields["error"], answer.fields["state"]) == (error, "st-2")
    posted = await scene.browser.post("/oauth2/authorize", {"client_id": scene.client.id, **beside})
    assert posted.fields["error"] == error


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?more=1"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": ""},
        {"redirect_uri": [CALLBACK, "https://evil.example/cb"]},
        {"state": ["one", "two"]},
        {"client_id": "cl_x"},
    ],
)
async def test_what_cannot_be_read_sends_nobody_to_a_place_in_doubt(
    scene: Scene, wrong: dict[str, Any]
) -> None:
    """A place that is not the client's, none, two of them, or an unknown client: a page (RFC 6749 section 4.1.2.1)."""
    answer = await scene.send("e30.e30.AA", **{"redirect_uri": CALLBACK, "state": "st-2", **wrong})
    assert (answer.status, answer.location) == (400, "")
    assert answer.reply.page == ""


async def test_what_cannot_be_read_is_no_link_to_clients_of_nobody(scene: Scene) -> None:
    """A client that was suspended gets nothing, nor one that anybody may have registered (RFC 9700 section 4.11.2)."""
    beside = {"redirect_uri": CALLBACK, "state": "st-2", "request": "e30.e30.AA"}
    anybody = replace(scene.server.settings, open_registration=True)
    client = await add_client(scene.server)
    stranger = Browser(replace(scene.server, settings=anybody), ROUTES)
    for browser, sent_on in ((stranger, False), (scene.browser, True)):
        answer = await browser.get("/oauth2/authorize", {**beside, "client_id": client.id})
        assert (answer.status, answer.to_client) == ((303, True) if sent_on else (400, False))
    async with scene.server.store.writing() as tx:
        await tx.clients.replace(replace(scene.client, status="suspended"))
    answer = await scene.send("", **beside)
    assert (answer.status, answer.location) == (400, "")
    assert "(invalid_client)" in answer.text


async def test_the_redirect_uri_inside_must_be_registered(scene: Scene) -> None:
    """A signature does not make a place the client's."""
    answer = await scene.send(
        signed(scene.key, scene.claims(redirect_uri="https://evil.example/cb"), typ=TYPE)
    )
    assert answer.location == ""
    assert "(invalid_request)" in answer.text


async def test_a_client_that_signs_cannot_be_made_to_stop(scene: Scene) -> None:
    """The same request without its signature is refused (the downgrade of section 10.5)."""
    answer = await scene.browser.get("/oauth2/authorize", request(scene.client))
    assert answer.fields["error"] == "invalid_request"
    assert "RFC 9101" in answer.fields["error_description"]


async def test_a_request_that_waits_stays_signed(scene: Scene) -> None:
    """Coming back after signing in is no downgrade, and the object's own expiry does not matter any more."""
    token = signed(scene.key, scene.claims(prompt="login"), typ=TYPE)
    first = await scene.send(token)
    handle = first.location.partition("=")[2]
    scene.clock.now += 300
    async with scene.server.store.reading() as tx:
        user = await tx.users.named("ann")
    assert user is not None
    await scene.browser.sign_in(user)
    assert "code" in (await scene.browser.get("/oauth2/authorize", {"continue": handle})).fields


CHANGES: list[dict[str, Any]] = [
    {"client_id": None},
    {"client_id": "cl_other"},
    {"client_id": ["x"]},
    {"iss": "cl_other"},
    {"aud": None},
    {"aud": "https://other.example"},
    {"aud": ["https://other.example"]},
    {"aud": []},
    {"aud": 5},
    {"exp": None},
    {"exp": "soon"},
    {"exp": 1},
    {"exp": 1_800_000_000 + 7200},
    {"nbf": 1_800_000_000 + 600},
    {"iat": 1_800_000_000 + 600, "exp": 1_800_000_000 + 700},
    {"request": "e30.e30."},
    {"request_uri": "urn:x"},
    {"state": 1.5},
    {"state": True},
    {"resource": [{"a": 1}]},
]


@pytest.mark.parametrize("changes", CHANGES)
async def test_what_a_request_object_must_say(scene: Scene, changes: dict[str, Any]) -> None:
    """From the client, to this server, now, and no other request inside. The person sees a page, or the client is
    told at the redirect URI that stands beside it (OIDC core section 3.1.2.6), never at the one inside."""
    token = signed(scene.key, scene.claims(**changes), typ=TYPE)
    answer = await scene.send(token)
    assert (answer.status, answer.location) == (400, "")
    assert "(invalid_request_object)" in answer.text
    answer = await scene.send(token, redirect_uri=CALLBACK, state="x")
    assert answer.to_client
    assert (answer.fields["error"], answer.fields["state"]) == ("invalid_request_object", "x")
    assert await count(scene.server, "grants") == 0


async def test_a_client_assertion_is_no_request_object(scene: Scene) -> None:
    """What the same keys signed for another purpose does not pass, with or without a subject (section 10.8)."""
    now = int(scene.clock.now)
    assertion = {"iss": scene.client.id, "sub": scene.client.id, "aud": ISSUER, "exp": now + 60, "jti": "1"}
    for claims in (assertion, {**assertion, "client_id": scene.client.id}, scene.claims(sub=scene.client.id)):
        answer = await scene.send(signed(scene.key, claims))
        assert "(invalid_request_object)" in answer.text
    for typ in ("at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt"):
        answer = await scene.send(signed(scene.key, scene.claims(), typ=typ))
        assert "(invalid_request_object)" in answer.text


def unsigned(claims: Mapping[str, Any], alg: str) -> str:
    """A token without a signature."""
    parts = (json.dumps({"alg": alg}), json.dumps(claims))
    return ".".join(urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


async def test_signatures_that_prove_nothing(scene: Scene) -> None:
    """None, shared secrets, other keys, keys in the header, broken bytes, encrypted ones."""
    claims = scene.claims()
    other = ECKey.generate_key("P-256", {"kid": "c1"})
    public = json.dumps(scene.key.as_dict(private=False)).encode()
    good = signed(scene.key, claims, typ=TYPE)
    tokens = {
        "none": unsigned(claims, "none"),
        "None": unsigned(claims, "None"),
        "secret": signed(OctKey.import_key(public), claims, alg="HS256"),
        "other key": signed(other, claims, typ=TYPE),
        "key inside": signed(other, claims, typ=TYPE, jwk=other.as_dict(private=False)),
        "other kid": signed(scene.key, claims, typ=TYPE, kid="c2"),
        "other algorithm": signed(RSAKey.generate_key(2048), claims, alg="RS256"),
        "changed": good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB"),
        "encrypted": "a.b.c.d.e",
        "too large": signed(scene.key, {**claims, "pad": "x" * 17000}, typ=TYPE),
        "not even": "x",
    }
    for name, token in tokens.items():
        answer = await scene.send(token)
        assert "(invalid_request_object)" in answer.text, name
        assert answer.location == "", name


async def test_another_clients_request_object_is_refused(scene: Scene) -> None:
    """A client cannot pass on what another one signed."""
    other = await add_client(scene.server, trusted=True, jwks=scene.client.jwks)
    answer = await scene.browser.get(
        "/oauth2/authorize",
        {"client_id": other.id, "request": signed(scene.key, scene.claims(), typ=TYPE)},
    )
    assert "(invalid_request_object)" in answer.text


async def test_keys_may_be_at_a_url(scene: Scene) -> None:
    """They are fetched; where they cannot be, the request is refused."""
    url = "https://shop.example/jwks"
    client = await add_client(scene.server, trusted=True, jwks_uri=url)
    scene.client = client
    token = signed(scene.key, scene.claims(client_id=client.id, iss=client.id), typ=TYPE)
    assert "(invalid_request_object)" in (await scene.send(token)).text
    scene.web.documents[url] = {"keys": [scene.key.as_dict(private=False)]}
    scene.clock.now += 31
    assert "code" in (await scene.send(token)).fields
