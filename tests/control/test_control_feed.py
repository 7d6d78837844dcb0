"""Waking who follows the feed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.storage.samples import deploy, document, entry, feed_of, orders

from wardgate.control import applications, keys
from wardgate.control.apply import apply_document
from wardgate.control.feed import wake, wake_socket
from wardgate.storage.database import SqlStore


@contextmanager
def listening(data_dir: Path, environment: str = "development") -> Iterator[socket.socket]:
    """A listener where the supervisor's would be."""
    path = wake_socket(data_dir, environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as listener:
        directory = os.open(path.parent, os.O_DIRECTORY)
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        os.close(directory)
        yield listener


def received(listener: socket.socket) -> int:
    """How many datagrams wait."""
    found = 0
    while True:
        try:
            listener.recv(64)
        except BlockingIOError:
            return found
        found += 1


def test_nobody_listening_is_fine(tmp_path: Path) -> None:
    """Without a socket, or with one that nobody reads any more, nothing is raised."""
    assert not wake(tmp_path)
    with listening(tmp_path):
        assert wake(tmp_path)
    assert not wake(tmp_path)


def test_a_full_queue_does_not_block(tmp_path: Path) -> None:
    """A listener that does not read holds up nobody."""
    with listening(tmp_path):
        results = [wake(tmp_path) for _ in range(2000)]
    assert results[0]
    assert not results[-1]


def test_every_environment_is_woken(tmp_path: Path) -> None:
    """Each service of the directory hears of a change, whatever another left behind or does not read."""
    with listening(tmp_path, "development"):
        pass
    with listening(tmp_path, "production") as production, listening(tmp_path, "staging") as staging:
        while wake(tmp_path) == 2:
            pass
        assert received(production) > 10
        assert wake(tmp_path) == 1
        assert (received(production), received(staging) > 10) == (1, True)


@pytest.mark.parametrize("length", [60, 200])
def test_a_long_path_is_reached(tmp_path: Path, length: int) -> None:
    """A data directory too deep for a socket's name is woken all the same."""
    deep = tmp_path / ("d" * length)
    with listening(deep) as listener:
        assert wake(deep)
        assert received(listener) == 1


async def test_one_datagram_a_transaction_that_changed_something(store: SqlStore) -> None:
    """A commit with changes wakes once, however many; one without changes, or rolled back, never."""
    with listening(store.data_dir) as listener:
        await apply_document(store, orders(), "development", "test", "")
        assert received(listener) == 1
        assert len(feed_of(store.data_dir)) == 3
        await apply_document(store, orders(), "development", "test", "")
        await apply_document(store, document([entry("users")]), "development", "test", "", dry_run=True)
        await applications.restore(store, "mobile")
        await keys.list_keys(store)
        with pytest.raises(RuntimeError):
            async with store.writing() as tx:
                await tx.feed.append("everything", "", at=1.0)
                raise RuntimeError
        assert received(listener) == 0
        await applications.suspend(store, "mobile")
        assert received(listener) == 1


async def test_the_waker_comes_after_the_commit(store: SqlStore) -> None:
    """Whoever is woken can read the change already."""
    with listening(store.data_dir) as listener:
        async with store.writing() as tx:
            await deploy(tx, entry())
            assert received(listener) == 0
            assert feed_of(store.data_dir) == []
        assert received(listener) == 1
        assert feed_of(store.data_dir) == [("api", "development orders/v1")]
