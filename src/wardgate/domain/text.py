"""How long texts are that people give things: names and descriptions, whichever way they come."""

from __future__ import annotations

MAX_NAME = 100
MAX_DESCRIPTION = 1000
