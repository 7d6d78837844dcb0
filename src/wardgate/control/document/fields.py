"""Reading checked values out of a YAML tree; every mistake is noted with its place and remedy, and reading goes on."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from wardgate.domain.api import PolicyUse
from wardgate.domain.document import Problem
from wardgate.domain.provider import ProviderEntry
from wardgate.openapi.tree import Mapping, Node, Path, Scalar, line_of, path_text
from wardgate.openapi.tree import Sequence as ListNode

D = TypeVar("D")
C = TypeVar("C", bound=str)

_SIZE = re.compile(r"(\d{1,15}) ?(B|KB|MB|GB|KiB|MiB|GiB)")
_UNITS = {"B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
LARGEST = 10**15


def suggestion(word: str, known: Collection[str], what: str) -> str:
    """The remedy for an unknown name: the nearest known one, or the list of them."""
    close = difflib.get_close_matches(word, known, 1, 0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not known:
        return f"There are no {what}; declare it first"
    shown = sorted(known)
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return f"Known {what}: {', '.join(shown[:12])}{more}"


class Report:
    """The problems of one file, in the order they are found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        #: Every policy in use with its fields, for checks once the policies are known.
        self.policies: list[tuple[PolicyUse, Fields]] = []
        #: Every identity provider with its fields, likewise for later.
        self.providers: list[tuple[ProviderEntry, Fields]] = []

    def add(self, line: int, path: Path, message: str, remedy: str) -> None:
        """Notes one problem."""
        self.problems.append(Problem(self.file, line, path_text(path), message, remedy))


class Fields:
    """One mapping of the document with a fixed set of keys. A wrong value is noted and its default returned."""

    def __init__(self, report: Report, node: Node, path: Path, known: Collection[str]) -> None:
        """Notes a problem for each key not in ``known``, or one if ``node`` is no mapping at all."""
        self.report = report
        self.path = path
        self.line = node.line
        self._node = node
        self.entries: dict[str, Node] = {}
        if isinstance(node, Mapping):
            self.entries = node.entries
        else:
            shown = ", ".join(sorted(known)[:6])
            report.add(node.line, path, "a mapping is expected here", f"Write keys such as {shown}")
        for key in self.entries:
            if known and key not in known:
                self.problem(key, f"unknown key {key!r}", suggestion(key, known, "keys"))

    def problem(self, key: str | None, message: str, remedy: str) -> None:
        """Notes a problem at ``key``, or at the mapping itself unless it is none, which is told already."""
        if key is None and not isinstance(self._node, Mapping):
            return
        steps: Path = () if key is None else (key,)
        self.report.add(line_of(self._node, steps), (*self.path, *steps), message, remedy)

    def problem_below(self, steps: Path, message: str, remedy: str) -> None:
        """Notes a problem some levels below the mapping."""
        self.report.add(line_of(self._node, steps), (*self.path, *steps), message, remedy)

    def line_of(self, steps: Path) -> int:
        """The line of what stands some levels below the mapping."""
        return line_of(self._node, steps)

    @property
    def wrong(self) -> bool:
        """Whether a problem was noted at the mapping or below it."""
        place = path_text(self.path)
        return any(
            each.path == place or each.path.startswith((f"{place}.", f"{place}["))
            for each in self.report.problems
        )

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def _scalar(self, key: str) -> str | int | float | bool | None:
        node = self.entries.get(key)
        if isinstance(node, Scalar) and node.value is not None:
            return node.value
        if node is not None:
            self.problem(key, f"{key!r} needs one value", "Give it a value or remove the key")
        return None

    def text(
        self, key: str, default: D, pattern: str | None = None, words: str = "", *, empty: bool = False
    ) -> str | D:
        """Text matching ``pattern``, which ``words`` describe in the remedy; of one character at least, unless ``empty``."""
        value = self._scalar(key)
        if value is None:
            return default
        if not isinstance(value, str):
            shown = str(value).lower() if isinstance(value, bool) else value
            self.problem(key, f"{key!r} must be text, not {shown}", f'Put it in quotes: {key}: "{shown}"')
            return default
        if not (value or empty) or (pattern is not None and not re.fullmatch(pattern, value)):
            remedy = f"Use {words}" if words else "Give it a value or remove the key"
            self.problem(key, f"{value!r} is no valid {key}", remedy)
            return default
        return value

    def required(self, key: str, pattern: str, words: str) -> str:
        """Text that must be there; empty where it is not, with a problem noted."""
        if key not in self.entries:
            self.problem(None, f"the key {key!r} is missing", f"Add `{key}:` with {words}")
        return self.text(key, "", pattern, words)

    def integer(self, key: str, default: D, minimum: int = 1, maximum: int = LARGEST) -> int | D:
        """A whole number within the bounds."""
        value = self._scalar(key)
        if value is None:
            return default
        if type(value) is not int or not minimum <= value <= maximum:
            bounds = f"from {minimum} to {maximum}" if maximum < LARGEST else f"of at least {minimum}"
            self.problem(
                key, f"{key!r} must be a whole number, not {value!r}", f"Write a whole number {bounds}"
            )
            return default
        return value

    def number(self, key: str, default: D, minimum: float, maximum: float) -> float | D:
        """A number within the bounds, as a float."""
        value = self._scalar(key)
        if value is None:
            return default
        good = (
            type(value) in (int, float) and math.isfinite(float(value)) and minimum <= float(value) <= maximum
        )
        if not good:
            remedy = f"Write a number from {minimum:g} to {maximum:g}"
            self.problem(key, f"{key!r} must be a number, not {value!r}", remedy)
            return default
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self._scalar(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(
                key, f"{key!r} must be true or false, not {value!r}", "Write true or false without quotes"
            )
            return default
        return value

    def choice(self, key: str, options: Sequence[C], default: D) -> C | D:
        """One of ``options``."""
        value = self._scalar(key)
        if value is None:
            return default
        for option in options:
            if value == option:
                return option
        self.problem(key, f"{value!r} is no valid {key}", suggestion(str(value), options, "values"))
        return default

    def size(self, key: str, default: D) -> int | D:
        """Bytes: a whole number, or one with a unit (``10MB``; units are powers of 1024)."""
        value = self._scalar(key)
        if value is None:
            return default
        if type(value) is int and 0 <= value <= LARGEST:
            return value
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.problem(
                key, f"{value!r} is no size", "Write bytes, or a number with KB, MB or GB, such as 10MB"
            )
            return default
        return int(match[1]) * _UNITS[match[2][0]]

    def items(self, key: str) -> list[tuple[Node, Path]]:
        """The values of a list with their paths; none where the key is absent."""
        node = self.entries.get(key)
        if node is None:
            return []
        if not isinstance(node, ListNode):
            self.problem(key, f"{key!r} must be a list", f"Write `{key}: [...]`, or one `- ` line for each")
            return []
        return [(item, (*self.path, key, index)) for index, item in enumerate(node.items)]

    def texts(self, key: str, pattern: str, words: str) -> tuple[str, ...]:
        """A list of different texts, each matching ``pattern``."""
        values: list[str] = []
        for item, path in self.items(key):
            value = item.value if isinstance(item, Scalar) else None
            if not isinstance(value, str) or not re.fullmatch(pattern, value):
                shown = "a list or mapping" if value is None else repr(value)
                self.report.add(item.line, path, f"{shown} cannot stand here", f"Use {words}")
            elif value in values:
                self.report.add(item.line, path, f"{value!r} stands here twice", "Remove one of them")
            else:
                values.append(value)
        return tuple(values)

    def unknown(
        self,
        key: str,
        read: Collection[str],
        known: Collection[str],
        message: str,
        what: str,
        remedy: Callable[[str], str] | None = None,
    ) -> None:
        """Notes each of the texts ``read`` from a list that is none of the ``known``: ``message``, with the text for ``{}``,
        and by default a suggestion among ``what`` is known."""
        for item, path in self.items(key):
            value = item.value if isinstance(item, Scalar) else None
            if isinstance(value, str) and value in read and value not in known:
                meant = suggestion(value, known, what) if remedy is None else remedy(value)
                self.report.add(item.line, path, message.format(repr(value)), meant)

    def child(self, key: str, known: Collection[str]) -> Fields | None:
        """The mapping under ``key``, or ``None`` where the key is absent."""
        node = self.entries.get(key)
        return None if node is None else Fields(self.report, node, (*self.path, key), known)
