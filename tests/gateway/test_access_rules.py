"""Standing, subscriptions, groups, conditions and upstream headers, by a real worker over a real store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, ok, serving
from tests.gateway.oauth_calls import api, bearer, get
from tests.gateway.oauth_side import FOREIGN, ISSUER, Foreign, Server
from tests.gateway.test_standing import open_one

from wardgate.control import applications, subscriptions
from wardgate.domain.api import Acl, Resource
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.oauth import Grant
from wardgate.domain.people import User
from wardgate.domain.standing import Standing
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.storage.database import SqlStore

ENVIRONMENT = "development"
API = "orders/v1"
OWNER = "claims.sub == path.user_id || 'admin' in roles"
RESOURCES = (
    Resource(method="GET", path="/items", schemes=("api_key",)),
    Resource(method="GET", path="/socket", schemes=("api_key",)),
    Resource(method="GET", path="/key", schemes=("api_key",)),
    Resource(method="GET", path="/token", schemes=("oauth2",)),
    Resource(method="GET", path="/users/{user_id}", schemes=("oauth2",), condition=OWNER),
    Resource(method="GET", path="/staff", schemes=("api_key", "oauth2"), acl=Acl(allow=("staff",))),
    Resource(method="GET", path="/most", schemes=("api_key", "oauth2"), acl=Acl(deny=("banned",))),
)


@pytest.fixture
async def gateway(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A worker serving an API with a resource for each rule."""
    async with serving(store, api(upstream.url, resources=RESOURCES), issuer=ISSUER) as made:
        yield made


@pytest.fixture
async def server(store: SqlStore, gateway: Gateway) -> Server:
    """The authorization server's side, with a grant of the person ``u1``."""
    made = Server(store)
    await made.add_key()
    await made.add_client()
    grant = Grant(
        id="g1",
        environment=ENVIRONMENT,
        client="c1",
        subject="u1",
        scopes=("read",),
        kind="authorization_code",
        created_at=time.time(),
    )
    async with store.writing() as tx:
        await tx.users.add(User(id="u1", name="ada"))
        await tx.grants.add(grant)
    gateway.worker.on_wake()
    return made


async def stand(gateway: Gateway, standing: Standing) -> None:
    """The API stands so from now on."""
    async with gateway.store.writing() as tx:
        await tx.apis.set_standing(API, replace(standing, off=()))
        await tx.apis.set_off(ENVIRONMENT, API, standing.off)
        await tx.feed.append("api", f"{ENVIRONMENT} {API}", at=time.time())
    gateway.worker.on_wake()


async def control(gateway: Gateway, **changes: Any) -> None:
    """The application's subscription is so from now on."""
    (found,) = await subscriptions.list_subscriptions(gateway.store)
    await subscriptions.change(gateway.store, found.subscription.id, **changes)
    gateway.worker.on_wake()


async def join(gateway: Gateway, group: str, *, users: tuple[str, ...] = (), mobile: bool = False) -> None:
    """These people and the application, or nobody, are in the group."""
    found = (await applications.show(gateway.store, "mobile")).application.id
    now = time.time()
    async with gateway.store.writing() as tx:
        await tx.groups.put(group, "", (), at=now)
        await tx.groups.set_users(group, users)
        await tx.groups.set_applications(group, (found,) if mobile else ())
        await tx.feed.append("application", found, at=now)
        await tx.feed.append("subject", "u1", at=now)
    gateway.worker.on_wake()


# -- standing


async def test_a_deprecated_api_says_so_in_every_answer(gateway: Gateway, upstream: Upstream) -> None:
    """Since when, until when and what comes next: in answers of the upstream, in refusals, and in 404s."""
    await stand(
        gateway,
        Standing(
            lifecycle="deprecated",
            deprecated_at=1_688_169_599.4,
            sunset_at=1_893_456_000.0,
            successor="https://api.example/orders/v2?a=b",
        ),
    )
    fine, _ = await get(gateway, upstream, "/key", key=gateway.key)
    refused, _ = await get(gateway, upstream, "/key")
    missing, _ = await get(gateway, upstream, "/nothing")
    assert [answer.status for answer in (fine, refused, missing)] == [200, 401, 404]
    for answer in (fine, refused, missing):
        assert answer.value("Deprecation") == "@1688169599"
        assert answer.value("Sunset") == "Tue, 01 Jan 2030 00:00:00 GMT"
        assert answer.value("Link") == '<https://api.example/orders/v2?a=b>; rel="successor-version"'
    await stand(gateway, Standing())
    fine, _ = await get(gateway, upstream, "/key", key=gateway.key)
    assert fine.value("Deprecation") is None


async def test_a_retired_api_is_gone(gateway: Gateway, upstream: Upstream) -> None:
    """410 on every path below it, whoever asks."""
    await stand(gateway, Standing(lifecycle="retired", sunset_at=1_893_456_000.0))
    for path, key in (("/key", gateway.key), ("/key", ""), ("/nothing", "")):
        answer, forwarded = await get(gateway, upstream, path, key=key)
        assert (answer.status, answer.reason, forwarded) == (410, "api_retired", b"")
        assert answer.value("Sunset") == "Tue, 01 Jan 2030 00:00:00 GMT"


@pytest.mark.parametrize("kind", ["tunnel", "stream"])
@pytest.mark.parametrize("off", ["*", "its own"])
async def test_the_kill_switch_refuses_and_ends_what_is_open(
    gateway: Gateway, upstream: Upstream, kind: str, off: str
) -> None:
    """One resource or all of the API, at once, before authentication, and without a word on when it will be back."""
    client, peer = await open_one(gateway, upstream, kind)
    name = "/socket" if kind == "tunnel" else "/items"
    await stand(gateway, Standing(off=("*" if off == "*" else f"GET {name}",)))
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["api_disabled"]
    answer, _ = await get(gateway, upstream, name)
    assert (answer.status, answer.reason, answer.value("Retry-After")) == (503, "api_disabled", None)
    answer, _ = await get(gateway, upstream, "/key", key=gateway.key)
    assert answer.status == (503 if off == "*" else 200)
    await stand(gateway, Standing())
    answer, _ = await get(gateway, upstream, "/items", key=gateway.key)
    assert answer.status == 200


async def test_other_resources_keep_their_streams(gateway: Gateway, upstream: Upstream) -> None:
    """What was not switched off goes on."""
    client, peer = await open_one(gateway, upstream, "stream")
    await stand(gateway, Standing(off=("GET /key",)))
    peer.send(b"5\r\nstill\r\n")
    await client.until(b"still")


# -- headers for the upstream


async def secret(gateway: Gateway, name: str, value: bytes | None) -> None:
    """The environment has the secret, or not."""
    now = time.time()
    async with gateway.store.writing() as tx:
        if value is None:
            await tx.environments.remove_secret(ENVIRONMENT, name)
        else:
            await tx.environments.set_secret(ENVIRONMENT, name, value, at=now, actor="test")
        await tx.feed.append("environment", ENVIRONMENT, at=now)
    gateway.worker.on_wake()


async def with_headers(gateway: Gateway, upstream: Upstream, **headers: str) -> None:
    """The API sends these from now on."""
    await gateway.apply(
        api(
            upstream.url,
            resources=RESOURCES,
            upstream=replace(api(upstream.url).api.upstream, headers=headers),
        )
    )


async def test_upstream_headers_take_the_place_of_what_clients_send(
    gateway: Gateway, upstream: Upstream
) -> None:
    """The secret is filled in; no spelling of an inbound copy passes; the new value holds once the secret is changed."""
    await secret(gateway, "BACKEND", b"s3cret")
    await with_headers(gateway, upstream, **{"X-Backend-Key": "Key ${secret:BACKEND}", "X-Plain": "$$5"})
    lines = (b"x-backend-key: mine", b"X_Backend_Key: mine", b"X-Other: kept", b"X-Plain: mine")
    answer, head = await get(gateway, upstream, "/key", *lines, key=gateway.key)
    assert answer.status == 200
    assert b"\r\nX-Backend-Key: Key s3cret\r\n" in head
    assert b"\r\nX-Plain: $5\r\n" in head
    assert b"X-Other: kept" in head
    assert b"mine" not in head
    await secret(gateway, "BACKEND", b"another")
    _, head = await get(gateway, upstream, "/key", key=gateway.key)
    assert b"\r\nX-Backend-Key: Key another\r\n" in head


async def test_a_missing_secret_shuts_its_api(
    gateway: Gateway, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """503 to clients, the name in the log, never a value; it opens by itself once the secret is there."""
    await secret(gateway, "BACKEND", b"s3cret")
    await with_headers(gateway, upstream, **{"X-Backend-Key": "${secret:BACKEND}"})
    for gone in (None, b"line\r\nbreak"):
        await secret(gateway, "BACKEND", gone)
        answer, forwarded = await get(gateway, upstream, "/key", key=gateway.key)
        assert (answer.status, answer.reason, forwarded) == (503, "upstream_unavailable", b"")
    assert gateway.reasons == ["secret_missing", "secret_missing"]
    assert "X-Backend-Key" in caplog.text
    assert "there is no secret 'BACKEND'" in caplog.text
    assert "s3cret" not in caplog.text
    await secret(gateway, "BACKEND", b"s3cret")
    answer, head = await get(gateway, upstream, "/key", key=gateway.key)
    assert answer.status == 200
    assert b"s3cret" in head
    log = (gateway.data_dir / "access.log").read_text()
    assert "s3cret" not in log


async def test_a_trailer_is_no_way_round_an_upstream_header(gateway: Gateway, upstream: Upstream) -> None:
    """A copy in a trailer is left out like one in the head."""
    resources = (*RESOURCES, Resource(method="POST", path="/items", schemes=("api_key",)))
    changed = replace(api(upstream.url).api.upstream, headers={"X-Backend-Key": "ours"})
    await gateway.apply(api(upstream.url, resources=resources, upstream=changed))
    wire = await gateway.connect()
    head = gateway.request("POST", "/items", b"Transfer-Encoding: chunked", b"TE: trailers")
    wire.send(head, b"1\r\na\r\n0\r\nX_Backend-Key: mine\r\nX-Sum: 1\r\n\r\n")
    peer = await upstream.accept()
    got = await peer.head() + await peer.until(b"0\r\n") + await peer.until(b"\r\n\r\n")
    assert b"X-Backend-Key: ours" in got
    assert b"mine" not in got
    peer.send(ok())
    assert (await wire.answer()).status == 200


# -- subscriptions and limits


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "suspended"}, "subscription_suspended"),
        ({"controls": Controls(cidrs=("192.0.2.0/24",))}, "subscription_network"),
    ],
)
async def test_a_controlled_subscription_refuses_and_ends_streams(
    gateway: Gateway, upstream: Upstream, changes: dict[str, Any], reason: str
) -> None:
    """Whoever decides about access is obeyed at once, and the client reads the same in every case."""
    client, peer = await open_one(gateway, upstream, "tunnel")
    await control(gateway, **changes)
    assert await peer.rest() == b""
    await client.rest()
    answer, _ = await get(gateway, upstream, "/key", key=gateway.key)
    assert (answer.status, answer.reason) == (403, "access_denied")
    assert gateway.reasons == [reason, reason]


async def test_a_subscription_that_expires_meanwhile_ends_its_tunnel(
    gateway: Gateway, upstream: Upstream
) -> None:
    """The timer finds it, and then it refuses."""
    await control(gateway, expires_at=time.time() + 0.6)
    client, peer = await open_one(gateway, upstream, "tunnel")
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["subscription_expired"]
    answer, _ = await get(gateway, upstream, "/key", key=gateway.key)
    assert (answer.status, answer.reason) == (403, "access_denied")


async def test_an_override_holds_at_once_and_what_was_used_stays_used(
    gateway: Gateway, upstream: Upstream
) -> None:
    """A plan's quota of 3 of which 2 are used, the application throttled to 2 and then given 4: so many and no more."""
    quota = Limit(kind="quota", amount=3, per="year")
    await gateway.apply(api(upstream.url, resources=RESOURCES), plans=(Plan(name="free", limits=(quota,)),))

    async def statuses(count: int) -> list[int]:
        return [(await get(gateway, upstream, "/key", key=gateway.key))[0].status for _ in range(count)]

    assert await statuses(2) == [200, 200]
    await applications.throttle(gateway.store, "mobile", (replace(quota, amount=2),))
    gateway.worker.on_wake()
    assert await statuses(1) == [429]
    await applications.restore(gateway.store, "mobile")
    await control(gateway, controls=Controls(limits=(replace(quota, amount=4),)))
    assert await statuses(3) == [200, 200, 429]
    assert gateway.reasons.count("quota_exceeded") == 2


async def test_limits_hold_where_there_are_no_plans(store: SqlStore, upstream: Upstream) -> None:
    """An API without plans counts what was set for the application, and without that what it says itself."""
    hour = Limit(kind="quota", amount=2, per="year")
    plain = api(upstream.url, resources=RESOURCES, plans=())
    async with serving(store, plain) as gateway:

        async def statuses(count: int) -> list[int]:
            return [(await get(gateway, upstream, "/key", key=gateway.key))[0].status for _ in range(count)]

        assert await statuses(3) == [200, 200, 200]
        await applications.throttle(gateway.store, "mobile", (hour,))
        gateway.worker.on_wake()
        assert await statuses(3) == [200, 200, 429]
        await applications.restore(gateway.store, "mobile")
        gateway.worker.on_wake()
        assert await statuses(1) == [200]
        await gateway.apply(replace(plain, api=replace(plain.api, limits=(replace(hour, amount=3),))))
        assert await statuses(2) == [200, 429]


# -- groups and conditions


async def test_an_application_joins_and_leaves_a_group(gateway: Gateway, upstream: Upstream) -> None:
    """Key + ACL: the group decides, from the moment it changes."""
    assert (await get(gateway, upstream, "/staff", key=gateway.key))[0].reason == "access_denied"
    await join(gateway, "staff", mobile=True)
    assert (await get(gateway, upstream, "/staff", key=gateway.key))[0].status == 200
    await join(gateway, "staff")
    await join(gateway, "banned", mobile=True)
    assert (await get(gateway, upstream, "/staff", key=gateway.key))[0].status == 403
    assert (await get(gateway, upstream, "/most", key=gateway.key))[0].status == 403
    assert gateway.reasons.count("acl_denied") == 3


async def test_a_person_joins_and_leaves_a_group(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """A token that is known already is asked for groups anew once its person's change; one of a client alone has none."""
    token = bearer(server.mint())
    assert (await get(gateway, upstream, "/staff", token))[0].status == 403
    await join(gateway, "staff", users=("u1",))
    assert (await get(gateway, upstream, "/staff", token))[0].status == 200
    assert (await get(gateway, upstream, "/staff", bearer(server.mint(sub="u1", gid=None))))[0].status == 403
    await join(gateway, "staff")
    await join(gateway, "banned", users=("u1",))
    assert (await get(gateway, upstream, "/staff", token))[0].status == 403
    assert (await get(gateway, upstream, "/most", token))[0].status == 403


async def test_a_pairwise_subject_is_known_by_its_grant(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """What a client knows its person by is no account's id; a token whose grant is gone is not believed here."""
    await join(gateway, "staff", users=("u1",))
    assert (await get(gateway, upstream, "/staff", bearer(server.mint(sub="pairwise"))))[0].status == 200
    assert (await get(gateway, upstream, "/staff", bearer(server.mint(gid="gone"))))[0].status == 401
    assert (await get(gateway, upstream, "/token", bearer(server.mint(gid="gone"))))[0].status == 200


async def test_object_level_rules_are_declared(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """The owner of an object and an administrator reach it, and nobody else: not another person, not a key."""
    for claims, status in (
        ({"sub": "u1"}, 200),
        ({"sub": "u2"}, 403),
        ({"sub": "u2", "roles": ["admin"]}, 200),
        ({"sub": "u2", "roles": ["reader"]}, 403),
    ):
        answer, _ = await get(gateway, upstream, "/users/u1", bearer(server.mint(**claims)))
        assert answer.status == status, claims
    opaque = await server.opaque(subject="u1")
    assert (await get(gateway, upstream, "/users/u1", bearer(opaque)))[0].status == 200
    assert (await get(gateway, upstream, "/users/u%31", bearer(opaque)))[0].status in (200, 400)
    assert (await get(gateway, upstream, "/users/u2", bearer(opaque)))[0].reason == "access_denied"
    assert gateway.reasons.count("condition_failed") == 3


async def test_a_foreign_issuer_says_which_groups(store: SqlStore, upstream: Upstream) -> None:
    """The claim ``groups`` of an issuer that is trusted; one of another form refuses."""
    foreign = Foreign(store)
    foreign.add_key("f1")
    await foreign.publish()
    settings = OAuth2Settings(
        audiences=("orders",),
        issuers=(TrustedIssuer(issuer=FOREIGN, applications={"app-1": "mobile"}),),
    )
    resources = (Resource(method="GET", path="/staff", schemes=("oauth2",), acl=Acl(allow=("staff",))),)
    async with serving(
        store, api(upstream.url, resources=resources, oauth2=settings), issuer=ISSUER, issuers=foreign
    ) as gateway:
        for groups, status in ((["staff"], 200), (["other"], 403), (None, 403), ("staff", 401), ([1], 401)):
            more: dict[str, Any] = {} if groups is None else {"groups": groups}
            answer, _ = await get(
                gateway, upstream, "/staff", bearer(foreign.mint(azp="app-1", aud="orders", **more))
            )
            assert answer.status == status, groups


async def test_what_groups_were_read_for_is_kept_apart(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """A token used at a plain resource is remembered without its claims, at one with a rule with them."""
    token = bearer(server.mint())
    await get(gateway, upstream, "/token", token)
    (plain,) = gateway.worker._tokens._known.young.values()
    assert plain.principal.token is not None
    assert plain.principal.token.claims is None
    await get(gateway, upstream, "/users/u1", token)
    assert gateway.worker._tokens.sizes[0] == 2
