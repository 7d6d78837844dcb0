"""Media types and the lists of them that clients accept (RFC 9110 sections 8.3.1 and 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})")
_PARAMETER = re.compile(rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")')
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_ESCAPED = re.compile(r"\\(.)")

Parameters = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or range in lower case, as ``*/*``; parameters without ``q``, their values in lower case too."""

    name: str
    parameters: Parameters = frozenset()

    def covers(self, other: MediaType) -> bool:
        """Whether ``other`` has this name and at least these parameters."""
        return self.name == other.name and self.parameters <= other.parameters


def media_type(text: str) -> MediaType | None:
    """The media type in ``text``; ``None`` for what is none."""
    found = _member(text)
    return found[0] if found is not None else None


def accepted(text: str) -> Iterator[tuple[MediaType, float]]:
    """Each range of the value of Accept with its quality, in order; members that are none are passed over."""
    for member in _split(text, ","):
        found = _member(member)
        if found is not None:
            yield found


def quality(wanted: MediaType, ranges: list[tuple[MediaType, float]]) -> float | None:
    """How much ``wanted`` is wanted, by the most specific range that covers it; ``None``: none does."""
    best: tuple[int, int] = (-1, 0)
    found: float | None = None
    kind = wanted.name.partition("/")[0] + "/*"
    for each, weight in ranges:
        if each.covers(wanted):
            rank = (2, len(each.parameters))
        elif each.name == kind:
            rank = (1, 0)
        elif each.name == "*/*":
            rank = (0, 0)
        else:
            continue
        if rank > best:
            best, found = rank, weight
    return found


def _member(text: str) -> tuple[MediaType, float] | None:
    parts = _split(text, ";")
    name = parts[0].strip(" \t")
    if _TYPE.fullmatch(name) is None:
        return None
    parameters: set[tuple[str, str]] = set()
    weight = 1.0
    for part in parts[1:]:
        stripped = part.strip(" \t")
        if not stripped:
            continue
        match = _PARAMETER.fullmatch(stripped)
        if match is None:
            return None
        key, value = match.group(1).lower(), match.group(2)
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        if key == "q":
            if _QUALITY.fullmatch(value) is None:
                return None
            weight = float(value)
            break  # what follows are extensions of Accept, no parameters
        parameters.add((key, value.lower()))
    return MediaType(name.lower(), frozenset(parameters)), weight


def _split(text: str, mark: str) -> list[str]:
    """``text`` at each ``mark`` outside quoted strings."""
    if '"' not in text:
        return text.split(mark)
    parts: list[str] = []
    start = 0
    quoted = escaped = False
    for place, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == mark and not quoted:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return parts
