"""Persons and what they may do: users, their sessions, roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account. ``id`` is the subject of tokens; ``name`` what one signs in with, unique, lower case.

    ``profile`` holds OIDC standard claims (core section 5.1) besides e-mail. ``status``: a suspended user has no
    session and no valid token. ``claims_at`` (Unix seconds) is when name, address or profile last changed, zero if they
    are as they were at ``created_at``. Personal data never reaches a log.
    """

    id: str
    name: str
    email: str = ""
    email_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["active", "suspended"] = "active"
    created_at: float = 0.0
    claims_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of scopes. A scope that some role carries is open to holders of such a role only."""

    name: str
    scopes: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser a person signed in with. ``id`` is the ``sid`` of OIDC; the cookie's secret is stored as a digest only.

    ``amr`` lists how (RFC 8176), ``acr`` how sure; ``auth_time`` when the person last proved who they are.
    """

    id: str
    user: str
    environment: str
    created_at: float
    seen_at: float
    expires_at: float
    auth_time: float
    acr: str
    amr: tuple[str, ...]
    address: str = ""
    agent: str = ""
    revoked_at: float | None = None


FactorKind = Literal["password", "totp", "passkey", "recovery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One way a user proves who they are. ``data`` is the kind's own: a hash, a sealed secret, a public key."""

    id: str
    user: str
    kind: FactorKind
    label: str
    data: Mapping[str, Any] = field(repr=False)
    created_at: float
    used_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """A foreign OpenID provider people may sign in with, in one environment. ``preset``: generic, okta, entra, google.

    ``settings`` holds what the preset needs besides (tenant, claim names, role mapping); the secret is sealed. ``held_by``
    are ids of those who made it what another person has to agree to, it is suspended while there are any; ``held_at`` is
    when the first of them did, in Unix seconds.
    """

    id: str
    environment: str
    name: str
    preset: Literal["generic", "okta", "entra", "google"]
    issuer: str
    client_id: str
    sealed_secret: bytes = field(default=b"", repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["active", "suspended"] = "active"
    held_by: tuple[str, ...] = ()
    held_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A user's account at a provider: never made by an address alone."""

    provider: str
    subject: str
    user: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message in the outbox. The body may hold a one-time link, so it is deleted once sent."""

    id: str
    to: str
    subject: str
    body: str = field(repr=False)
    created_at: float
    attempts: int = 0
    not_before: float = 0.0
