"""Which decoded paths have one reading only, whoever reads them behind the gateway.

Requests are refused by it, and path templates that no request could match are refused with the document.
"""

from __future__ import annotations

import re
import unicodedata

_TWO_READINGS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\\;?#]"  # controls (C0, DEL, C1) and delimiters that some reader gives a meaning
    r"|//|/[. ]+(?:/|\Z)"  # empty segments and dot segments
    r"|%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})"  # still encoded after decoding once
)
_DELIMITERS = frozenset("/\\.;%?#")
# Fraction slash, division slash, set minus (best-fit to "/" and "\" on Windows) and the invisible grapheme joiner.
_BEST_FIT = frozenset("\u2044\u2215\u2216\u034f")
_INVISIBLE = frozenset({"Cf", "Zl", "Zp"})


def ambiguity(path: str) -> str | None:
    """What in a decoded path can be read in two ways, in a few words; ``None`` where there is no such thing."""
    found = _TWO_READINGS.search(path)
    if found is not None:
        return f"{found.group()!r} in the path"
    return None if path.isascii() else _unicode_ambiguity(path)


def _unicode_ambiguity(path: str) -> str | None:
    """The first character that is invisible or becomes a delimiter when normalised."""
    for character in dict.fromkeys(path):
        if character.isascii():
            continue
        if (
            unicodedata.category(character) in _INVISIBLE
            or character in _BEST_FIT
            or _is_noncharacter(ord(character))
            or not _DELIMITERS.isdisjoint(unicodedata.normalize("NFKC", character))
        ):
            return f"U+{ord(character):04X} in the path"
    return None


def _is_noncharacter(point: int) -> bool:
    """Whether Unicode reserves the code point for internal use (Unicode 16, section 23.7)."""
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
