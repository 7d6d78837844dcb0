"""What the tests of people share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.identity.people.house import House, make_house

from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.database import SqlStore


@pytest.fixture
def house(store: SqlStore) -> Iterator[House]:
    """A server on a store of its own, with people's pages."""
    made = make_house(store)
    yield made
    made.passwords.close()
    if isinstance(made.server.clients, SqliteClientReader):
        made.server.clients.close()
