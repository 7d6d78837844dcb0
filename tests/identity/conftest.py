"""What the tests of the authorization server share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import Place
from tests.identity.front import ROUTES, Browser, Clock, Web, make_server
from tests.identity.token_side import Side, side_of

from wardgate.identity.server import Server
from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.database import SqlStore


@pytest.fixture
def side(store: SqlStore, place: Place) -> Iterator[Side]:
    """A server on a store of its own."""
    made = side_of(store, sqlite=place.url is None)
    yield made
    if isinstance(made.server.clients, SqliteClientReader):
        made.server.clients.close()


@pytest.fixture
def clock() -> Clock:
    """The server's time."""
    return Clock()


@pytest.fixture
def web() -> Web:
    """The clients' servers."""
    return Web()


@pytest.fixture
def server(store: SqlStore, place: Place, clock: Clock, web: Web) -> Server:
    """A server on a store of its own, called without a socket."""
    return make_server(store, clock, web=web, sqlite=place.url is None)


@pytest.fixture
def browser(server: Server) -> Browser:
    """A browser nobody signed in with, on the way through an authorization request."""
    return Browser(server, ROUTES)
