"""The service that tests start."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.supervisor.serving import Service


def test_a_service_that_does_not_get_ready_is_not_left_behind(tmp_path: Path) -> None:
    """The block fails before it began, and the process is over."""
    service = Service(tmp_path / "data", workers=1)
    service.start_seconds = 0.0
    with pytest.raises(AssertionError, match=r"not within 0\.0 s"):
        service.__enter__()
    assert service.process.poll() is not None
