"""Uses of credentials on their way from a worker to the supervisor: a table by columns, not an object for each.

A service with many callers sends as many of these rows a second as it has callers, so a row must cost next to nothing: a
column whose values are all the same is sent as that one value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

#: ``(credential, count, last_at, address)``; the time in Unix seconds.
Use = tuple[str, int, float, str]
#: ``ids``, ``counts``, ``times`` and ``addresses``; empty for no uses.
PackedUses = dict[str, list[Any]]

_COLUMNS: tuple[tuple[str, frozenset[type]], ...] = (
    ("counts", frozenset({int})),
    ("times", frozenset({int, float})),
    ("addresses", frozenset({str})),
)
_TEXT = frozenset({str})


def pack(ids: list[str], counts: list[int], times: list[float], addresses: list[str]) -> PackedUses:
    """The columns as one JSON object; ``ids`` are distinct, and the others as many."""
    if not ids:
        return {}
    return {
        "ids": ids,
        "counts": _short(counts),
        "times": _short(times),
        "addresses": _short(addresses),
    }


def check(packed: Mapping[str, Sequence[Any]]) -> None:
    """Returns when this is what :func:`pack` may have made.

    Raises:
        KeyError, TypeError, ValueError: it has another form.
    """
    if not packed:
        return
    ids = packed["ids"]
    if not _TEXT.issuperset(map(type, ids)):
        raise ValueError("ids of credentials are texts")
    for name, types in _COLUMNS:
        column = packed[name]
        if not types.issuperset(map(type, column)):
            raise ValueError(f"{name} of uses hold a value of another type")
        if len(column) not in (1, len(ids)):
            raise ValueError(f"{len(ids)} uses have {len(column)} {name}")


def unpack(packed: Mapping[str, Sequence[Any]]) -> list[Use]:
    """The rows of what :func:`pack` made.

    Raises:
        KeyError, TypeError, ValueError: it has another form.
    """
    check(packed)
    if not packed:
        return []
    ids = packed["ids"]
    columns = (packed[name] for name, _ in _COLUMNS)
    full = (column if len(column) == len(ids) else repeat(column[0], len(ids)) for column in columns)
    return list(zip(ids, *full, strict=True))


def _short(column: list[Any]) -> list[Any]:
    return column[:1] if len(set(column)) == 1 else column
