"""The audit trail: what is kept, and what verifying finds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgres import connected
from tests.storage.samples import feed_of

from wardgate.control import audit
from wardgate.control.errors import ForbiddenError, InvalidError
from wardgate.control.second_person import OLDEST_ASKED, RESET_COUNTS
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent, AuditFilter
from wardgate.domain.chain import BROKEN, Head
from wardgate.domain.secret import Secret
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.layout import database_path

ALICE = Actor(
    kind="user", id="usr_1", name="alice", address="192.0.2.1", permissions=frozenset(("audit.view",))
)
BOB = Actor(kind="user", id="usr_2", name="bob")


async def keep(store: SqlStore, *actions: str, at: float = 1000.0) -> None:
    """Records one event in each of as many transactions."""
    for number, action in enumerate(actions):
        async with store.writing() as tx:
            event = AuditEvent(action=action, target=f"t{number}", environment="development")
            await tx.audit.record(event, at=at + number)


def run(data_dir: Path, *statements: str) -> None:
    """Writes the database behind the store's back."""
    with closing(connected(data_dir) or sqlite3.connect(database_path(data_dir))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.every_database
async def test_what_is_recorded_is_found_and_verifies(store: SqlStore) -> None:
    """Records come back as they were given, under the actor of the transaction, and the chain is whole."""
    event = AuditEvent(
        action="key.issue", target="key_1", environment="production", after={"name": "ios"}, note="because"
    )
    async with store.acting(ALICE).writing() as tx:
        await tx.audit.record(event, at=12)
        await tx.audit.record(AuditEvent(action="key.revoke", target="key_2"), at=13.5, actor=BOB)
    first, second = [record async for record in audit.export(store)]
    assert (first.event, first.at, first.actor_id, first.address) == (event, 12.0, "usr_1", "192.0.2.1")
    assert (second.seq, second.actor_name, second.previous) == (2, "bob", first.hash)
    verdict = await audit.verify(store)
    assert (verdict.intact, verdict.links, verdict.since) == (True, 2, 12.0)
    assert await audit.head(store) == verdict.head == Head.parse(str(verdict.head))


async def test_a_new_trail_is_whole(store: SqlStore) -> None:
    """A store in which nothing happened yet has an empty, sealed trail."""
    assert (await audit.verify(store)).intact
    assert await audit.head(store) == Head(0, bytes(32))


async def test_what_is_rolled_back_is_not_in_the_trail(store: SqlStore) -> None:
    """An event is committed with its change, or not at all."""
    with pytest.raises(RuntimeError):
        async with store.writing() as tx:
            await tx.audit.record(AuditEvent(action="key.issue", target="key_1"), at=1.0)
            raise RuntimeError
    assert (await audit.head(store)).seq == 0


@pytest.mark.every_database
async def test_filters_and_pages(store: SqlStore) -> None:
    """Records are found by who, what, whose, where and when, newest first, page by page."""
    await keep(store, "key.issue", "key.revoke", "api.apply")
    async with store.acting(ALICE).writing() as tx:
        await tx.audit.record(AuditEvent(action="login.fail", target="x", outcome="failed"), at=2000.0)

    async def found(**wanted: Any) -> list[int]:
        return [each.seq for each in await audit.records(store, AuditFilter(**wanted))]

    assert await found() == [4, 3, 2, 1]
    assert await found(action="key.") == [2, 1]
    assert await found(action="key.issue") == [1]
    assert await found(actor="alice") == await found(actor="usr_1") == await found(outcome="failed") == [4]
    assert await found(target="t1") == [2]
    assert await found(environment="development", since=1001.0, until=1002.0) == [2]
    assert [each.seq for each in await audit.records(store, before=3, limit=1)] == [2]
    assert [each.seq async for each in audit.export(store, AuditFilter(action="key."), after=1)] == [2]
    with pytest.raises(InvalidError, match="Ask for 1 to 1000"):
        await audit.records(store, limit=1001)


async def test_only_who_may_see_the_trail_does(store: SqlStore) -> None:
    """Reading, verifying and exporting need the permission ``audit.view``."""
    theirs = store.acting(BOB)
    with pytest.raises(ForbiddenError, match=r"audit\.view"):
        await audit.verify(theirs)
    with pytest.raises(ForbiddenError):
        await audit.records(theirs)
    with pytest.raises(ForbiddenError):
        await audit.head(theirs)
    with pytest.raises(ForbiddenError):
        _ = [each async for each in audit.export(theirs)]
    assert (await audit.verify(store.acting(ALICE))).intact


COPY = (
    "INSERT INTO audit SELECT {seq}, at, actor_kind, actor_id, actor_name, address, token, action, target, outcome,"
    " environment, project, before, after, note, previous, hash FROM audit WHERE seq = {of}"
)
TAMPERING: dict[str, tuple[list[str], str, int]] = {
    "a value": (["UPDATE audit SET target = 'other' WHERE seq = 2"], "link_changed", 2),
    "a time": (["UPDATE audit SET at = at + 1 WHERE seq = 3"], "link_changed", 3),
    "a hash": (["UPDATE audit SET hash = previous WHERE seq = 1"], "link_changed", 1),
    "one in between": (["DELETE FROM audit WHERE seq = 3"], "link_missing", 3),
    "the first": (["DELETE FROM audit WHERE seq = 1"], "link_missing", 1),
    "the last": (["DELETE FROM audit WHERE seq = 5"], "link_missing", 5),
    "all": (["DELETE FROM audit"], "link_missing", 1),
    "the end": (["DELETE FROM audit_ends"], "last_end", 0),
    "all and the end": (["DELETE FROM audit", "DELETE FROM audit_ends"], "last_end", 0),
    "the last and the end's number": (
        ["DELETE FROM audit WHERE seq = 5",
         "UPDATE audit_ends SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"], "last_end", 0,
    ),
    "exchanged": (
        ["UPDATE audit SET seq = 99 WHERE seq = 2", "UPDATE audit SET seq = 2 WHERE seq = 3",
         "UPDATE audit SET seq = 3 WHERE seq = 99"], "link_changed", 2,
    ),
    "one before": ([COPY.format(seq=-1, of=1)], "link_unexpected", -1),
    "one after": ([COPY.format(seq=6, of=5)], "link_changed", 6),
    "a false beginning": (
        ["DELETE FROM audit WHERE seq <= 2",
         "INSERT INTO audit_ends SELECT 'first', 2, previous, mac FROM audit, audit_ends WHERE audit.seq = 3"],
        "first_end", 0,
    ),
}  # fmt: skip


@pytest.mark.every_database
@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found(store: SqlStore, what: str) -> None:
    """Who writes the database without the master key changes nothing unseen, and the first bad link is named."""
    await keep(store, *("key.issue",) * 5)
    statements, code, seq = TAMPERING[what]
    run(store.data_dir, *statements)
    problem = (await audit.verify(store)).problem
    assert problem is not None
    assert (problem.code, problem.seq) == (code, seq)


async def test_values_of_another_type_are_not_taken_for_the_same(store: SqlStore) -> None:
    """A text that became the bytes it spells is a change, although both are written alike in hexadecimal."""
    async with store.writing() as tx:
        await tx.audit.record(AuditEvent(action="key.issue", target="ab12"), at=1.0)
    run(store.data_dir, "UPDATE audit SET target = x'ab12'")
    problem = (await audit.verify(store)).problem
    assert problem is not None
    assert problem.code == "link_changed"


async def test_going_on_after_tampering_does_not_mend_it(store: SqlStore) -> None:
    """When the end was rewritten, later links are kept, and the break is found for ever."""
    await keep(store, *("key.issue",) * 5)
    run(
        store.data_dir,
        "DELETE FROM audit WHERE seq > 3",
        "UPDATE audit_ends SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)",
    )
    await keep(store, "key.revoke", "key.revoke")
    records = [each async for each in audit.export(store)]
    assert [(each.seq, each.event.action) for each in records[3:]] == [(4, "key.revoke"), (5, "key.revoke")]
    assert records[3].previous == BROKEN
    problem = (await audit.verify(store)).problem
    assert problem is not None
    assert (problem.code, problem.seq) == ("chain_broken", 4)
    assert "tampered" in problem.text


async def test_an_older_whole_state_is_found_by_a_head_kept_elsewhere(store: SqlStore) -> None:
    """The one thing the chain cannot show by itself: all of it put back to how it was."""
    await keep(store, "key.issue", "key.issue")
    old = database_copy(store.data_dir)
    await keep(store, "key.revoke")
    kept = await audit.head(store)
    assert (await audit.verify(store, head=kept)).compared
    with closing(sqlite3.connect(database_path(store.data_dir))) as target:
        old.backup(target)
    old.close()
    assert (await audit.verify(store)).intact
    problem = (await audit.verify(store, head=kept)).problem
    assert problem is not None
    assert problem.code == "head_ahead"
    await keep(store, "key.show")
    problem = (await audit.verify(store, head=kept)).problem
    assert problem is not None
    assert (problem.code, problem.seq) == ("head_differs", 3)


def database_copy(data_dir: Path) -> sqlite3.Connection:
    """The database as it is now, in memory."""
    copy = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(database_path(data_dir))) as source:
        source.backup(copy)
    return copy


_ROW = list[Any]
_CHANGES: list[Callable[[list[_ROW], st.DataObject], None]] = []


def change(
    function: Callable[[list[_ROW], st.DataObject], None],
) -> Callable[[list[_ROW], st.DataObject], None]:
    """Notes a way to tamper with the rows of the trail."""
    _CHANGES.append(function)
    return function


@change
def alter(rows: list[_ROW], data: st.DataObject) -> None:
    """Another value in some column of some row."""
    row = rows[data.draw(st.integers(0, len(rows) - 1), "row")]
    column = data.draw(st.integers(1, len(row) - 1), "column")
    old = row[column]
    if isinstance(old, float):
        row[column] = old + data.draw(st.sampled_from((-1.0, 0.5, 1e6)))
    elif isinstance(old, bytes):
        row[column] = data.draw(st.binary(min_size=32, max_size=32).filter(lambda new: new != old))
    else:
        row[column] = data.draw(st.text("abc{}\"'", max_size=8).filter(lambda new: new != old))


@change
def remove(rows: list[_ROW], data: st.DataObject) -> None:
    """Some rows in a run go."""
    start = data.draw(st.integers(0, len(rows) - 1), "start")
    del rows[start : start + data.draw(st.integers(1, 3), "how many")]


@change
def swap(rows: list[_ROW], data: st.DataObject) -> None:
    """Two rows exchange their numbers."""
    one, other = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True))
    rows[one][0], rows[other][0] = rows[other][0], rows[one][0]


@change
def insert(rows: list[_ROW], data: st.DataObject) -> None:
    """A copy of a row stands somewhere else too, with or without those after it moving on."""
    place = data.draw(st.integers(0, len(rows)), "place")
    copy = list(rows[data.draw(st.integers(0, len(rows) - 1), "row")])
    for row in rows[place:]:
        row[0] += 1
    copy[0] = place + 1
    rows.insert(place, copy)


async def test_any_single_change_removal_swap_or_insertion_is_found(
    new_data_dir: Path, tmp_path: Path
) -> None:
    """Whatever is done to the rows, verifying says that something is wrong, and puts back what was says all is well."""
    import shutil

    shutil.copytree(new_data_dir, tmp_path / "data")
    store = await open_store(tmp_path / "data")
    await keep(store, *("key.issue", "key.revoke", "api.apply", "login.fail") * 2)
    path = database_path(store.data_dir)
    with closing(sqlite3.connect(path)) as connection:
        original = [list(row) for row in connection.execute("SELECT * FROM audit ORDER BY seq")]
    marks = ",".join("?" * len(original[0]))

    def write(rows: list[_ROW]) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM audit")
            connection.executemany(f"INSERT INTO audit VALUES ({marks})", rows)

    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def tampered(data: st.DataObject) -> None:
        rows = [list(row) for row in original]
        data.draw(st.sampled_from(_CHANGES))(rows, data)
        write(rows)
        verdict = asyncio.run_coroutine_threadsafe(audit.verify(store), loop).result(20)
        assert not verdict.intact, rows

    await asyncio.to_thread(tampered)
    write(original)
    assert (await audit.verify(store)).intact
    await store.close()


@pytest.mark.only_postgresql
async def test_writers_at_the_same_time_make_one_chain(store: SqlStore) -> None:
    """Transactions that overlap on PostgreSQL each add their links, and none is lost or forked."""

    async def write(number: int) -> None:
        for _ in range(5):
            async with store.overlapping.writing() as tx:
                await tx.audit.record(AuditEvent(action="login.succeed", target=f"usr_{number}"), at=1.0)
                await tx.audit.record(AuditEvent(action="token.revoke", target=f"usr_{number}"), at=1.0)

    await asyncio.gather(*(write(number) for number in range(8)))
    verdict = await audit.verify(store)
    assert (verdict.problem, verdict.links) == (None, 80)


async def test_many_links_are_verified_and_exported_in_steps(store: SqlStore) -> None:
    """A trail longer than one step of reading is verified to its end and exported whole."""
    async with store.writing() as tx:
        for number in range(audit.STEP * 2 + 1):
            await tx.audit.record(AuditEvent(action="api.apply", target=str(number)), at=1.0)
    assert (await audit.verify(store)).links == audit.STEP * 2 + 1
    assert len([each async for each in audit.export(store)]) == audit.STEP * 2 + 1


@pytest.mark.every_database
async def test_old_links_are_let_go_and_the_rest_still_verifies(store: SqlStore) -> None:
    """After retention the trail begins later, is whole, tells of the cut, and goes on."""
    await keep(store, *("key.issue",) * 4, at=1000.0)
    now = 1000.0 + 121 * 86400 + 2
    assert await audit.shorten(store, days=121, clock=lambda: now) == 2
    assert await audit.shorten(store, days=121, clock=lambda: now) == 0
    await keep(store, "key.revoke", at=now)
    seqs = [each.seq async for each in audit.export(store)]
    assert seqs == [3, 4, 5, 6]
    assert (await audit.records(store, AuditFilter(action="audit.shorten")))[0].event.after == {"links": 2}
    verdict = await audit.verify(store)
    assert (verdict.problem, verdict.links) == (None, 4)
    assert not (await audit.verify(store, head=Head(1, bytes(32)))).compared
    run(store.data_dir, "DELETE FROM audit_ends WHERE \"end\" = 'first'")
    problem = (await audit.verify(store)).problem
    assert problem is not None
    assert (problem.code, problem.seq) == ("link_missing", 1)


async def test_everything_old_may_go(store: SqlStore) -> None:
    """A trail of which every link is old keeps only word of that, and is whole."""
    await keep(store, "key.issue", "key.issue")
    assert await audit.shorten(store, days=0, clock=lambda: 1e9) == 2
    verdict = await audit.verify(store)
    assert (verdict.problem, verdict.links) == (None, 1)


async def test_retention_is_never_shorter_than_what_second_persons_are_told_by(store: SqlStore) -> None:
    """Who sets it to nothing does not wipe out what they did before, nor whose accounts are one person's."""
    await keep(store, "key.issue")
    assert audit.LEAST_DAYS * audit.DAY >= RESET_COUNTS + OLDEST_ASKED
    assert await audit.shorten(store, days=0, clock=lambda: 1000.0 + 119 * 86400) == 0


async def test_what_does_not_verify_is_not_let_go(store: SqlStore) -> None:
    """Retention stops before a link that was tampered with: the evidence stays."""
    await keep(store, *("key.issue",) * 4)
    run(store.data_dir, "UPDATE audit SET target = 'x' WHERE seq = 3")
    assert await audit.shorten(store, days=30, clock=lambda: 1e9) == 2
    problem = (await audit.verify(store)).problem
    assert problem is not None
    assert (problem.code, problem.seq) == ("link_changed", 3)


async def test_no_secret_gets_into_the_trail(store: SqlStore) -> None:
    """Whatever a use case hands over by mistake, a secret is not among what is written."""
    async with store.writing() as tx:
        event = AuditEvent(
            action="client.add",
            target="c",
            before={"client_secret": "hunter2"},
            after={"key": Secret("hunter2")},
        )
        await tx.audit.record(event, at=1.0)
    [record] = await audit.records(store)
    assert (record.event.before, record.event.after) == (
        {"client_secret": "[redacted]"},
        {"key": "[redacted]"},
    )


@pytest.mark.parametrize("text", ["", "5", "5:abc", "x:" + "0" * 64, "-1:" + "0" * 64, "1:" + "z" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    """A head has one form."""
    with pytest.raises(ValueError):
        Head.parse(text)


@pytest.mark.every_database
async def test_use_cases_joined_in_one_transaction_are_told_of_together(store: SqlStore) -> None:
    """What others do within a transaction is in the trail under their names, and what is undone within it is not."""
    async with store.acting(ALICE).together() as joined:
        async with joined.writing() as tx:
            await tx.audit.record(AuditEvent(action="key.issue", target="one"), at=1.0)
        async with joined.acting(BOB).writing() as tx:
            await tx.audit.record(AuditEvent(action="key.issue", target="two"), at=1.0)
        with pytest.raises(RuntimeError):
            async with joined.writing() as tx:
                await tx.audit.record(AuditEvent(action="key.issue", target="undone"), at=1.0)
                await tx.feed.append("application", "undone", at=1.0)
                raise RuntimeError
    kept = [(each.event.target, each.actor_name) async for each in audit.export(store)]
    assert kept == [("one", "alice"), ("two", "bob")]
    assert feed_of(store.data_dir) == []
    assert (await audit.verify(store)).intact
