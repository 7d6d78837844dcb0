"""A value that must never be printed, logged or serialised by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Wraps secret bytes; every way of showing it yields ``[redacted]``.

    ``reveal()`` is the one way out, so a review can find each use by name. Equality is constant-time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret([redacted])"

    def __str__(self) -> str:
        return "[redacted]"

    def __format__(self, spec: str) -> str:
        return "[redacted]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied into a message; reveal() it where it is used")
