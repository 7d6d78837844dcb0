"""E-mail addresses: which ones mail is sent to."""

from __future__ import annotations

import re

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_LONGEST = 254


def is_address(text: str) -> bool:
    """Whether ``text`` is a plain address (the dot-atom form of RFC 5321): no comment, quote, display name or list."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None
