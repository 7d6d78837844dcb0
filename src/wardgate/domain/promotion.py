"""Changes of what an environment serves: asked for, decided on, carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wardgate.domain.codec import encode
from wardgate.domain.difference import Difference, weakenings
from wardgate.domain.environment import EnvironmentSettings

#: ``promote``: a revision comes into force; ``rollback``: one that was in force before; ``withdraw``: the API goes;
#: ``settings``: what belongs to the environment itself changes.
PromotionKind = Literal["promote", "rollback", "withdraw", "settings"]
#: ``pending`` waits for a second person, ``scheduled`` for its time; both are open, the others are how it ended.
PromotionStatus = Literal["pending", "scheduled", "done", "rejected", "cancelled", "failed"]

OPEN: tuple[PromotionStatus, ...] = ("pending", "scheduled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a second person said, and why. ``at`` is in Unix seconds."""

    by_id: str
    by: str
    at: float
    reason: str
    approved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One such change. Times are Unix seconds.

    ``revision`` is what comes into force (``None``: nothing of it, or settings), ``replaced`` what was in force when it did
    (``None``: nothing, or not yet). ``weakenings`` are those known when it was asked for, or approved; ``failure`` says why
    it failed. ``settings`` are those asked for, of a ``settings`` change, and ``base`` tells those they were
    made from. ``project`` is that of the API.
    """

    id: str
    kind: PromotionKind
    status: PromotionStatus
    environment: str
    requested_by_id: str
    requested_by: str
    requested_at: float
    reason: str
    api: str = ""
    revision: int | None = None
    replaced: int | None = None
    project: str = ""
    weakenings: tuple[Difference, ...] = ()
    decisions: tuple[Decision, ...] = ()
    scheduled_at: float | None = None
    done_at: float | None = None
    failure: str = ""
    settings: EnvironmentSettings | None = None
    base: str = ""

    @property
    def open(self) -> bool:
        """Whether it may still come into force."""
        return self.status in OPEN

    @property
    def approved(self) -> bool:
        """Whether a second person agreed."""
        return any(each.approved for each in self.decisions)


def fingerprint(found: Iterable[Difference]) -> str:
    """What tells two sets of weakenings apart: 16 hex digits, empty where nothing is weakened."""
    weak = weakenings(tuple(found))
    if not weak:
        return ""
    text = json.dumps([encode(each) for each in weak], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
