"""Conditions in CEL, the Common Expression Language. Imported only where there is a condition to compile.

CEL has no loops but over the lists and maps it is given, no side effects, and regular expressions in linear time (RE2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from cel_expr_python import cel

from wardgate.policy.expression import VARIABLES, ConditionError, UndecidedError, Uses, uses_of

_ERROR = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_KIND = re.compile(r"[A-Z_]{2,40}")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")


@cache
def _environment() -> cel.Env:
    text = cel.Type.STRING
    texts = cel.Type.List(text)
    strings = cel.Type.Map(text, text)
    anything = cel.Type.Map(text, cel.Type.DYN)
    types = {
        "claims": anything,
        "path": strings,
        "query": cel.Type.Map(text, texts),
        "headers": strings,
        "application": anything,
        "groups": texts,
        "roles": texts,
        "scopes": texts,
        "method": text,
        "address": text,
        "time": cel.Type.TIMESTAMP,
    }
    return cel.NewEnv(variables={name: types[name] for name in VARIABLES})


class CelExpression:
    """Implements ``Expression``."""

    __slots__ = ("_compiled", "text", "uses")

    def __init__(self, text: str, compiled: cel.Expression, uses: Uses) -> None:
        self.text = text
        self.uses = uses
        self._compiled = compiled

    def holds(self, values: Mapping[str, object]) -> bool:
        """See ``Expression``."""
        try:
            if _has_zero(values):
                # The library would take the text as if it ended there.
                raise UndecidedError("zero_byte")
            value = self._compiled.eval(data=values).value()
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            # A value that CEL has no form for, such as a number beyond 64 bits.
            raise UndecidedError(_kind(str(error))) from None
        if value is True or value is False:
            return value
        # An error is a value too: its text.
        raise UndecidedError(_kind(str(value)))


def _has_zero(value: object) -> bool:
    """Whether a text in ``value``, or the name of an entry, holds a zero byte."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_zero(key) or _has_zero(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_zero, value))


def compile_cel(text: str) -> CelExpression:
    """The CEL expression ``text``.

    Raises:
        ConditionError: it is not well-formed, asks for what is not there, or is neither true nor false.
    """
    try:
        compiled = _environment().compile(text)
    except (RuntimeError, ValueError) as error:
        raise _refused(str(error)) from None
    if compiled.return_type() != cel.Type.BOOL:
        kind = str(compiled.return_type()).lower()
        remedy = (
            "Compare it with something: `claims.admin == true`"
            if kind == "dyn"
            else "Write a comparison, such as `claims.sub == path.user_id`"
        )
        raise ConditionError(f"the condition is of type {kind}, neither true nor false", remedy)
    return CelExpression(text, compiled, uses_of(text))


def _refused(report: str) -> ConditionError:
    found = _ERROR.search(report)
    if found is None:
        return ConditionError("the condition cannot be read", "Write it in CEL, such as `'admin' in roles`")
    line, column, message = int(found[1]), int(found[2]), found[3].removeprefix("Syntax error: ")
    undeclared = _UNDECLARED.search(message)
    if undeclared is not None:
        # The place is that of the last dot, the name all before and after it.
        message = f"there is no {undeclared[1].partition('.')[0]!r}"
        column -= len(undeclared[1].rpartition(".")[0])
        remedy = f"Use {', '.join(VARIABLES)}, and put text in quotes"
    elif "no matching overload" in message:
        remedy = "Compare values of one type; text stands in quotes"
    else:
        remedy = "Write it in CEL, such as `claims.sub == path.user_id || 'admin' in roles`"
    return ConditionError(message, remedy, line, column)


def _kind(report: str) -> str:
    """The kind of an error alone, as the rest may hold values."""
    found = _KIND.match(report)
    return found[0].lower() if found is not None else "no_value"
