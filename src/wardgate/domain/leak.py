"""Finds this product's keys and tokens in any bytes, and says which are real ones.

A key carries a checksum, so that noise which looks like one is not taken for it (one chance in four thousand million).
Tokens of the authorization server have none; they are 256 random bits after a prefix nobody else uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wardgate.domain.apikey import tag_of

#: ``api_key``; ``admin_token``: of an operator or a service account; ``oauth_secret``: of the authorization server.
LeakKind = Literal["api_key", "admin_token", "oauth_secret"]
#: What is done about a key that was found: see ``EnvironmentSettings.leaks``. ``none``: it was over already.
LeakAction = Literal["none", "notify", "rotate", "revoke"]

#: Bytes of the longest match: so many of one piece are looked at again with the next.
LONGEST = 5 + 12 + 1 + 38 + 1
#: One expression for all kinds. What stands before or after must not go on with the same characters.
PATTERN = re.compile(
    rb"(?<![0-9A-Za-z_])(?:wg_[a-z0-9]{1,12}_[0-9A-Za-z]{38}(?![0-9A-Za-z])"
    rb"|wgat_[0-9A-Za-z]{38}(?![0-9A-Za-z_-])"
    rb"|wg(?:at|rt|ac|dc|cs|ss|ra|pr|ot|pt|sa)_[0-9A-Za-z_-]{43}(?![0-9A-Za-z_-]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A key found at ``offset`` of what was searched. ``text`` is the key itself and is never shown: ``masked`` is."""

    kind: LeakKind
    offset: int
    text: bytes

    @property
    def masked(self) -> str:
        """Enough to recognise the key by in a list, not to use it."""
        return masked(self.text)

    def __repr__(self) -> str:
        return f"Found(kind={self.kind!r}, offset={self.offset}, key={self.masked!r})"


def find(data: bytes) -> Iterator[Found]:
    """The real keys and tokens in ``data``, in order."""
    for match in PATTERN.finditer(data):
        kind = genuine(match.group())
        if kind is not None:
            yield Found(kind=kind, offset=match.start(), text=match.group())


def genuine(text: bytes) -> LeakKind | None:
    """What kind of key ``text`` is by its form and checksum; ``None``: it is none."""
    if text.startswith(b"wg_"):
        return "api_key" if tag_of(text) is not None else None
    return "oauth_secret" if PATTERN.fullmatch(text) is not None else None


def masked(text: bytes) -> str:
    """``wg_prod_Ab3d...wxyz``: the scheme, four characters, and the last four."""
    shown = text.decode("ascii", "replace")
    scheme = shown.find("_", 3 if shown.startswith("wg_") else 0) + 1
    return f"{shown[: scheme + 4]}...{shown[-4:]}"
