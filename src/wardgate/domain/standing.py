"""What holds for an API besides its revisions: its life cycle, who may find it, what is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``created``: not yet offered (no subscriptions, no promotion to production); ``published``; ``deprecated``: existing
#: subscriptions work, no new ones; ``retired``: answers 410 everywhere.
Lifecycle = Literal["created", "published", "deprecated", "retired"]
Visibility = Literal["public", "private", "group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a gateway must know of an API beside its revision. Times are Unix seconds.

    ``deprecated_at`` becomes ``Deprecation`` (RFC 9745), ``sunset_at`` ``Sunset`` (RFC 8594), ``successor`` (an absolute
    URL) ``Link; rel="successor-version"``. ``off`` names what the kill switch shut in this environment: ``*`` for the API,
    or resources (``GET /items/{id}``). ``listed``: anybody may be told that there is this version.
    """

    lifecycle: Lifecycle = "published"
    deprecated_at: float | None = None
    sunset_at: float | None = None
    successor: str = ""
    off: tuple[str, ...] = ()
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What people are told of an API, and who. ``groups`` are those who see it where ``visibility`` is ``group``."""

    visibility: Visibility = "public"
    groups: tuple[str, ...] = ()
    project: str = "default"
    tags: tuple[str, ...] = ()
    docs: str = ""
    contact: str = ""
    description: str = ""


USUAL = Standing()
