"""A bounded map that forgets what was not used lately, in two generations: no bookkeeping on a hit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TwoGenerations(Generic[K, V]):
    """Holds at most ``size`` entries, and all that are ever put when those are no more: nothing is forgotten before that.

    Entries put or got since the generation turned are young and stay; the room that others need is taken from the
    old. ``young.get(key)`` is the caller's fast path before ``get``.
    """

    __slots__ = ("_old", "_size", "young")

    def __init__(self, size: int) -> None:
        self._size = max(1, size)
        self._old: dict[K, V] = {}
        self.young: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value of ``key``, now among the young, or ``None``."""
        value = self.young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.young[key] = value
        return value

    def put(self, key: K, value: V) -> None:
        """Sets ``key``; one that was not used lately is forgotten where there is no room."""
        old = self._old
        old.pop(key, None)
        if key not in self.young and len(self.young) + len(old) >= self._size:
            if not old:
                old = self._old = self.young
                self.young = {}
            old.popitem()
        self.young[key] = value

    def drop(self, key: K) -> None:
        """Forgets ``key``, if it is known."""
        self.young.pop(key, None)
        self._old.pop(key, None)

    def drop_where(self, condition: Callable[[V], bool]) -> None:
        """Forgets every entry whose value meets ``condition``."""
        for generation in (self.young, self._old):
            for key in [key for key, value in generation.items() if condition(value)]:
                del generation[key]

    def clear(self) -> None:
        """Forgets everything."""
        self.young.clear()
        self._old.clear()

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def __iter__(self) -> Iterator[K]:
        yield from self.young
        yield from self._old
