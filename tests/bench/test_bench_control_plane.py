"""The benchmark of the control plane, at a size that takes seconds."""

from __future__ import annotations

import time
from pathlib import Path

from bench.control_plane import BARS, Figures, measure, write

from wardgate.control.apply import apply_document
from wardgate.control.document.load import load
from wardgate.storage.database import open_store

#: A tenth of the size that the bars are for.
APIS, RESOURCES = 100, 20


def test_a_large_document_is_applied_and_a_change_is_seen(tmp_path: Path) -> None:
    """Applied, served and changed through the real command line; the change is at every worker soon after its commit."""
    figures = measure(tmp_path / "installation", 40, 5)
    assert (figures.apis, figures.resources) == (40, 5)
    assert 0.0 < figures.visible < BARS["visible"]
    assert figures.apply < BARS["apply"]


async def test_a_tenth_of_the_size_takes_less_than_a_tenth_of_the_time(tmp_path: Path) -> None:
    """Loading, applying, applying again and planning keep to CPU times that leave most of the bar at the full size."""
    file = write(tmp_path / "installation", APIS, RESOURCES)
    begin = time.process_time()
    document = load(file)
    loaded = time.process_time()
    async with await open_store(tmp_path / "data") as store:
        opened = time.process_time()
        result = await apply_document(store, document, "development", "test", "")
        applied = time.process_time()
        assert len(result.revisions) == APIS
        for dry_run in (False, True):
            again = await apply_document(store, document, "development", "test", "", dry_run=dry_run)
            assert again.changes == ()
        ended = time.process_time()
    times = (loaded - begin, applied - opened, (ended - applied) / 2)
    assert times[0] < 1.0, times
    assert times[1] < 1.0, times
    assert times[2] < 0.5, times


def test_a_missed_bar_is_named() -> None:
    """Each figure over its bar is told by name."""
    good = dict.fromkeys(("apply", "again", "start", "change", "visible"), 0.5)
    assert Figures(apis=1, resources=1, **good).missed() == []
    assert Figures(apis=1, resources=1, **(good | {"visible": 1.5, "start": 6.0})).missed() == [
        "visible",
        "start",
    ]
