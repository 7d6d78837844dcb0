"""Segments of path templates: ``items``, ``{id}``, ``{name}.json``, ``{low}-{high}``."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_SEGMENT = re.compile(r"[^{}]*(?:\{[^{}]+\}[^{}]*)*")
_PARAMETER = re.compile(r"\{([^{}]+)\}")


class Capture(NamedTuple):
    """One segment with parameters: where it stands in the whole path, the literal pieces around them, and their names."""

    at: int
    pieces: tuple[str, ...]
    names: tuple[str, ...]


def literal(name: str, part: str) -> str:
    """A segment without parameters, decoded.

    Raises:
        ValueError: it has a brace; ``name`` is the resource named.
    """
    if "{" in part or "}" in part:
        raise ValueError(f"segment {part!r} of resource {name} has unbalanced or empty braces")
    return unquote(part) if "%" in part else part


def parse(name: str, part: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A segment with parameters as its literal pieces, decoded, and the names between them.

    Raises:
        ValueError: braces are unbalanced or empty, or nothing parts two parameters; ``name`` is the resource named.
    """
    if _SEGMENT.fullmatch(part) is None:
        raise ValueError(f"segment {part!r} of resource {name} has unbalanced or empty braces")
    split = _PARAMETER.split(part)  # text, name, text, ..., name, text
    pieces = tuple(unquote(piece) for piece in split[::2])
    if "" in pieces[1:-1]:
        raise ValueError(
            f"segment {part!r} of resource {name} has no text between two parameters to part them"
        )
    return pieces, tuple(split[1::2])


def fill(pieces: tuple[str, ...], segment: str) -> list[str] | None:
    """The non-empty texts between ``pieces`` in ``segment``, each as short as can be; ``None`` if it does not fit.

    Linear in the segment's length, which a regular expression with several groups is not.
    """
    start = len(pieces[0])
    end = len(segment) - len(pieces[-1])
    if not (segment.startswith(pieces[0]) and segment.endswith(pieces[-1])):
        return None
    values: list[str] = []
    for piece in pieces[1:-1]:
        position = segment.find(piece, start + 1, end)
        if position < 0:
            return None
        values.append(segment[start:position])
        start = position + len(piece)
    if start >= end:
        return None
    values.append(segment[start:end])
    return values
