"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class TokenState(TypedDict):
    """What a token holds and whether it is accepted. Of a refresh token what its grant holds; the rest is null."""

    state: Literal["active", "expired", "revoked"]
    kind: Literal["access_token", "refresh_token"]
    client: str | None
    subject: str | None
    grant: str | None
    scopes: list[str]
    jti: str | None
    issuer: str | None
    audiences: list[str]
    roles: list[str]
    issued_at: float | None
    expires_at: float | None
    bound_to_key: str | None


class TrafficLine(TypedDict):
    """What one resource carried, or one application sent. Latencies are seconds, of half and of 95 in 100 requests."""

    api: str
    name: str
    requests: int
    rate: float
    errors: int
    error_share: float
    p50: float | None
    p95: float | None
    bytes_in: int
    bytes_out: int
    outcomes: dict[str, int]


class TrafficTop(TypedDict):
    """The most trafficked resources and the heaviest applications of the last ``seconds``."""

    environment: str
    seconds: float
    resources: list[models.TrafficLine]
    applications: list[models.TrafficLine]
