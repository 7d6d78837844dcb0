"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    pass


class UnseenSecret(TypedDict):
    """What was made with a secret that nobody was shown."""

    kind: Literal["webhook", "client"]
    id: str
    name: str
    command: str


class UploadedDocument(TypedDict):
    """A document, and how it is to be applied."""

    files: dict[str, str]
    document: NotRequired[str]
    environment: NotRequired[str | None]
    prune: NotRequired[bool]


class User(TypedDict):
    """A person's account."""

    id: str
    name: str
    email: str
    email_verified: bool
    profile: dict[str, Any]
    status: Literal["active", "suspended"]
    created_at: float
    roles: list[str]


class UserRoles(TypedDict):
    """The roles that an operator gives; those of a provider's groups stay."""

    roles: list[str]
