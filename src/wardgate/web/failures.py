"""How an unexpected error is logged: what kind it is and where it came through, never what it says."""

from __future__ import annotations

import traceback

_FRAMES = 4


def where(error: BaseException) -> str:
    """An error's kind and the lines it came through. Its message may quote what a person sent, so it stays out."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return f"{type(error).__name__} in " + " < ".join(
        f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames)
    )
