"""Which sessions were seen to be noted as used a moment ago, so that nobody looks again."""

from __future__ import annotations

#: Sessions kept; past it all are dropped and looked at again.
MOST_SESSIONS = 4096


class Uses:
    """Until when no use of a session needs noting, by the digest of its secret. It never makes one be noted."""

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}

    def noted(self, digest: bytes, now: float) -> bool:
        """Whether a use at ``now`` is noted well enough."""
        return now < self._until.get(digest, now)

    def note(self, digest: bytes, until: float) -> None:
        """Uses before ``until`` (Unix seconds) need no noting."""
        if len(self._until) >= MOST_SESSIONS:
            self._until.clear()
        self._until[digest] = until
