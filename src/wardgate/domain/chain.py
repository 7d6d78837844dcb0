"""The chain of the audit trail: every link seals the one before it, and both ends are sealed too.

A link's hash is a BLAKE2b-256 MAC under a key derived from the master key, over every column of its row with the type
of its value, and over the hash before it. So whoever can write the database, but has not the master key, can neither
change a link, nor make one, nor exchange two; taking links off an end shows, as an end names the link there and is
sealed as well. What is left to them is to put back an older state as a whole, ends included: that is found by comparing
with a :class:`Head` kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

_LABEL = b"wardgate/audit/v1"
#: What the first link follows.
ORIGIN = bytes(32)
#: What a link follows that was added when the end before it was missing or not sealed: it fits nothing, ever.
BROKEN = b"\xff" * 32

#: The columns of a link, in the order they are sealed in, each with the one type its values have.
COLUMNS: tuple[tuple[str, type], ...] = (
    ("seq", int),
    ("at", float),
    *(
        (name, str)
        for name in ("actor_kind", "actor_id", "actor_name", "address", "token", "action", "target")
    ),
    *((name, str) for name in ("outcome", "environment", "project", "before", "after", "note")),
    ("previous", bytes),
)

End = Literal["first", "last"]
ProblemCode = Literal[
    "link_changed",
    "link_missing",
    "link_unexpected",
    "chain_broken",
    "first_end",
    "last_end",
    "head_differs",
    "head_ahead",
]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ended at some time. Written ``seq:hash``; whoever keeps it can tell later that nothing was undone."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """What :func:`str` made. Raises ValueError for anything else."""
        seq, _, digits = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit()) or len(digits) != 64:
            raise ValueError("a head is written SEQ:HASH, with 64 hexadecimal digits")
        return cls(int(seq), bytes.fromhex(digits))


@dataclass(frozen=True, slots=True)
class SealedEnd:
    """A row of the ends: the link that is there, and its seal."""

    seq: int
    hash: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """A row as the database gives it: ``values`` in the order of :data:`COLUMNS`, of whatever type they have become."""

    values: Sequence[Any]
    hash: Any

    @property
    def seq(self) -> int:
        value = self.values[0]
        return value if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong: at which link, and what it means."""

    code: ProblemCode
    seq: int
    text: str


class Seal:
    """Makes and checks the seals of one installation."""

    __slots__ = ("_key",)

    def __init__(self, master_key: bytes) -> None:
        self._key = hashlib.blake2b(_LABEL, key=master_key, digest_size=32).digest()

    def link(self, values: Sequence[Any]) -> bytes | None:
        """The hash of a link with these values; ``None``: one is not of its column's type, so no link has them."""
        plain: list[Any] = []
        for value, (_, kind) in zip(values, COLUMNS, strict=True):
            if type(value) is not kind:
                return None
            plain.append(value.hex() if isinstance(value, bytes) else value)
        text = json.dumps(plain, separators=(",", ":"), ensure_ascii=True)
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=32, person=b"link").digest()

    def end(self, end: End, seq: int, hash_: bytes) -> SealedEnd:
        """The end at the link ``seq``, sealed."""
        text = f"{end} {seq} {hash_.hex()}".encode()
        return SealedEnd(
            seq, hash_, hashlib.blake2b(text, key=self._key, digest_size=32, person=b"end").digest()
        )

    def holds(self, end: End, sealed: SealedEnd | None) -> bool:
        """Whether ``sealed`` is an end that was sealed here."""
        if sealed is None:
            return False
        values = (sealed.seq, sealed.hash, sealed.mac)
        if tuple(map(type, values)) != (int, bytes, bytes):
            return False
        return hmac.compare_digest(self.end(end, sealed.seq, sealed.hash).mac, sealed.mac)


class Walk:
    """Checks a chain link by link, from its first end to its last. Pure: it is given what the store holds.

    ``links``: how many were right so far.
    """

    __slots__ = ("_first", "_hash", "_head", "_last", "_seal", "_seq", "links")

    def __init__(
        self, seal: Seal, first: SealedEnd | None, last: SealedEnd | None, head: Head | None = None
    ) -> None:
        self._seal = seal
        self._first = first
        self._last = last
        self._head = head
        self._seq = 0 if first is None else first.seq
        self._hash = ORIGIN if first is None else first.hash
        self.links = 0

    def begin(self) -> Problem | None:
        """What is wrong with the ends themselves."""
        if self._first is not None and not self._seal.holds("first", self._first):
            return Problem("first_end", 0, "the beginning of the trail is not sealed by this installation")
        if self._last is None or not self._seal.holds("last", self._last):
            return Problem(
                "last_end", 0, "the end of the trail is missing, or not sealed by this installation"
            )
        return self._against_head(self._seq, self._hash)

    def step(self, link: Link) -> Problem | None:
        """What is wrong with the next link."""
        if link.seq <= self._seq:
            return Problem("link_unexpected", link.seq, "there should be no such link")
        if link.seq > self._seq + 1:
            return Problem("link_missing", self._seq + 1, "this link was removed")
        expected = self._seal.link(link.values)
        if expected is None or type(link.hash) is not bytes or not hmac.compare_digest(expected, link.hash):
            return Problem(
                "link_changed", link.seq, "this link was changed, or was not made by this installation"
            )
        if link.values[-1] != self._hash:
            meaning = (
                "when it was added, the end of the trail before it had been tampered with"
                if link.values[-1] == BROKEN
                else "it does not follow the link before it"
            )
            return Problem("chain_broken", link.seq, meaning)
        self._seq, self._hash = link.seq, link.hash
        self.links += 1
        return self._against_head(self._seq, self._hash)

    def finish(self) -> Problem | None:
        """What is wrong at the end, when no link is left."""
        last = self._last
        if last is None:
            return Problem("last_end", 0, "the end of the trail is missing")
        if self._seq < last.seq:
            return Problem("link_missing", self._seq + 1, "this link was removed, and perhaps those after it")
        if self._seq > last.seq:
            return Problem("link_unexpected", last.seq + 1, "the trail ended before this link")
        if self._hash != last.hash:
            return Problem("chain_broken", self._seq, "the end of the trail is sealed for another link")
        if self._head is not None and self._head.seq > self._seq:
            return Problem(
                "head_ahead",
                self._seq,
                f"the trail had {self._head.seq} links once: an older state was put back",
            )
        return None

    @property
    def head(self) -> Head:
        """Where the walk is."""
        return Head(self._seq, self._hash)

    def _against_head(self, seq: int, hash_: bytes) -> Problem | None:
        if self._head is None or self._head.seq != seq or hmac.compare_digest(self._head.hash, hash_):
            return None
        return Problem("head_differs", seq, "this link is another than the one of the head given")
