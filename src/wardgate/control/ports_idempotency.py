"""What is kept of requests that may be sent twice, as a protocol; ``storage`` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The answer a request was given: what is sent again when the request comes again.

    ``fingerprint`` (32 bytes) is of the request. ``body`` is as sent but for secrets, which are ``null`` in it. ``at`` is
    in Unix seconds.
    """

    fingerprint: bytes
    status: int
    body: str
    at: float
    headers: Mapping[str, str] = field(default_factory=dict)


class Idempotency(Protocol):
    """Answers by the digest of who asked and the key they gave. They are forgotten a day after."""

    async def get(self, digest: bytes, *, since: float) -> KeptAnswer | None:
        """The answer kept under ``digest``, unless it is older than ``since``."""

    async def put(self, digest: bytes, answer: KeptAnswer) -> None:
        """Keeps ``answer``, in place of an older one."""
