"""Conditions: what they may ask about, and what an implementation of their language must do.

A condition is an expression that is true for the requests that may pass. It sees:

* ``claims``: map, all that the access token says; empty for a key
* ``path``: map of the path's parameters, decoded
* ``query``: map of lists of texts, as a parameter may be repeated
* ``headers``: map by lower-case name, credentials left out; one that was sent several times is joined by ``, ``
* ``application``: map of ``id``, ``name`` and ``groups``
* ``groups``, ``roles``, ``scopes``: lists of what the caller has
* ``method``, ``address``: texts; ``time``: a timestamp
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

#: Characters of an expression, and repetitions (``exists``, ``all``, ...) in it.
LONGEST = 2000
MOST_MACROS = 8

#: What an expression reads, by variable: the names of the entries of a map, or ``None`` where it may read any.
Uses = Mapping[str, frozenset[str] | None]
VARIABLES = (
    "claims",
    "path",
    "query",
    "headers",
    "application",
    "groups",
    "roles",
    "scopes",
    "method",
    "address",
    "time",
)


class ConditionError(ValueError):
    """An expression cannot be taken: where in it (both from 1), what is wrong, and what to write instead."""

    def __init__(self, message: str, remedy: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {message}. {remedy}")
        self.message = message
        self.remedy = remedy
        self.line = line
        self.column = column


class UndecidedError(Exception):
    """An expression had no value for a request, such as a claim that is not there; ``kind`` says why, without values."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Expression(Protocol):
    """A condition that was checked: it is well-formed, asks only for what there is, and is true or false."""

    @property
    def text(self) -> str: ...

    @property
    def uses(self) -> Uses: ...

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it is true for ``values``, which hold all that it uses. Raises UndecidedError."""


@lru_cache(maxsize=4096)
def expression(text: str) -> Expression:
    """The condition ``text``, compiled; equal ones are one object.

    Raises:
        ConditionError: it is no valid condition, or this installation lacks the library for them.
    """
    if len(text) > LONGEST:
        raise ConditionError(
            f"the condition has {len(text)} characters",
            f"Write at most {LONGEST}; split it over the API and its resources",
        )
    _check_macros(text)
    try:
        from wardgate.policy.cel import compile_cel
    except ImportError as error:
        raise ConditionError(
            "conditions cannot be checked by this installation",
            f"Install cel-expr-python, which is not available here ({error})",
        ) from None
    return compile_cel(text)


#: What hides names and brackets: comments, and strings of every kind the language has.
_HIDDEN = re.compile(
    r"//[^\n]*"
    r"|(?:[rR][bB]?|[bB][rR])(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|\"[^\"\n]*\"|'[^'\n]*')"
    r"|[bB]?(?:\"\"\"(?:\\.|[\s\S])*?\"\"\"|'''(?:\\.|[\s\S])*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
)
_MACRO = re.compile(r"\.\s*(all|exists|exists_one|existsOne|map|filter|transform\w+|sortBy)\s*\(")


def _check_macros(text: str) -> None:
    """No repetition stands in another, so that an expression costs no more than what it reads is long.

    Raises:
        ConditionError: one does, or there are too many.
    """
    shown = _HIDDEN.sub(lambda hidden: re.sub(r"[^\n]", " ", hidden[0]), text)
    found = {macro.end() - 1: macro for macro in _MACRO.finditer(shown)}
    if len(found) > MOST_MACROS:
        raise ConditionError(
            f"the condition repeats itself {len(found)} times",
            f"Use at most {MOST_MACROS} of exists, all, map, filter",
        )
    open_brackets: list[bool] = []
    for at, character in enumerate(shown):
        if character == "(":
            macro = found.get(at)
            if macro is not None and True in open_brackets:
                line = shown.count("\n", 0, macro.start()) + 1
                raise ConditionError(
                    f"{macro[1]!r} stands inside another repetition",
                    "Compare with a list by `in`, or put the inner one before the outer: `a.filter(...).exists(...)`",
                    line,
                    macro.start() - shown.rfind("\n", 0, macro.start()),
                )
            open_brackets.append(macro is not None)
        elif character == ")" and open_brackets:
            open_brackets.pop()


def uses_of(text: str) -> Uses:
    """The variables that ``text`` may read, and of maps which entries; too many rather than too few.

    A variable is read only where its name stands, so it is looked for in the bare text. Where the name is not followed
    by that of an entry, any may be read.
    """
    found: dict[str, frozenset[str] | None] = {}
    for name in VARIABLES:
        places = len(re.findall(rf"\b{name}\b", text))
        if not places:
            continue
        entries = re.findall(
            rf"\b{name}\b(?:\s*\.\s*([A-Za-z_]\w*)\b(?!\s*\()|\s*\[\s*(?:'([^'\"\\\n]*)'|\"([^'\"\\\n]*)\")\s*\])",
            text,
        )
        whole = len(entries) != places
        found[name] = None if whole else frozenset(dot or single or double for dot, single, double in entries)
    return found
