"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class DecisionShown(TypedDict):
    """What a second person said."""

    by: str
    at: float
    reason: str
    approved: bool


class DeploymentShown(TypedDict):
    """What an environment serves of an API."""

    environment: str
    api: str
    revision: int
    newest: int
    before: int | None
    behind: bool
    served: str
    drifts: list[models.DriftShown]


class DifferenceShown(TypedDict):
    """One thing that differs."""

    kind: str
    place: str
    before: str | None
    after: str | None
    weakens: bool
    sentence: str


class Differences(TypedDict):
    """All that differs, in order."""

    weakens: bool
    differences: list[models.DifferenceShown]


class DocumentResult(TypedDict):
    """What is, or would be, changed: lines for people, the numbers of new revisions by API, the ids of promotions that wait
    for somebody's decision, and what was made with a secret that nobody was shown. A plan has by meaning what differs,
    besides."""

    environment: str
    changes: list[str]
    revisions: dict[str, int]
    waiting: list[str]
    differences: list[models.DifferenceShown]
    unseen: list[models.UnseenSecret]
    held: list[str]


class DocumentToApply(TypedDict):
    """A document, and why it is applied."""

    files: dict[str, str]
    document: NotRequired[str]
    environment: NotRequired[str | None]
    prune: NotRequired[bool]
    note: NotRequired[str]


class DriftShown(TypedDict):
    """One thing that is not as it should be."""

    kind: Literal["content", "signature", "binding", "unbound", "stored"]
    sentence: str
