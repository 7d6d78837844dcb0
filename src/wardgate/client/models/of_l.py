"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class LeakedKey(TypedDict):
    """A key that was found, and what was done about it then."""

    id: str
    kind: Literal["api_key", "admin_token", "oauth_secret"]
    credential: str
    environment: str
    source: str
    url: str
    at: float
    action: Literal["pending", "none", "notify", "rotate", "revoke"]


class LimitSettingsInput(TypedDict):
    """One limit; docs/limits.md says what each kind needs."""

    kind: Literal["rate", "spike", "quota", "concurrency"]
    amount: int
    per: NotRequired[Literal["second", "minute", "hour", "day", "week", "month", "year"] | None]
    burst: NotRequired[int | None]
    queue: NotRequired[float | None]
    timezone: NotRequired[str]
    when_away: NotRequired[Literal["deny", "allow", "local"]]
    on_exceeded: NotRequired[Literal["stop", "soften"]]
    soften: NotRequired[models.SoftenedTo | None]


class LimitSettings(TypedDict):
    """One limit; docs/limits.md says what each kind needs."""

    kind: Literal["rate", "spike", "quota", "concurrency"]
    amount: int
    per: Literal["second", "minute", "hour", "day", "week", "month", "year"] | None
    burst: int | None
    queue: float | None
    timezone: str
    when_away: Literal["deny", "allow", "local"]
    on_exceeded: Literal["stop", "soften"]
    soften: models.SoftenedTo | None
