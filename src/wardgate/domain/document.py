"""``wardgate.yaml`` once read and checked: what ``apply`` brings the store to and ``export`` gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wardgate.domain.access import Group
from wardgate.domain.api import Api
from wardgate.domain.consumer import Controls
from wardgate.domain.environment import LeakPolicy, Retention
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.oauth import Client
from wardgate.domain.operator import OperatorRole, Project
from wardgate.domain.people import Role
from wardgate.domain.provider import ProviderEntry
from wardgate.domain.standing import Lifecycle, Visibility
from wardgate.domain.webhook import WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a document says of an API beside its revision; ``None`` where it says nothing. ``sunset_at``: Unix seconds."""

    lifecycle: Lifecycle | None = None
    sunset_at: float | None = None
    successor: str | None = None
    visibility: Visibility | None = None
    groups: tuple[str, ...] | None = None
    project: str | None = None
    tags: tuple[str, ...] | None = None
    docs: str | None = None
    contact: str | None = None
    description: str | None = None


NOT_LISTED = Listing()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEntry:
    """One API of the document: resolved for the gateway, and as its owner wrote it.

    ``source`` is the entry's settings as written (defaults not filled in), so that ``export`` returns the same
    document. ``openapi_name`` is the reference as written (``./orders.openapi.yaml``), ``openapi_text`` its content.
    ``listing`` is no part of a revision, and ``source`` has none of it.
    """

    api: Api
    source: Mapping[str, Any]
    openapi_name: str
    openapi_text: str
    listing: Listing = NOT_LISTED


#: The expiry of a subscription that a document says has none.
NEVER = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionEntry:
    """``api`` is ``name/version``; ``plan`` is one the API offers, or ``None`` where it offers none.

    The rest is ``None`` where the document does not name it, and where it is as for a subscription nobody changed.
    ``expires_at`` is in Unix seconds, ``NEVER`` where the document says so.
    """

    api: str
    plan: str | None = None
    controls: Controls | None = None
    expires_at: float | None = None
    status: Literal["active", "suspended"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEntry:
    """An application of the document, by its unique name. ``limits`` and ``groups`` are ``None`` where it does not name
    them, and where there are none."""

    name: str
    owner: str = ""
    subscriptions: tuple[SubscriptionEntry, ...] = ()
    limits: tuple[Limit, ...] | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationServer:
    """Who answers ``POST /oauth2/token`` of an environment: the server at ``token_endpoint``; empty: this one."""

    token_endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentEntry:
    """An environment of the document; ``None`` where it does not name a thing. ``plans`` are limits by a plan's name."""

    name: str
    tag: str | None = None
    production: bool | None = None
    hosts: tuple[str, ...] | None = None
    variables: Mapping[str, str] | None = None
    plans: Mapping[str, tuple[Limit, ...]] | None = None
    retention: Retention | None = None
    token_endpoint: str | None = None
    leaks: LeakPolicy | None = None
    leak_overlap: int | None = None
    identity_providers: tuple[ProviderEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEntry:
    """A webhook of the document, by its URL; ``None`` where it does not name a thing."""

    url: str
    description: str | None = None
    events: tuple[WebhookEvent, ...] | None = None
    environments: tuple[str, ...] | None = None
    status: Literal["active", "paused"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole checked document: every reference in it resolves, every name in it is unique. ``groups`` have no members,
    ``projects`` no time, and nobody holds ``operator_roles``, which are those of the installation's own.

    ``authorization_server``, ``webhooks`` and ``clients`` are ``None`` where the document does not name them. Clients name
    their application, and no environment: they are of the one that the document is applied to.
    """

    apis: tuple[ApiEntry, ...] = ()
    plans: tuple[Plan, ...] = ()
    roles: tuple[Role, ...] = ()
    applications: tuple[ApplicationEntry, ...] = ()
    authorization_server: AuthorizationServer | None = None
    environments: tuple[EnvironmentEntry, ...] = ()
    groups: tuple[Group, ...] = ()
    projects: tuple[Project, ...] = ()
    operator_roles: tuple[OperatorRole, ...] = ()
    webhooks: tuple[WebhookEntry, ...] | None = None
    clients: tuple[Client, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A thing that applying a document made with a secret of its own, which nobody was shown; ``name`` is what the document
    calls it. ``command`` makes it another secret, and shows that one, once."""

    kind: Literal["webhook", "client"]
    id: str
    name: str

    @property
    def command(self) -> str:
        """What to run to have a secret that somebody knows."""
        if self.kind == "client":
            return f"wardgate clients rotate {self.id}"
        return f"wardgate webhooks rotate-secret {self.id}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where (file, 1-based line, path like ``apis[0].upstream.targets``), what, remedy."""

    file: str
    line: int
    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.message}. {self.remedy}"


class DocumentError(Exception):
    """A document is wrong; nothing was changed. ``problems`` lists all of them, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
