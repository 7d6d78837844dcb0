"""The open roll-ups of one minute, laid out so that a request touches little memory however many resources there are.

What resources have in common (API, application, status and reason) is looked up first and stays in the processor's
cache; then the resource's own cell, which is one small object and its buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice

from wardgate.telemetry.latency import BOUNDS, BUCKETS

#: What a cell counts besides the resource: API, application, status and reason.
Kind = tuple[str, str, int, str]


class Cell:
    """What was counted of one resource and kind; ``seconds`` is the sum of the requests' times."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.seconds = 0.0
        self.buckets: list[int] = [0] * BUCKETS

    def add(self, bytes_in: int, bytes_out: int, seconds: float) -> None:
        """Counts one request."""
        self.count += 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1

    def merge(self, other: Cell) -> None:
        """Adds what ``other`` counted."""
        self.count += other.count
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.seconds += other.seconds
        self.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]


class Cells:
    """Cells by kind and resource; ``count`` says how many there are."""

    __slots__ = ("count", "groups")

    def __init__(self) -> None:
        self.count = 0
        self.groups: dict[Kind, dict[str, Cell]] = {}

    def find(self, kind: Kind, resource: str) -> Cell | None:
        """The cell, if there is one."""
        group = self.groups.get(kind)
        return group.get(resource) if group is not None else None

    def put(self, kind: Kind, resource: str, cell: Cell) -> None:
        """Takes ``cell``, or adds it to the one in its place."""
        group = self.groups.setdefault(kind, {})
        known = group.get(resource)
        if known is None:
            group[resource] = cell
            self.count += 1
        else:
            known.merge(cell)

    def absorb(self, other: Cells) -> None:
        """Adds every cell of ``other``, which must not be used afterwards."""
        for kind, group in other.groups.items():
            for resource, cell in group.items():
                self.put(kind, resource, cell)

    def take(self, limit: int) -> list[tuple[Kind, str, Cell]]:
        """Takes ``limit`` cells, of each kind the oldest first. The kinds take turns from one call to the next."""
        taken: list[tuple[Kind, str, Cell]] = []
        for kind in list(self.groups):
            oldest = list(islice(self.groups[kind], limit - len(taken)))
            if not oldest:
                break
            group = self.groups.pop(kind)
            taken += [(kind, resource, group.pop(resource)) for resource in oldest]
            if group:
                self.groups[kind] = group
        self.count -= len(taken)
        return taken
