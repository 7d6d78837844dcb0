"""The change feed: what was committed takes effect, in full or again, and never silently not at all."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.harness import TWO_AT_ONCE, Gateway, Upstream, orders, serving
from tests.storage.samples import application, document, source_of

from wardgate.control import applications, keys
from wardgate.control.apply import apply_document
from wardgate.domain.api import PolicyUse
from wardgate.domain.limit import Limit, Plan
from wardgate.gateway.feed import Feed
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.reader import SqliteSource


class Follower:
    """Notes what it is told; ``failing`` makes it fail that often."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.failing = 0
        self.error: Exception = StoreUnavailableError("the disk is gone")

    def _note(self, kind: str, what: object = None) -> None:
        if self.failing and kind in ("apis", "plans", "flush", "signing keys"):
            self.failing -= 1
            raise self.error
        self.told.append((kind, what))

    def api_changed(self, api_ids: set[str]) -> None:
        """Notes."""
        self._note("apis", api_ids)

    def plans_changed(self, names: set[str]) -> None:
        """Notes."""
        self._note("plans", names)

    def credential_changed(self, digest: bytes) -> None:
        """Notes."""
        self._note("credential", digest)

    def application_changed(self, application_id: str) -> None:
        """Notes."""
        self._note("application", application_id)

    def tokens_revoked(self, pairs: list[tuple[str, str]]) -> None:
        """Notes."""
        self._note("revoked", pairs)

    def subject_changed(self, user_id: str) -> None:
        """See ``Follower``."""
        self._note("subject", user_id)

    def environment_changed(self) -> None:
        """See ``Follower``."""
        self._note("environment")

    def client_changed(self, client_id: str) -> None:
        """Notes."""
        self._note("client", client_id)

    def signing_keys_changed(self) -> None:
        """Notes."""
        self._note("signing keys")

    def issuer_changed(self, issuer: str) -> None:
        """Notes."""
        self._note("issuer", issuer)

    def flush(self) -> None:
        """Notes."""
        self._note("flush")

    def propagated(self, seconds: float) -> None:
        """Notes nothing: the worker's own test looks at this."""
        assert seconds >= 0


@pytest.fixture
def source(store: SqlStore) -> Iterator[SqliteSource]:
    """A reader of the store."""
    reader = source_of(store)
    yield reader
    reader.close()


@pytest.fixture
def follower() -> Follower:
    """Who follows the feed."""
    return Follower()


@pytest.fixture
def clock() -> list[float]:
    """The time, to be set."""
    return [100.0]


@pytest.fixture
def feed(source: SqliteSource, follower: Follower, clock: list[float]) -> Feed:
    """A feed at the store's present place."""
    made = Feed(source, follower, "development", time.time, lambda: clock[0])
    made.poll()
    follower.told.clear()
    return made


def add(data_dir: Path, *rows: tuple[str, str]) -> None:
    """Commits changes, as another process would."""
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.executemany("INSERT INTO changes (kind, key, at) VALUES (?, ?, 1.0)", rows)


def test_people_and_environments_are_told_apart(store: SqlStore, feed: Feed, follower: Follower) -> None:
    """Whose groups changed is told before APIs are read; another environment's settings are none of this worker's."""
    add(
        store.data_dir,
        ("api", "development orders/v1"),
        ("environment", "production"),
        ("subject", "u1"),
    )
    feed.poll()
    assert follower.told == [("subject", "u1"), ("apis", {"orders/v1"})]
    follower.told.clear()
    add(store.data_dir, ("api", "development orders/v1"), ("environment", "development"))
    feed.poll()
    assert [kind for kind, *_ in follower.told] == ["environment"]


def test_changes_reach_the_follower_once(store: SqlStore, feed: Feed, follower: Follower) -> None:
    """Credentials and applications come first, APIs of other environments not at all, and nothing twice."""
    add(
        store.data_dir,
        ("api", "development orders/v1"),
        ("api", "production orders/v1"),
        ("plan", "development free"),
        ("plan", "production gold"),
        ("credential", "ab" * 32),
        ("application", "app_1"),
    )
    feed.poll()
    assert follower.told == [
        ("credential", bytes.fromhex("ab" * 32)),
        ("application", "app_1"),
        ("plans", {"free"}),
        ("apis", {"orders/v1"}),
    ]
    feed.poll()
    feed.read()
    assert len(follower.told) == 4


async def test_what_concerns_tokens_reaches_the_follower(
    store: SqlStore, feed: Feed, follower: Follower
) -> None:
    """Each kind by its key, revocations of one reading together, and nothing is flushed."""
    async with store.writing() as tx:
        now = time.time()
        await tx.feed.append("revocation", "jti one two", at=now)
        await tx.feed.append("client", "c1", at=now)
        await tx.feed.append("signing_key", "k1", at=now)
        await tx.feed.append("issuer", "https://login.example", at=now)
        await tx.feed.append("revocation", "subject u1", at=now)
    feed.read()
    told = [each for each in follower.told if each[0] != "propagated"]
    assert told == [
        ("client", "c1"),
        ("revoked", [("jti", "one two"), ("subject", "u1")]),
        ("signing keys", None),
        ("issuer", "https://login.example"),
    ]


async def test_a_revocation_does_not_wait_for_what_cannot_be_read(
    store: SqlStore, feed: Feed, follower: Follower
) -> None:
    """A key that this worker cannot open comes first in the feed: tokens are taken back all the same, and at once."""
    follower.failing = 10
    async with store.writing() as tx:
        await tx.feed.append("signing_key", "k1", at=1.0)
        await tx.feed.append("revocation", "grant g1", at=1.0)
        await tx.feed.append("client", "c1", at=1.0)
    feed.read()
    assert follower.told == [("client", "c1"), ("revoked", [("grant", "g1")])]


@pytest.mark.parametrize("way", ["poll", "read"])
def test_what_failed_half_way_is_done_again(
    store: SqlStore, feed: Feed, follower: Follower, clock: list[float], way: str
) -> None:
    """A change that could not be applied is applied at the next turn, although nobody committed meanwhile."""
    add(store.data_dir, ("credential", "ab" * 32), ("api", "development orders/v1"))
    follower.failing = 1
    clock[0] = 200.0
    getattr(feed, way)()
    assert feed.read_at == 100.0
    assert ("apis", {"orders/v1"}) not in follower.told
    feed.poll()
    assert ("apis", {"orders/v1"}) in follower.told
    assert feed.read_at == 200.0


def test_a_lost_place_is_kept_until_everything_was_reloaded(
    store: SqlStore, feed: Feed, follower: Follower, clock: list[float]
) -> None:
    """When the reload fails half way, it is tried again: what was swept from the feed is in no other place."""
    add(store.data_dir, *(("credential", f"{number:064x}") for number in range(3)))
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)")
    follower.failing = 2
    clock[0] = 200.0
    feed.poll()
    feed.poll()
    assert (follower.told, feed.read_at) == ([], 100.0)
    feed.poll()
    assert (follower.told, feed.read_at) == ([("flush", None)], 200.0)
    feed.poll()
    assert len(follower.told) == 1


def test_a_change_that_makes_no_sense_leaves_the_worker_stale(
    store: SqlStore,
    feed: Feed,
    follower: Follower,
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is reported once and not passed over: the worker must not believe that it has seen everything."""
    add(store.data_dir, ("credential", "no digest"))
    clock[0] = 200.0
    with caplog.at_level(logging.ERROR):
        feed.poll()
        feed.poll()
    assert feed.read_at == 100.0
    assert [record.message for record in caplog.records] == [
        "a change could not be taken over: serving what is known"
    ]


def test_an_unreadable_store_is_reported_once_and_read_again(
    store: SqlStore,
    feed: Feed,
    follower: Follower,
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Meanwhile the time of the last reading stands still; afterwards nothing was missed."""
    path = database_path(store.data_dir)
    hidden = path.with_suffix(".hidden")
    feed._source.close()  # type: ignore[attr-defined]
    path.rename(hidden)
    clock[0] = 200.0
    with caplog.at_level(logging.INFO):
        feed.poll()
        feed.read()
        assert feed.read_at == 100.0
        hidden.rename(path)
        add(store.data_dir, ("application", "app_1"))
        feed.poll()
    assert feed.read_at == 200.0
    assert ("application", "app_1") in follower.told
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


# -- what changes do to a worker


@pytest.fixture
async def running(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A gateway whose upstream nobody plays: what passes the steps hears 502."""
    async with Upstream().listening() as dead:
        pass
    async with serving(store, orders(f"http://127.0.0.1:{dead.port}", upstream_retries=0)) as gateway:
        yield gateway


PASSED = "upstream_connect_failed"


async def test_a_revoked_key_is_refused_after_the_next_reading(running: Gateway) -> None:
    """A key that was accepted a moment ago is not once the feed was read."""
    assert (await running.call()).reason == PASSED
    (record,) = await keys.list_keys(running.store)
    await keys.revoke(running.store, record.credential.id)
    running.worker.on_wake()
    assert (await running.call()).status == 401
    assert running.reasons == ["key_revoked", PASSED]


async def test_a_key_refused_as_unknown_is_accepted_once_issued(running: Gateway) -> None:
    """The refusal of an unknown digest is dropped by the feed."""
    issued, key = await keys.issue(running.store, application="mobile", environment="development")
    with closing(sqlite3.connect(database_path(running.data_dir))) as connection, connection:
        row = connection.execute("SELECT * FROM credentials WHERE id = ?", (issued.id,)).fetchone()
        connection.execute("DELETE FROM credentials WHERE id = ?", (issued.id,))
    assert (await running.call(key=key.reveal().decode())).status == 401
    with closing(sqlite3.connect(database_path(running.data_dir))) as connection, connection:
        connection.execute(f"INSERT INTO credentials VALUES ({', '.join('?' * len(row))})", row)
    running.worker._feed._position -= 1  # the change that announced it is still to be read
    running.worker.on_wake()
    assert (await running.call(key=key.reveal().decode())).reason == PASSED
    assert running.reasons == ["key_unknown", PASSED]


async def test_a_suspended_application_is_refused(running: Gateway) -> None:
    """All keys of an application go with it."""
    assert (await running.call()).reason == PASSED
    await applications.suspend(running.store, "mobile")
    running.worker.on_wake()
    answer = await running.call()
    assert (answer.status, answer.reason) == (403, "application_suspended")


async def test_a_withdrawn_api_is_gone_and_a_changed_one_swapped(running: Gateway) -> None:
    """The snapshot is what the store says."""
    other = orders("http://127.0.0.1:9", resources=("GET /only",))
    await running.apply(other)
    assert (await running.call()).reason == "resource_not_found"
    await apply_document(running.store, document(), "development", "test", "", prune=True)
    running.worker.on_wake()
    answer = await running.call("GET", "/only")
    assert answer.reason == "resource_not_found"
    assert running.reasons == ["api_not_found", "resource_not_found"]


async def test_an_api_that_cannot_be_compiled_stays_as_it_was(
    running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """A policy this installation lacks neither opens the API nor holds up the feed."""
    before = running.worker.snapshot.mounted["orders/v1"]
    bad = orders("http://127.0.0.1:9", policies=(PolicyUse(name="acme.unknown"),))
    with caplog.at_level(logging.ERROR):
        await running.apply(bad)
    assert "orders/v1 cannot be served as deployed" in caplog.text
    assert "acme.unknown" in caplog.text
    assert running.worker.snapshot.mounted["orders/v1"] is before
    (record,) = await keys.list_keys(running.store)
    await keys.revoke(running.store, record.credential.id)
    running.worker.on_wake()
    assert (await running.call()).status == 401


async def test_an_api_with_a_missing_certificate_stays_as_it_was(
    running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is not on this machine is a matter of that API alone."""
    made = orders("https://127.0.0.1:9")
    tls = replace(made.api.upstream.tls, ca="/nowhere/ca.pem")
    bad = replace(made, api=replace(made.api, upstream=replace(made.api.upstream, tls=tls)))
    with caplog.at_level(logging.ERROR):
        await running.apply(bad)
    assert "orders/v1 cannot be served as deployed" in caplog.text
    assert (await running.call()).reason == PASSED


async def test_apis_that_cannot_stand_together_do_not_stop_the_others(
    running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Two resources that answer the same requests leave that API as it was; a good one beside it is taken over."""
    clash = orders("http://127.0.0.1:9", resources=("GET /a/{x}", "GET /a/{y}"))
    made = orders("http://127.0.0.1:9", resources=("GET /new",))
    good = replace(made, api=replace(made.api, name="good", base_path="/good/v1"))
    with caplog.at_level(logging.ERROR):
        await running.apply(clash, good)
    assert "orders/v1 cannot be served as deployed" in caplog.text
    assert (await running.call()).reason == PASSED
    assert set(running.worker.snapshot.mounted) == {"orders/v1", "good/v1"}
    assert running.worker._feed.read_at > 0
    assert not running.worker._feed._failed


async def test_a_plan_that_changes_takes_effect(running: Gateway) -> None:
    """The limits of the new form decide about the next request."""
    assert (await running.call()).reason == PASSED
    api = orders("http://127.0.0.1:9")
    tight = Plan(name="free", limits=(Limit(kind="rate", amount=1, per="hour"),))
    await running.apply(api, plans=[tight])
    reasons = [(await running.call()).reason for _ in range(2)]
    assert reasons[1] == "rate_exceeded"


async def test_a_subscription_on_a_plan_nobody_knows_is_shut(running: Gateway) -> None:
    """A plan this worker has not read yet refuses with 503 rather than letting requests pass uncounted."""
    running.worker._entitlements.plans = {}
    answer = await running.call()
    assert (answer.status, answer.reason, answer.value("retry-after")) == (503, "store_unavailable", "1")
    await running.at_rest()


async def test_a_stale_worker_refuses(running: Gateway) -> None:
    """Past ``max_staleness`` even a known key is not believed."""
    assert (await running.call()).reason == PASSED
    running.worker._stale_at = 0.0
    answer = await running.call()
    assert (answer.status, answer.reason) == (503, "store_unavailable")
    assert running.reasons == ["store_unavailable", PASSED]


async def test_a_new_subscription_works_without_a_restart(running: Gateway) -> None:
    """An application subscribed after its key was first seen gets through."""
    made = orders("http://127.0.0.1:9", resources=("GET /new",))
    other = replace(made, api=replace(made.api, name="other", base_path="/other/v1"))
    await running.apply(other)
    client = await running.connect()
    request = running.request("GET", "/new").replace(b"/orders/v1", b"/other/v1")
    client.send(request)
    assert (await client.answer()).reason == "subscription_missing"
    subscribed = document([other], [TWO_AT_ONCE], [application("mobile", orders="free", other="free")])
    await apply_document(running.store, subscribed, "development", "test", "")
    running.worker.on_wake()
    client.send(request)
    assert (await client.answer()).reason == PASSED
