"""The listening sockets of the supervisor."""

from __future__ import annotations

import socket

import pytest

from wardgate.domain.settings import Listener
from wardgate.supervisor.sockets import ListenError, ListeningSockets, shown


def test_every_worker_has_its_own_socket_on_the_one_port() -> None:
    """Port 0 becomes one free port for all workers, each with a socket of its own that listens."""
    sockets = ListeningSockets([Listener(port=0), Listener(port=0, tls=True)], 3)
    try:
        plain, tls = sockets.listeners
        assert plain.port != tls.port != 0
        rows = [sockets.of_worker(index) for index in range(3)]
        assert len({opened.fileno() for row in rows for opened, _ in row}) == 6
        for row in rows:
            assert [listener for _, listener in row] == [plain, tls]
            assert row[0][0].getsockname()[1] == plain.port
        with socket.create_connection(("127.0.0.1", plain.port), timeout=5):
            pass
    finally:
        sockets.close()


def test_a_taken_port_is_refused_even_where_it_could_be_shared() -> None:
    """A second service on the same port is an error that names address and remedy, never a silent share."""
    first = ListeningSockets([Listener(port=0)], 2)
    try:
        with pytest.raises(ListenError) as refused:
            ListeningSockets([Listener(port=0), first.listeners[0]], 2)
        assert f"cannot listen on 127.0.0.1:{first.listeners[0].port}" in str(refused.value)
        assert "another process uses it" in str(refused.value)
        assert "--listen" in str(refused.value)
        with pytest.raises(ListenError, match="choose another port with --control"):
            ListeningSockets([first.listeners[0]], 1, option="--control")
    finally:
        first.close()


def test_an_address_this_machine_lacks_is_named() -> None:
    """An address of another machine is refused with what to do."""
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:8080 .*this machine has no such address"):
        ListeningSockets([Listener(host="192.0.2.1", port=8080)], 1)


def test_the_port_is_free_after_close() -> None:
    """Nothing of a closed set stays bound."""
    first = ListeningSockets([Listener(port=0)], 2)
    first.close()
    ListeningSockets(first.listeners, 1).close()


def test_ipv6_addresses_are_shown_in_brackets() -> None:
    """An IPv6 address and its port read unambiguously."""
    assert shown(Listener(host="::1", port=80)) == "[::1]:80"
    assert shown(Listener(host="localhost", port=80)) == "localhost:80"
