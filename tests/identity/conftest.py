"""What the tests of the authorization server share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import Place
from tests.identity.token_side import Side, side_of

from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.database import SqlStore


@pytest.fixture
def side(store: SqlStore, place: Place) -> Iterator[Side]:
    """A server on a store of its own."""
    made = side_of(store, sqlite=place.url is None)
    yield made
    if isinstance(made.server.clients, SqliteClientReader):
        made.server.clients.close()
