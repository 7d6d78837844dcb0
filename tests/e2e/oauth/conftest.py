"""The installations other people's clients run against: one for most of them, since starting one takes longest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.oauth.installation import Installation
from tests.e2e.upstream import Upstream


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation of all tests below; two workers, and TLS clients are asked for certificates."""
    with Upstream() as upstream:
        made = Installation(tmp_path_factory.mktemp("house"), upstream, workers=2, mtls=True)
        with made:
            yield made
