"""What a plain YAML scalar means: the core schema of YAML 1.2 (section 10.3), so ``off``, ``no`` and ``1:30`` are text."""

from __future__ import annotations

import re

_SPECIAL = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("-+.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 100


def resolve(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar.

    Raises:
        ValueError: a number that JSON cannot hold (infinite, not a number, or of absurd length).
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    if text[0] not in _FIRST:
        return text
    if len(text) > _LONGEST_NUMBER:
        if _FLOAT.fullmatch(text):
            raise ValueError("a number of more than 100 digits")
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"the number {text} is too large")
        return value
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is no finite number")
    return text


def reads_as_text(text: str) -> bool:
    """Whether ``text``, written without quotes, would be read as this same text."""
    try:
        return resolve(text) is text
    except ValueError:
        return False
