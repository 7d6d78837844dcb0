"""Whether a password is among those that are tried first: common words and the usual ways of making them longer.

``common_passwords.txt`` holds what common passwords are made of. Long passwords of that kind are not written out: one
that falls into at most three cheap pieces (a listed word, a run, a year, a repetition, a little punctuation) is as good as
listed. Several words that are not on the list are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

_MOST_PIECES = 3
#: Longer passwords are looked at for repetition only.
_LOOKED_AT = 64
_SHORTEST_WORD = 3
_RUN = 3
_MOST_ODD = 4
_LEET = str.maketrans("0134578@$!|+", "oleastbasiit")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "!@#$%^&*()",
    "147258369",
    "159753",
)
_WALKS = tuple(row[::step] for row in _ROWS for step in (1, -1))


def is_common(password: str, about: tuple[str, ...] = ()) -> bool:
    """Whether ``password`` is made of common pieces, or of ``about`` (a name, an address) and such pieces."""
    text = _plain(password)
    if _period(text) <= len(text) // 2:
        # Said twice or more: worth what it is worth once.
        text = text[: _period(text)]
        if len(text) <= _MOST_ODD * 2:
            return True
    if len(text) > _LOOKED_AT:
        return False
    own = frozenset(part for each in about for part in _parts(each))
    return _pieces(text, own) <= _MOST_PIECES


@cache
def words() -> frozenset[str]:
    """The list."""
    text = files("wardgate.identity.people").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _plain(text: str) -> str:
    """Without case and marks: ``Pàssword`` is ``password``."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _parts(about: str) -> list[str]:
    plain = _plain(about)
    return [part for part in (plain, *re.split(r"[^a-z0-9]+", plain)) if len(part) >= _SHORTEST_WORD]


def _period(text: str) -> int:
    """The length of the shortest beginning whose repetition is the text (its own length if there is none)."""
    return (text + text).find(text, 1) if text else 0


def _pieces(text: str, own: frozenset[str]) -> int:
    """The least number of cheap pieces that make up the text; a large number where they cannot."""
    never = len(text) + _MOST_PIECES + 1
    best = [0, *[never] * len(text)]
    leet = text.translate(_LEET)
    for start in range(len(text)):
        if best[start] >= _MOST_PIECES:
            continue
        for end in range(start + 1, len(text) + 1):
            if best[end] > best[start] + 1 and _is_cheap(text[start:end], leet[start:end], own):
                best[end] = best[start] + 1
    return best[-1]


def _is_cheap(piece: str, leet: str, own: frozenset[str]) -> bool:
    if len(piece) >= _SHORTEST_WORD and any(
        each in known for each in (piece, leet) for known in (words(), own)
    ):
        return True
    if len(piece) <= _MOST_ODD and not any(each.isalpha() for each in piece):
        return True
    if len(piece) >= _RUN and (len(set(piece)) == 1 or any(piece in walk for walk in _WALKS)):
        return True
    return _YEAR.fullmatch(piece) is not None
