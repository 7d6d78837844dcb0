"""Versions of an API side by side: what a request names one by, and which APIs may share a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wardgate.domain.mediatype import media_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioning:
    """By what requests name this version, among the APIs with the same hosts and base path.

    ``by`` a header called ``name`` with exactly ``value``, or by the media type ``value`` in Accept, or in Content-Type
    where there is a body. ``default``: it is the one meant where a request names none.
    """

    by: Literal["header", "media_type"]
    value: str
    name: str = ""
    default: bool = False

    @property
    def field(self) -> str:
        """The header that answers vary by."""
        return self.name if self.by == "header" else "Accept"


def conflict(one: Versioning | None, other: Versioning | None) -> str:
    """Why two APIs cannot be at one place, in words that follow "they"; empty if they can."""
    if one is None or other is None:
        return "are not both told apart by `versioning`"
    if one.by != other.by or one.name.lower() != other.name.lower():
        return "are told apart by different things"
    if one.value == other.value or (
        one.by == "media_type" and media_type(one.value) == media_type(other.value)
    ):
        return f"have the same version {one.value!r}"
    if one.default and other.default:
        return "are both the default version"
    return ""


def conflict_among(known: Sequence[tuple[str, Versioning | None]], new: Versioning | None) -> tuple[str, str]:
    """The first of ``known``, by id, that ``new`` cannot stand beside, and why; empty texts if there is none."""
    for api_id, each in known:
        why = conflict(each, new)
        if why:
            return api_id, why
    return "", ""
