"""What a worker believes of access tokens, over a real store: whose, until when, and what makes it think again."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.gateway.oauth_side import FOREIGN, ISSUER, Foreign, Server, signed
from tests.storage.samples import application, document, entry, source_of

from wardgate.control import applications
from wardgate.control.apply import apply_document
from wardgate.domain import apikey
from wardgate.domain.limit import Plan
from wardgate.domain.principal import Principal
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.gateway.believing import Believer
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.gateway.tokens import Tokens
from wardgate.jose.encoding import encode
from wardgate.policy.exchange import PresentedToken
from wardgate.policy.trusted import profile_of
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.reader import SqliteSource

ENTRA = TrustedIssuer(
    issuer=FOREIGN,
    applications={"entra-app": "mobile"},
    role_scopes={"Orders.Admin": ("admin",)},
    algorithms=("ES256",),
)
OWN = OAuth2Settings()
BOTH = OAuth2Settings(issuers=(TrustedIssuer(issuer="", kind="builtin"), ENTRA))
ASKED = OAuth2Settings(issuers=(replace(ENTRA, kind="introspection"),))


class Bench:
    """The token cache over a store, with clocks to turn."""

    def __init__(self, store: SqlStore, source: SqliteSource, desk: Foreign | None) -> None:
        self.store = store
        self.source = source
        self.ahead = 0.0
        self.believer = Believer(source, "development", ISSUER, self.wall, self.now)
        self.tokens = Tokens(self.believer, desk, self.wall, self.now, 1000, 1000)
        self.server = Server(store)

    def wall(self) -> float:
        return time.time() + self.ahead

    def now(self) -> float:
        return time.monotonic() + self.ahead

    def find(self, text: str, settings: OAuth2Settings = OWN) -> Principal | str | Awaitable[Principal | str]:
        digest = apikey.digest(text.encode(), self.store.master_key())
        return self.tokens.find(
            PresentedToken(digest, text.encode(), False, ()), profile_of(settings, ISSUER)
        )

    def known(self, text: str, settings: OAuth2Settings = OWN) -> Principal:
        found = self.find(text, settings)
        assert isinstance(found, Principal), found
        return found

    async def waited(self, text: str, settings: OAuth2Settings) -> Principal | str:
        found = self.find(text, settings)
        return await found if isinstance(found, Awaitable) else found


@pytest.fixture
async def foreign(store: SqlStore) -> Foreign:
    """Another issuer with one key, published."""
    made = Foreign(store)
    made.add_key("f1")
    await made.publish()
    return made


@pytest.fixture
async def bench(store: SqlStore, foreign: Foreign) -> AsyncIterator[Bench]:
    """The application ``mobile`` with the client ``c1``, and a signing key."""
    await apply_document(
        store,
        document([entry()], [Plan(name="free", limits=())], [application("mobile", orders="free"), application("other")]),
        "development",
        "test",
        "",
    )  # fmt: skip
    source = source_of(store)
    made = Bench(store, source, foreign)
    await made.server.add_key()
    await made.server.add_client()
    yield made
    source.close()


# -- what is believed


async def test_a_token_of_this_installation(bench: Bench) -> None:
    """It stands for its client's application, with its subscriptions, and says what it says."""
    who = bench.known(bench.server.mint(scope="read write", roles=["staff"], acr="x"))
    assert (who.application.name, list(who.subscriptions), who.credential.id) == ("mobile", ["orders/v1"], "")
    assert who.token is not None
    assert (who.token.client, who.token.subject, who.token.grant) == ("c1", "u1", "g1")
    assert who.token.scopes == {"read", "write"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://else.example"}, "token_unknown_issuer"),
        ({"iss": None}, "token_unknown_issuer"),
        ({"iss": [ISSUER]}, "token_unknown_issuer"),
        ({"iss": ISSUER + "/"}, "token_unknown_issuer"),
        ({"exp": int(time.time()) - 31}, "token_expired"),
        ({"exp": None}, "token_malformed"),
        ({"nbf": int(time.time()) + 86400}, "token_not_yet_valid"),
        ({"iat": int(time.time()) + 86400}, "token_not_yet_valid"),
        ({"client_id": "c2"}, "token_application_unknown"),
        ({"client_id": None}, "token_malformed"),
        ({"jti": None}, "token_malformed"),
        ({"sub": None}, "token_malformed"),
        ({"scope": 7}, "token_malformed"),
        ({"cnf": {"kid": "x"}}, "token_unbound"),
        ({"typ": "JWT"}, "token_type"),
        ({"typ": "id+jwt"}, "token_type"),
        ({"typ": "dpop+jwt"}, "token_type"),
        ({"kid": "k1", "key": ECKey.generate_key("P-256")}, "token_signature_invalid"),
    ],
)
async def test_what_is_not_believed(bench: Bench, changes: dict[str, Any], reason: str) -> None:
    """Each breach has its reason, is remembered for a while, and costs no second look."""
    text = bench.server.mint(**changes)
    assert bench.find(text) == reason
    misses = bench.tokens.misses
    assert bench.find(text) == reason
    assert bench.tokens.misses == misses + (reason == "token_not_yet_valid")


@pytest.mark.parametrize("text", ["x", "a.b.c", "wgat_short", "wg_dev_key", "..", "eyJ.eyJ.x", "a.b.c.d.e"])
async def test_garbage_is_malformed(bench: Bench, text: str) -> None:
    """What has no form of a token is refused without a look at the store."""
    assert bench.find(text) == "token_malformed"


async def test_unsigned_and_symmetric_tokens_are_refused(bench: Bench) -> None:
    """``none``, and HS256 under the public key."""
    _, payload, _ = bench.server.mint().split(".")
    header = encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    assert bench.find(f"{header}.{payload}.") == "token_algorithm"
    body = f"{encode(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'k1'}).encode())}.{payload}"
    mac = hmac.digest(bench.server.keys["k1"].as_pem(private=False), body.encode(), "sha256")
    assert bench.find(f"{body}.{encode(mac)}") == "token_algorithm"


async def test_a_lifetime_may_be_bounded(bench: Bench) -> None:
    """Too long a life is refused under the API's setting, signed or opaque, and only under that."""
    bounded = OAuth2Settings(max_lifetime=60)
    signed_one, opaque = bench.server.mint(), await bench.server.opaque()
    assert bench.find(signed_one, bounded) == bench.find(opaque, bounded) == "token_lifetime"
    assert bench.known(signed_one) and bench.known(opaque)
    assert bench.find(signed_one, bounded) == "token_lifetime"


async def test_a_token_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is found by its digest until it ends, skew included, without key or store."""
    text = bench.server.mint()
    who = bench.known(text)

    def never(*_: object) -> Any:
        raise AssertionError("the store was asked")

    for name in ("token_keys", "revoked", "consumer", "client_application"):
        monkeypatch.setattr(SqliteSource, name, never)
    assert bench.known(text) is who
    bench.ahead = 329
    assert bench.known(text) is who
    monkeypatch.undo()
    bench.ahead = 331
    assert bench.find(text) == "token_expired"
    assert bench.tokens.sizes[0] == 0


async def test_tokens_of_one_application_share_what_is_known_of_it(bench: Bench) -> None:
    """One object for the application and its subscriptions, however many tokens."""
    one, two = bench.known(bench.server.mint()), bench.known(bench.server.mint(sub="u2"))
    assert one.application is two.application
    assert one.subscriptions is two.subscriptions


async def test_an_opaque_token(bench: Bench) -> None:
    """Looked up by its digest; it has this installation's issuer, and its end is exact."""
    text = await bench.server.opaque(expires_at=time.time() + 100)
    who = bench.known(text)
    assert who.token is not None
    assert who.token.issuer == ISSUER
    bench.ahead = 101
    assert bench.find(text) == "token_expired"


async def test_an_opaque_token_nobody_knows(bench: Bench) -> None:
    """Right in form and unknown; and not looked for where this installation's tokens are not taken."""
    assert bench.find("wgat_" + "A" * 43) == "token_unknown"
    text = await bench.server.opaque()
    assert bench.find(text, ASKED) == "token_unknown_issuer"


async def test_the_store_away_is_no_refusal(bench: Bench) -> None:
    """What is known stays known; what is not raises, and is not remembered as wrong."""
    text, other = bench.server.mint(), bench.server.mint(sub="u2")
    bench.known(text)
    bench.tokens.application_changed("nobody")
    bench.source.close()
    path = database_path(bench.store.data_dir)
    path.rename(path.with_suffix(".away"))
    assert bench.known(text)
    with pytest.raises(StoreUnavailableError):
        bench.find(other)
    path.with_suffix(".away").rename(path)
    assert bench.tokens.sizes == (1, 0)


# -- keys of this installation


async def test_a_new_key_is_found_without_waiting_for_the_feed(bench: Bench) -> None:
    """A token signed with a key that is newer than what the worker knows; looked for once a second at most."""
    bench.known(bench.server.mint())
    await bench.server.add_key("k2")
    bench.ahead = 2
    assert bench.known(bench.server.mint(kid="k2"))
    forged = signed({"typ": "at+jwt", "kid": "k3"}, bench.server.claims(), bench.server.keys["k1"])
    assert bench.find(forged) == "token_key_unknown"


async def test_a_key_that_is_gone_verifies_nothing(bench: Bench) -> None:
    """Its tokens are read anew once the feed tells, and refused."""
    text = bench.server.mint()
    bench.known(text)
    await bench.server.retire("k1")
    bench.tokens.keys_changed(ISSUER)
    assert bench.find(text) == "token_key_unknown"


# -- revocation


@pytest.mark.parametrize("kind", ["jti", "grant", "subject", "client", "application"])
async def test_a_revocation_takes_what_it_names(bench: Bench, kind: str) -> None:
    """Tokens known are dropped by kind and key, and read anew as revoked; later ones are good; others stay known."""
    await bench.server.add_client("c9", "other")
    claims = bench.server.claims()
    text = bench.server.mint(**claims)
    who = bench.known(text)
    spared = bench.server.mint(sub="u9", gid="g9", client_id="c9")
    other = bench.known(spared)
    key = {"jti": claims["jti"], "grant": "g1", "subject": "u1", "client": "c1"}.get(kind, who.application.id)
    await bench.server.revoke(kind, key)
    assert bench.known(text) is who, "nothing changes before the feed tells"
    bench.tokens.revoked([("jti", "another"), (kind, key)])
    assert bench.find(text) == "token_revoked"
    assert bench.known(spared) is other
    await asyncio.sleep(0.002)
    assert bench.known(bench.server.mint())


async def test_an_opaque_token_is_revoked_alike(bench: Bench) -> None:
    """By client, here."""
    text = await bench.server.opaque()
    bench.known(text)
    await bench.server.revoke("client", "c1")
    bench.tokens.revoked([("client", "c1")])
    assert bench.find(text) == "token_revoked"


async def test_a_client_that_is_gone(bench: Bench) -> None:
    """Its tokens stand for nobody; a refusal is forgotten with the next change of any client."""
    text, early = bench.server.mint(), bench.server.mint(client_id="c2")
    bench.known(text)
    assert bench.find(early) == "token_application_unknown"
    async with bench.store.writing() as tx:
        await tx.clients.remove("c1")
    await bench.server.add_client("c2")
    bench.tokens.client_changed("c1")
    bench.tokens.client_changed("c2")
    assert bench.find(text) == "token_application_unknown"
    assert bench.known(early)


async def test_an_application_that_changed(bench: Bench) -> None:
    """Its tokens are read anew, with what it is now."""
    text = bench.server.mint()
    who = bench.known(text)
    await applications.suspend(bench.store, "mobile")
    assert bench.known(text) is who
    assert bench.source.changed()
    bench.tokens.application_changed(who.application.id)
    assert bench.known(text).application.status == "suspended"


# -- other issuers


async def test_a_foreign_token(bench: Bench, foreign: Foreign) -> None:
    """Client by ``azp``, scopes by ``scp`` and by roles, application by the mapping; ``typ`` may be missing."""
    for typ in ("JWT", None, "at+jwt"):
        who = bench.known(foreign.mint(typ=typ, roles=["Orders.Admin"]), BOTH)
        assert who.token is not None
        assert (who.application.name, who.token.issuer, who.token.client) == ("mobile", FOREIGN, "entra-app")
        assert who.token.scopes == {"read", "admin"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"azp": "stranger"}, "token_application_unknown"),
        ({"azp": "c1"}, "token_application_unknown"),
        ({"azp": None}, "token_application_unknown"),
        ({"iss": ISSUER}, "token_type"),
        ({"iss": ISSUER, "typ": "at+jwt"}, "token_key_unknown"),
        ({"typ": "id_token"}, "token_type"),
        ({"exp": 1}, "token_expired"),
    ],
)
async def test_foreign_tokens_that_are_not_believed(
    bench: Bench, foreign: Foreign, changes: dict[str, Any], reason: str
) -> None:
    """A foreign issuer names no client of this installation, and signs for nobody but itself."""
    assert bench.find(foreign.mint(**changes), BOTH) == reason


async def test_the_same_token_is_judged_under_each_apis_own_trust(bench: Bench, foreign: Foreign) -> None:
    """An API that maps the client otherwise, or does not know the issuer, is not served from another's memory."""
    text = foreign.mint()
    elsewhere = OAuth2Settings(issuers=(replace(ENTRA, applications={"entra-app": "other"}),))
    assert bench.known(text, BOTH).application.name == "mobile"
    assert bench.known(text, elsewhere).application.name == "other"
    assert bench.known(text, BOTH).application.name == "mobile"
    assert bench.find(text) == "token_unknown_issuer"


async def test_an_unknown_key_id_asks_the_issuer_once(bench: Bench, foreign: Foreign) -> None:
    """The key is fetched off the path, one flight for all who wait; then nobody asks again for a while."""
    bench.known(foreign.mint(), BOTH)
    foreign.add_key("f2")
    text = foreign.mint("f2")
    found = await asyncio.gather(*(bench.waited(text, BOTH) for _ in range(20)))
    assert all(isinstance(each, Principal) for each in found)
    assert foreign.refreshed == 1
    forged = signed({"kid": "f3", "typ": "JWT"}, {"iss": FOREIGN}, ECKey.generate_key("P-256"))
    assert await bench.waited(forged, BOTH) == "token_key_unknown"
    assert foreign.refreshed == 1
    bench.ahead = 20
    assert await bench.waited(forged, BOTH) == "token_key_unknown"
    assert foreign.refreshed == 2


async def test_an_issuer_that_is_down(bench: Bench, foreign: Foreign) -> None:
    """With keys that are known, tokens are believed as before; an unknown key id is refused."""
    bench.known(foreign.mint(), BOTH)
    foreign.down = True
    foreign.add_key("f2")
    assert await bench.waited(foreign.mint("f2"), BOTH) == "token_key_unknown"
    assert bench.known(foreign.mint(), BOTH)


async def test_keys_that_are_too_old_are_not_believed(bench: Bench, foreign: Foreign) -> None:
    """Past their age the issuer must be asked; if it does not answer, 503, and nothing is held against the token."""
    await foreign.publish(at=time.time() - 90_000)
    foreign.down = True
    text = foreign.mint()
    assert await bench.waited(text, BOTH) == "issuer_unavailable"
    assert await bench.waited(text, BOTH) == "issuer_unavailable"
    assert (foreign.refreshed, bench.tokens.sizes[1]) == (1, 0)
    foreign.down = False
    bench.ahead = 10
    assert isinstance(await bench.waited(text, BOTH), Principal)


async def test_without_a_desk_nobody_is_asked(bench: Bench, foreign: Foreign) -> None:
    """A worker that cannot ask says so."""
    alone = Bench(bench.store, bench.source, None)
    foreign.add_key("f2")
    assert alone.find(foreign.mint("f2"), BOTH) == "issuer_unavailable"


async def test_keys_the_issuer_withdrew(bench: Bench, foreign: Foreign) -> None:
    """Tokens of a key that is gone are refused once the feed tells; keys that did not change drop nothing."""
    text = foreign.mint()
    who = bench.known(text, BOTH)
    await foreign.publish()
    bench.tokens.issuer_changed(FOREIGN)
    assert bench.known(text, BOTH) is who
    foreign.add_key("f2")
    del foreign.keys["f1"]
    await foreign.publish()
    bench.tokens.issuer_changed(FOREIGN)
    assert await bench.waited(text, BOTH) == "token_key_unknown"


async def test_withdrawn_keys_that_another_token_brought_to_light(bench: Bench, foreign: Foreign) -> None:
    """When asking for an unknown key shows that others are gone, their tokens are forgotten at once."""
    text = foreign.mint()
    bench.known(text, BOTH)
    foreign.add_key("f2")
    del foreign.keys["f1"]
    assert isinstance(await bench.waited(foreign.mint("f2"), BOTH), Principal)
    assert await bench.waited(text, BOTH) == "token_key_unknown"


# -- introspection


@pytest.mark.parametrize("text", ["opaque-1", "signed"])
async def test_introspection(bench: Bench, foreign: Foreign, text: str) -> None:
    """The issuer says what its token is; one question for all who wait, and again when the answer is old."""
    text = foreign.mint() if text == "signed" else text
    foreign.active[text] = {
        "active": True,
        "client_id": "entra-app",
        "scope": "read write",
        "aud": "api://orders",
    }
    found = await asyncio.gather(*(bench.waited(text, ASKED) for _ in range(10)))
    (who,) = {id(each): each for each in found}.values()
    assert isinstance(who, Principal)
    assert who.token is not None
    assert who.token.scopes == {"read", "write"}
    assert (who.token.issuer, foreign.introspected) == (FOREIGN, [text])
    foreign.active.clear()
    assert bench.known(text, ASKED) is who
    bench.ahead = 61
    assert await bench.waited(text, ASKED) == "token_inactive"
    assert bench.find(text, ASKED) == "token_inactive"
    assert len(foreign.introspected) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"active": False}, "token_inactive"),
        ({"active": "true", "client_id": "entra-app"}, "token_inactive"),
        ({}, "token_inactive"),
        ({"active": True}, "token_application_unknown"),
        ({"active": True, "client_id": "entra-app", "iss": ISSUER}, "token_unknown_issuer"),
        ({"active": True, "client_id": "entra-app", "exp": 1}, "token_expired"),
        ({"active": True, "client_id": "entra-app", "exp": "never"}, "token_malformed"),
        ({"active": True, "client_id": "entra-app", "cnf": {"kid": "x"}}, "token_unbound"),
    ],
)
async def test_answers_that_do_not_help(
    bench: Bench, foreign: Foreign, answer: dict[str, Any], reason: str
) -> None:
    """Only ``true`` is active, and what else is said must be right too."""
    foreign.active["t"] = answer
    assert await bench.waited("t", ASKED) == reason


async def test_an_introspection_endpoint_that_is_down(bench: Bench, foreign: Foreign) -> None:
    """503, not remembered: the next request asks again."""
    foreign.down = True
    assert await bench.waited("t", ASKED) == "issuer_unavailable"
    foreign.down = False
    foreign.active["t"] = {"active": True, "client_id": "entra-app"}
    assert isinstance(await bench.waited("t", ASKED), Principal)


async def test_who_waits_may_go_away(bench: Bench, foreign: Foreign) -> None:
    """The question goes on for the others when the first who asked leaves."""
    foreign.active["t"] = {"active": True, "client_id": "entra-app"}
    first = asyncio.ensure_future(bench.waited("t", ASKED))
    second = asyncio.ensure_future(bench.waited("t", ASKED))
    await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Principal)
    assert len(foreign.introspected) == 1
