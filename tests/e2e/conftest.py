"""One installation for all tests of a module: starting one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream

MakeStack = Callable[..., Stack]


@pytest.fixture(scope="module")
def make_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStack]:
    """Starts installations that end with the module: ``make_stack(upstream, content, *options, workers=1)``."""
    with ExitStack() as running:

        def make(upstream: Upstream, content: dict[str, Any], *options: str, workers: int = 1) -> Stack:
            folder = tmp_path_factory.mktemp("stack")
            return running.enter_context(Stack(folder, upstream, content, *options, workers=workers))

        yield make


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A recording upstream."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """One worker, one API at ``/raw/v1`` that passes on everything for a key, one in two versions at ``/versioned``, short
    time-outs."""
    versions = [
        api(
            "versioned",
            [upstream.url],
            version=value,
            base_path="/versioned",
            versioning={"by": "header", "name": "X-API-Version", "value": value},
        )
        for value in ("1", "2")
    ]
    content = document([api("raw", [upstream.url]), *versions])
    return make_stack(upstream, content, "--header-timeout", "1s", "--body-timeout", "2s")


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> None:
    """Each test begins with an upstream that saw nothing."""
    if "upstream" in request.fixturenames or "stack" in request.fixturenames:
        request.getfixturevalue("upstream").clear()
