"""An API as the gateway enforces it: resources, security, CORS, and what each resource asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal

from wardgate.domain.limit import Limit
from wardgate.domain.standing import USUAL, Standing
from wardgate.domain.trust import OAuth2Settings
from wardgate.domain.upstream import Upstream
from wardgate.domain.versioning import Versioning

SchemeName = Literal["api_key", "oauth2", "basic", "mtls", "hmac"]
Place = Literal["header", "query", "cookie"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyScheme:
    """Where an API expects its key. A query key is redacted in logs and removed before forwarding, as in any place."""

    place: Place = "header"
    name: str = "X-API-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Cross-origin access of an API (Fetch standard). ``origins`` are exact, or ``*`` alone."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUse:
    """A pluggable policy switched on: its registered name and its own settings."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acl:
    """Groups that may call, and groups that may not. Who is in a denied one is refused; where any are allowed, who is in
    none of these is refused too."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One operation: method and path template below the API's base path, and what it asks of a caller.

    ``schemes`` empty means open to anyone. ``require``: whether one of the schemes is enough or all are needed.
    ``acr_values`` and ``max_age`` (seconds; ``None``: as the API says) ask how a token's person signed in (RFC 9470).
    ``acl`` and ``condition`` (an expression, see ``policy/expression.py``) are asked beside those of the API, never in
    their place. A resource is named ``GET /items/{id}``.
    """

    method: str
    path: str
    schemes: tuple[SchemeName, ...]
    scopes: tuple[str, ...] = ()
    operation_id: str | None = None
    max_body: int | None = None
    policies: tuple[PolicyUse, ...] = ()
    require: Literal["any", "all"] = "any"
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    acl: Acl | None = None
    condition: str = ""

    @property
    def name(self) -> str:
        """The resource's name in settings, logs and restrictions."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A published API, resolved from its document and its settings: all that a gateway worker needs of it."""

    name: str
    version: str
    base_path: str
    upstream: Upstream
    resources: tuple[Resource, ...]
    hosts: tuple[str, ...] = ()
    api_key: ApiKeyScheme = field(default_factory=ApiKeyScheme)
    #: What resources the document does not declare ask for; used only with ``undeclared: allow``.
    schemes: tuple[SchemeName, ...] = ("api_key",)
    require: Literal["any", "all"] = "any"
    plans: tuple[str, ...] = ()
    cors: Cors | None = None
    undeclared: Literal["deny", "allow"] = "deny"
    max_body: int = 10 * 1024 * 1024
    policies: tuple[PolicyUse, ...] = ()
    identity_headers: bool = True
    assertion: bool = True
    #: What is asked of access tokens; ``None``: no resource has the scheme ``oauth2``, or all its defaults hold.
    oauth2: OAuth2Settings | None = None
    #: Every scope of the API by name, with what it lets one do, in words.
    scopes: Mapping[str, str] = field(default_factory=dict)
    #: What every resource that asks for a credential asks for besides.
    acl: Acl | None = None
    condition: str = ""
    #: Whether a caller needs a subscription, or ACL and conditions alone decide.
    subscription: Literal["required", "off"] = "required"
    #: What holds for every caller that neither its plan, its subscription nor its application says otherwise of.
    limits: tuple[Limit, ...] = ()
    #: By what requests name this version, where others have the same hosts and base path.
    versioning: Versioning | None = None
    #: What holds in this environment beside the revision: filled in by whoever reads it, never stored or hashed with it.
    standing: Standing = field(default=USUAL, metadata={"stored": False})

    @property
    def id(self) -> str:
        """``name/version``: how subscriptions, logs and the change feed name it."""
        return f"{self.name}/{self.version}"

    def content_hash(self) -> str:
        """SHA-256 over the canonical JSON form: equal exactly when two revisions enforce the same."""
        enforced = {name: _plain(getattr(self, name)) for name in _names(Api) if name != "standing"}
        canonical = json.dumps(enforced, sort_keys=True, separators=(",", ":"), default=dict)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """What :func:`dataclasses.asdict` makes of a value, without its copies of texts and numbers."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        cls: Any = type(value)
        return {name: _plain(getattr(value, name)) for name in _names(cls)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(cls))
