"""Finds this product's keys and tokens in any bytes, and says which are real ones.

API keys and the tokens of operators carry a checksum, so that what merely looks like one is not taken for it (but for one
in four thousand million). Tokens of the authorization server have none; they are 256 random bits after a prefix of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wardgate.domain.apikey import tag_of
from wardgate.domain.operator import is_token

#: ``api_key``; ``admin_token``: of an operator or a service account; ``oauth_secret``: of the authorization server.
LeakKind = Literal["api_key", "admin_token", "oauth_secret"]
#: What was done about a key that was found: see ``EnvironmentSettings.leaks``. ``none``: it was over already, or had been
#: found before; ``pending``: it is about to be looked at.
LeakAction = Literal["pending", "none", "notify", "rotate", "revoke"]

#: Bytes of the longest key, and one before and after it.
LONGEST = len("wg_") + 12 + 1 + 38 + 2
_START = re.compile(
    rb"wg(?:_(?P<tag>[a-z0-9]{1,12})_[0-9A-Za-z]{38}|op_[0-9A-Za-z]{38}|(?:at|rt|ac|dc|cs|ss|ra|pr|ot)_[0-9A-Za-z_-]{38})"
)
#: What follows a token that has no checksum, and may not go on.
_REST = re.compile(rb"[0-9A-Za-z_-]{5}(?![0-9A-Za-z_-])")
_WORD = re.compile(rb"[0-9A-Za-z_]")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A credential (by its id) that was found in public, and what was done then. ``at`` is in Unix seconds.

    ``source`` says where it was looked for and ``url`` where it was found; both are the finder's words.
    """

    id: str
    kind: LeakKind
    credential: str
    environment: str
    source: str
    url: str
    at: float
    action: LeakAction


def find(data: bytes) -> Iterator[Found]:
    """The real keys and tokens in ``data``, in order.

    What has a checksum is found whatever stands around it (``%22wg_prod_...``, ``\\nwg_prod_...``), the rest as a word.
    """
    place = 0
    while (match := _START.search(data, place)) is not None:
        found = _read(data, match)
        if found is not None:
            yield found
        place = match.start() + (2 if found is None else len(found.text))


def genuine(text: bytes) -> LeakKind | None:
    """What kind of key ``text`` is by its form and checksum; ``None``: it is none."""
    match = _START.match(text)
    found = None if match is None else _read(text, match)
    return found.kind if found is not None and found.text == text else None


def without_keys(text: str, instead: str) -> str:
    """``text`` with every key in it replaced."""
    data, place = text.encode(), 0
    parts: list[bytes] = []
    for each in find(data):
        parts += (data[place : each.offset], instead.encode())
        place = each.offset + len(each.text)
    return b"".join((*parts, data[place:])).decode()


def masked(text: bytes) -> str:
    """``wg_prod_Ab3d...wxyz``: the scheme, four characters, and the last four."""
    shown = text.decode("ascii", "replace")
    scheme = shown.find("_", 3 if shown.startswith("wg_") else 0) + 1
    return f"{shown[: scheme + 4]}...{shown[-4:]}"


def _read(data: bytes, match: re.Match[bytes]) -> Found | None:
    text, start = match.group(), match.start()
    if match["tag"] is not None:
        return Found(kind="api_key", offset=start, text=text) if tag_of(text) is not None else None
    if text.startswith(b"wgop_"):
        return Found(kind="admin_token", offset=start, text=text) if is_token(text.decode()) else None
    rest = _REST.match(data, match.end())
    if rest is None or (start and _WORD.match(data, start - 1)):
        return None
    return Found(kind="oauth_secret", offset=start, text=text + rest.group())
