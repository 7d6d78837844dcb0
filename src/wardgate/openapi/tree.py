"""YAML (and JSON, which YAML contains) as a tree that knows its lines.

Read from parser events, not from PyYAML's constructors: no tags are acted on, plain scalars follow YAML 1.2, every
duplicate key is found, and depth and alias expansion are bounded before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from wardgate.domain.document import DocumentError, Problem
from wardgate.openapi.scalars import resolve

#: Nodes a document may have once its aliases are expanded, and how deep it may nest.
MAX_NODES = 1_000_000
MAX_DEPTH = 100
MAX_BYTES = 64 * 1024 * 1024

_TAG = "tag:yaml.org,2002:"
_CORE_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Step = str | int
Path = tuple[Step, ...]


class Node:
    """Any value with the 1-based line it starts on."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


class Scalar(Node):
    """Text, a number, true, false or null."""

    __slots__ = ("value",)

    def __init__(self, line: int, value: str | float | bool | None) -> None:
        super().__init__(line)
        self.value = value


class Sequence(Node):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.items: list[Node] = []


class Mapping(Node):
    """Keys, which are always text, with their values; ``key_lines`` says where each key stands."""

    __slots__ = ("entries", "key_lines")

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.entries: dict[str, Node] = {}
        self.key_lines: dict[str, int] = {}


def plain(node: Node) -> Any:
    """The same value as dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


def line_of(node: Node, path: Iterable[Step]) -> int:
    """The line of the value at ``path`` below ``node``, or of the nearest value above it that exists."""
    line = node.line
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            line = node.key_lines[str(step)]
            node = node.entries[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            break
    return line


def path_text(path: Iterable[Step]) -> str:
    """A path as people write it: ``apis[0].security.resources["GET /health"]``; ``(document)`` for the root."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() or (step.replace("-", "_").isidentifier() and text):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text or "(document)"


def read_tree(text: str, file: str) -> tuple[Node, list[Problem]]:
    """The one YAML document in ``text``, and what is wrong with it that leaves the rest readable (duplicate keys).

    Raises:
        DocumentError: no valid YAML, several documents, or one past the bounds.
    """
    if len(text) > MAX_BYTES:
        message = f"the document is larger than {MAX_BYTES // 1024 // 1024} MB"
        raise DocumentError((Problem(file, 1, "(document)", message, "Split it into several files"),))
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark or error.context_mark, "line", 0) + 1
        message = f"not valid YAML: {error.problem or error.context or 'unreadable'}"
        raise _error(file, line, message, _SYNTAX_REMEDY) from None
    except (yaml.YAMLError, UnicodeError) as error:
        reason = getattr(error, "reason", "unreadable characters")
        raise _error(file, 1, f"not valid YAML: {reason}", "Save the file as UTF-8 text") from None
    if builder.root is None:
        raise _error(file, 1, "the document is empty", "Write at least one key, such as `apis:`")
    return builder.root, builder.problems


_SYNTAX_REMEDY = "Check indentation, quotes and brackets at this line and just above it"


def _error(file: str, line: int, message: str, remedy: str) -> DocumentError:
    return DocumentError((Problem(file, line, "(document)", message, remedy),))


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


class _Frame:
    """A list or mapping under construction."""

    __slots__ = ("anchor", "height", "key", "node", "start")

    def __init__(self, node: Sequence | Mapping, anchor: str | None, start: int) -> None:
        self.node = node
        self.anchor = anchor
        self.start = start
        self.height = 1
        self.key: tuple[str, int] | None = None


class _Builder:
    """Takes parser events in order; ``root`` is the tree after the last one."""

    def __init__(self, file: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._file = file
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        self._count = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        """Adds what one event says. Raises DocumentError past a bound."""
        if isinstance(event, yaml.ScalarEvent):
            node = Scalar(_line(event), self._value(event))
            self._finish(node, event.anchor, 1, 1, plain_key=event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self._stack.pop()
            self._finish(frame.node, frame.anchor, self._count - frame.start, frame.height)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._wrong(
                    event, "the file holds more than one YAML document", "Give each its own file"
                )

    def _open(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._wrong(event, f"nested deeper than {MAX_DEPTH} levels", "Flatten the document")
        if event.tag not in (None, "!") and event.tag not in _CORE_TAGS:
            self._tag(event)
        line = _line(event)
        frame = self._stack[-1] if self._stack else None
        if frame and isinstance(frame.node, Mapping) and frame.key is None:
            raise self._wrong(event, "a key must be text, not a list or mapping", "Write a plain name as key")
        if event.anchor:
            self._anchors[event.anchor] = None
        node = Mapping(line) if isinstance(event, yaml.MappingStartEvent) else Sequence(line)
        self._stack.append(_Frame(node, event.anchor, self._count))

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            message = f"the alias *{event.anchor} names no anchor that is complete at this point"
            raise self._wrong(event, message, f"Write &{event.anchor} before a value above this line")
        node, size, height = known
        if len(self._stack) + height > MAX_DEPTH:
            raise self._wrong(event, f"nested deeper than {MAX_DEPTH} levels", "Flatten the document")
        key = str(node.value) if isinstance(node, Scalar) else None
        self._finish(node, None, size, height, plain_key=key, event=event)

    def _finish(
        self,
        node: Node,
        anchor: str | None,
        size: int,
        height: int,
        plain_key: str | None = None,
        event: Any = None,
    ) -> None:
        """Puts a complete node where it belongs: into its parent, as a key, or at the root."""
        self._count += size if isinstance(node, Scalar) or event is not None else 1
        if self._count > MAX_NODES:
            raise _error(
                self._file,
                node.line,
                f"more than {MAX_NODES} values once aliases are expanded",
                "Use fewer aliases, or split the document",
            )
        if anchor:
            self._anchors[anchor] = (node, size + (not isinstance(node, Scalar)), height)
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        frame.height = max(frame.height, height + 1)
        parent = frame.node
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif frame.key is None:
            if plain_key is None:
                raise _error(
                    self._file,
                    node.line,
                    "a key must be text, not a list or mapping",
                    "Write a plain name as key",
                )
            line = _line(event) if event is not None else node.line
            frame.key = (plain_key, line)
        else:
            key, line = frame.key
            frame.key = None
            self._entry(parent, key, line, node)

    def _entry(self, parent: Mapping, key: str, line: int, node: Node) -> None:
        if key in parent.entries:
            message = f"the key {key!r} stands here and on line {parent.key_lines[key]}"
            self._note(line, message, "Keep one of them", key)
            return
        if key == "<<":
            self._note(
                line,
                "the merge key `<<` is no part of YAML 1.2",
                "Write the keys out, or give the value an anchor and use the alias as a whole",
                key,
            )
            return
        parent.entries[key] = node
        parent.key_lines[key] = line

    def _value(self, event: Any) -> str | int | float | bool | None:
        text: str = event.value
        tag = event.tag
        if tag in ("!", _TAG + "str"):
            return text
        if not event.implicit[0]:
            if tag is None:
                return text
            if tag not in _CORE_TAGS:
                self._tag(event)
                return text
        try:
            return resolve(text)
        except ValueError as error:
            self._note(_line(event), str(error), "Write a finite number, or put text in quotes")
            return 0

    def _tag(self, event: Any) -> None:
        self._note(
            _line(event),
            f"the tag {event.tag!r} is not allowed",
            "Remove the tag and write the value",
        )

    def _note(self, line: int, message: str, remedy: str, *below: Step) -> None:
        path = path_text((*self._path(), *below))
        self.problems.append(Problem(self._file, line, path, message, remedy))

    def _path(self) -> list[Step]:
        steps: list[Step] = []
        for frame in self._stack:
            if isinstance(frame.node, Sequence):
                steps.append(len(frame.node.items))
            elif frame.key:
                steps.append(frame.key[0])
        return steps

    def _wrong(self, event: Any, message: str, remedy: str) -> DocumentError:
        line = _line(event)
        return DocumentError((Problem(self._file, line, path_text(self._path()), message, remedy),))
