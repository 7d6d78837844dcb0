"""Compares two states of an API semantically: what differs, and which of it weakens security."""

from __future__ import annotations

from wardgate.control.compare.deployable import Deployable, compare, compare_all

__all__ = ["Deployable", "compare", "compare_all"]
