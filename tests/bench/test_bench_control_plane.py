"""The benchmark of the control plane, at a size that takes seconds."""

from __future__ import annotations

from pathlib import Path

from bench.control_plane import BARS, Figures, measure


def test_a_large_document_is_applied_and_a_change_is_seen(tmp_path: Path) -> None:
    """Applied, served and changed through the real command line; the change is at every worker soon after its commit."""
    figures = measure(tmp_path / "installation", 40, 5)
    assert (figures.apis, figures.resources) == (40, 5)
    assert 0.0 < figures.visible < BARS["visible"]
    assert figures.apply < BARS["apply"]


def test_a_missed_bar_is_named() -> None:
    """Each figure over its bar is told by name."""
    good = dict.fromkeys(("apply", "again", "start", "change", "visible"), 0.5)
    assert Figures(apis=1, resources=1, **good).missed() == []
    assert Figures(apis=1, resources=1, **(good | {"visible": 1.5, "start": 6.0})).missed() == [
        "visible",
        "start",
    ]
