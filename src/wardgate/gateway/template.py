"""Segments of path templates: ``items``, ``{id}``, ``{name}.json``, ``{low}-{high}``."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_SEGMENT = re.compile(r"[^{}]*(?:\{[^{}]+\}[^{}]*)*")
_PARAMETER = re.compile(r"\{([^{}]+)\}")

#: The pieces of a segment that is one parameter and nothing else.
PLAIN = ("", "")


class Capture(NamedTuple):
    """One segment with parameters: where it stands in the whole path, the literal pieces around them, and their names."""

    at: int
    pieces: tuple[str, ...]
    names: tuple[str, ...]


class Template(NamedTuple):
    """A path template below a base path of ``offset`` segments: its decoded ``parts``, and where those with parameters
    stand in the whole path. ``name`` is the resource's, for messages."""

    name: str
    offset: int
    parts: list[str]
    captures: tuple[Capture, ...]


def split(name: str, path: str, offset: int) -> Template:
    """The template ``path`` of the resource ``name``, below a base path of ``offset`` segments.

    Raises:
        ValueError: it does not start with a slash, has a wrong segment, or uses a parameter twice.
    """
    if not path.startswith("/"):
        raise ValueError(f"path of resource {name} must start with '/'")
    parts = path[1:].split("/")
    captures: list[Capture] = []
    for index, part in enumerate(parts):
        if "{" in part:
            captures.append(Capture(offset + index, *parse(name, part)))
        elif "%" in part or "}" in part:
            parts[index] = literal(name, part)
    if len(captures) > 1 or (captures and len(captures[0].names) > 1):
        used = [parameter for capture in captures for parameter in capture.names]
        if len(set(used)) < len(used):
            raise ValueError(f"resource {name} uses a path parameter twice; rename one of them")
    return Template(name, offset, parts, tuple(captures))


def signature(template: Template) -> list[tuple[str, ...]]:
    """Equal for templates that match the same paths, whatever their parameters are called."""
    segments: list[tuple[str, ...]] = [(part,) for part in template.parts]
    for capture in template.captures:
        segments[capture.at - template.offset] = capture.pieces
    return segments


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
    bare = part[1:-1]
    if bare and part == f"{{{bare}}}" and "{" not in bare and "}" not in bare:
        return PLAIN, (bare,)
    if _SEGMENT.fullmatch(part) is None:
        raise ValueError(f"segment {part!r} of resource {name} has unbalanced or empty braces")
    found = _PARAMETER.split(part)  # text, name, text, ..., name, text
    pieces = tuple(unquote(piece) for piece in found[::2])
    if "" in pieces[1:-1]:
        raise ValueError(
            f"segment {part!r} of resource {name} has no text between two parameters to part them"
        )
    return pieces, tuple(found[1::2])


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
