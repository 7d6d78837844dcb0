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
#: Times that texts and lists are joined.
MOST_JOINS = 8

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
    _check_names(text)
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
#: What makes lists of lists, each by itself as long as what it reads.
_GROWING = re.compile(r"map|transform\w+")
#: A header that is asked for in upper case.
_UPPER_HEADER = re.compile(
    r"\bheaders\s*(?:\.\s*(?P<dot>\w*[A-Z]\w*)|\[\s*(['\"])(?P<at>[^'\"\n]*[A-Z][^'\"\n]*)\2\s*\])"
    r"|(['\"])(?P<key>[^'\"\n]*[A-Z][^'\"\n]*)\4\s+in\s+headers\b"
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
    if shown.count("+") > MOST_JOINS:
        raise ConditionError(
            f"the condition joins {shown.count('+')} times", f"Use + at most {MOST_JOINS} times"
        )
    growing = [macro for macro in found.values() if _GROWING.fullmatch(macro[1])]
    if len(growing) > 1:
        remedy = "Use at most one of map in an expression, and exists, all or filter for the rest"
        raise ConditionError("lists are made of lists", remedy, *_place(shown, growing[1].start()))
    open_brackets: list[re.Match[str] | None] = []
    for at, character in enumerate(shown):
        if character == "(":
            macro = found.get(at)
            if macro is not None and any(open_brackets):
                raise ConditionError(
                    f"{macro[1]!r} stands inside another repetition",
                    "Compare with a list by `in`, or put the inner one before the outer: `a.filter(...).exists(...)`",
                    *_place(shown, macro.start()),
                )
            open_brackets.append(macro)
        elif character == ")" and open_brackets:
            open_brackets.pop()
        elif character == "+" and any(macro in growing for macro in open_brackets):
            raise ConditionError("+ stands inside map", "Join before or after map", *_place(shown, at))


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of ``text[at]``."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _check_names(text: str) -> None:
    """Headers are asked for in lower case, or they would never be there.

    Raises:
        ConditionError: one is not.
    """
    found = _UPPER_HEADER.search(text)
    if found is not None:
        name = found["dot"] or found["at"] or found["key"]
        raise ConditionError(
            f"no header is called {name!r} here",
            f"Write it in lower case: headers[{name.lower()!r}]",
            *_place(text, found.start()),
        )


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
