"""An OpenAPI document's text as plain data, with a way back from a path in it to a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import unquote

from wardgate.domain.document import DocumentError, Problem
from wardgate.openapi.tree import MAX_BYTES, MAX_DEPTH, Node, Path, Step, line_of, path_text, plain, read_tree

_LONGEST_CHAIN = 8
_HALF = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
#: A pair of surrogate escapes, behind any number of escaped backslashes.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
#: Keys below which the document holds data of the API, in which ``$ref`` means nothing.
_DATA = frozenset({"example", "default", "enum", "const"})
#: Keys below which stand names that somebody chose, and so none of these.
_NAMES = frozenset(
    {"properties", "patternProperties", "responses", "schemas", "definitions", "$defs", "examples"}
)


class Source:
    """One document's text, its data, and the problems found in it so far."""

    def __init__(self, text: str, name: str) -> None:
        """Parses ``text``: JSON by its own parser where it is JSON, else YAML 1.2.

        Raises:
            DocumentError: neither valid JSON nor valid YAML, or past the bounds on size and depth.
        """
        self.name = name
        self.problems: list[Problem] = []
        self._text = text
        self._tree: Node | None = None
        # JSON that YAML cannot read, such as a raw DEL in a string: its problems are told without lines.
        self._lineless = False
        self.size = len(text)
        self.data = self._parsed()

    def problem(self, path: Path, message: str, remedy: str) -> None:
        """Notes that something is wrong at ``path``."""
        self.problems.append(self.at(path, message, remedy))

    def at(self, path: Path, message: str, remedy: str) -> Problem:
        """A problem at ``path`` with the line it stands on."""
        if self._tree is None and not self._lineless:
            try:
                self._tree = read_tree(self._text, self.name)[0]
            except DocumentError:
                self._lineless = True
        line = line_of(self._tree, path) if self._tree is not None else 1
        return Problem(self.name, line, path_text(path), message, remedy)

    def refuse(self) -> None:
        """Raises DocumentError if any problem was noted."""
        if self.problems:
            raise DocumentError(tuple(self.problems))

    def _parsed(self) -> Any:
        if self._text.lstrip("\ufeff \t\r\n").startswith("{") and len(self._text) <= MAX_BYTES:
            # JSON writes characters past U+FFFF as two escapes, which YAML does not read.
            self._text = _PAIR.sub(lambda match: match[1] + str(json.loads(f'"{match[2]}"')), self._text)
            try:
                data = json.loads(
                    self._text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite
                )
                if _HALF.search(self._text):
                    raise ValueError("half a surrogate pair")
                return data
            except (ValueError, RecursionError):
                # The YAML reader reads JSON too, and knows the line of what is wrong with it.
                pass
        self._tree, self.problems = read_tree(self._text, self.name)
        return plain(self._tree)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("duplicate key")
    return entries


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return value


def references(source: Source) -> Iterator[tuple[Path, str]]:
    """Every ``$ref`` of the document with its place; notes a problem where the document nests too deeply."""
    stack: list[tuple[Path, Any]] = [((), source.data)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                yield (*path, "$ref"), reference
            items: list[tuple[Step, Any]] = [
                (key, item)
                for key, item in value.items()
                if key not in _DATA or (path and path[-1] in _NAMES)
            ]
        elif isinstance(value, list):
            items = list(enumerate(value))
        else:
            continue
        if len(path) >= MAX_DEPTH:
            source.problem(path, f"nested deeper than {MAX_DEPTH} levels", "Flatten the document")
            return
        stack.extend(((*path, key), item) for key, item in items if isinstance(item, (dict, list)))


def resolve_local(source: Source, reference: str) -> tuple[Path, Any]:
    """The place and value a local reference (``#/...``) names: a JSON pointer, its escapes undone as in any fragment of a
    URI (RFC 6901 section 6).

    Raises:
        LookupError: it names nothing in this document.
    """
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(reference)
    path: list[Step] = []
    value = source.data
    for part in unquote(reference).split("/")[1:]:
        key: Step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and str(key).isdecimal() and int(key) < len(value):
            key = int(key)
            value = value[key]
        else:
            raise LookupError(reference)
        path.append(key)
    return tuple(path), value


def follow(source: Source, path: Path, value: Any) -> tuple[Path, Any]:
    """The place and value at the end of a chain of references; ``None``, with a problem noted, where there is no end."""
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(value, dict) or "$ref" not in value:
            return path, value
        reference = value["$ref"]
        try:
            path, value = resolve_local(source, reference if isinstance(reference, str) else "")
        except LookupError:
            source.problem(
                (*path, "$ref"), f"the reference {reference!r} names nothing", "Correct or remove it"
            )
            return path, None
    source.problem(path, "references lead on and on", "Refer to the value itself")
    return path, None
