"""Operators: who looks after the installation, by which roles, and the tokens programs use in their place.

A token reads ``wgop_<32 base62><6 base62>``: 190 bits of randomness and the CRC-32 of all that stands before, as in API
keys (``domain/apikey.py``). An opaque access token of the authorization server begins alike and is five characters
longer; the checksum tells them apart. The digest is that of API keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from wardgate.domain import apikey
from wardgate.domain.permission import OF_PROJECT, Permission

#: Whom a role can be granted to: a person, everyone in a group, a program.
GranteeKind = Literal["user", "group", "service"]
OwnerKind = Literal["user", "service"]

#: The project of a grant that holds everywhere.
EVERYWHERE = ""
#: The project of every API that names no other; it is always there.
DEFAULT_PROJECT = "default"

#: The scope of an access token of the authorization server that opens the control plane for the person who granted it,
#: and the path its audience ends in: ``<issuer>/admin``.
ADMIN_SCOPE = "wardgate:admin"
ADMIN_PATH = "/admin"
#: What people are asked for by it; no API can word it otherwise.
ADMIN_SCOPE_WORDS = "Look after this installation in your place, as far as you may"
#: The public client that ``wardgate login`` is.
CLI_CLIENT = "wardgate-cli"

#: What ids of tokens begin with, before ``_``.
TOKEN_ID = "wat"
#: The form of a token in text; also what a secret scanner searches for.
TOKEN_PATTERN = r"wgop_([0-9A-Za-z]{32})([0-9A-Za-z]{6})"
_TOKEN = re.compile(TOKEN_PATTERN)
_CHECKED = len("wgop_") + apikey.SECRET_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A set of APIs that is looked after together. ``created_at`` is in Unix seconds."""

    name: str
    description: str = ""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRole:
    """A named set of permissions; those that are ``builtin`` cannot be changed."""

    name: str
    permissions: frozenset[Permission]
    description: str = ""
    builtin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorGrant:
    """A role that ``principal`` holds in ``project``, or everywhere: a user's or service account's id, a group's name.

    ``source`` is empty for what an operator granted, else the id of the identity provider whose groups gave it.
    """

    kind: GranteeKind
    principal: str
    role: str
    project: str = EVERYWHERE
    at: float = 0.0
    by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A program that acts at the control plane, such as a pipeline: it has tokens and no other way in."""

    id: str
    name: str
    description: str = ""
    status: Literal["active", "suspended"] = "active"
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminToken:
    """An access token of the control plane as stored: never itself. Times are Unix seconds.

    It lets do what its owner may do at that moment, and no more than ``permissions``, and with ``projects`` in those
    alone. ``issued_by`` is the id of the actor who issued it, and so has seen it; ``None``: not known. Was that with an
    access token of the control plane, ``issued_through`` are whoever issued that one, and the one before, and so on.
    """

    id: str
    kind: OwnerKind
    owner: str
    name: str
    prefix: str
    last_four: str
    permissions: frozenset[Permission]
    projects: frozenset[str] | None = None
    created_at: float
    expires_at: float
    revoked_at: float | None = None
    last_used_at: float | None = None
    last_used_address: str = ""
    issued_by: str | None = None
    issued_through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What somebody may do: everywhere, and besides in single projects."""

    permissions: frozenset[Permission] = frozenset()
    projects: Mapping[str, frozenset[Permission]] = field(default_factory=dict)

    def covers(self, permissions: Collection[Permission], project: str = EVERYWHERE) -> bool:
        """Whether all of ``permissions`` that mean something in ``project`` are held there."""
        return not self.lacking(permissions, project)

    def lacking(
        self, permissions: Collection[Permission], project: str = EVERYWHERE
    ) -> frozenset[Permission]:
        """Those of ``permissions`` that mean something in ``project`` and are not held there."""
        if project == EVERYWHERE:
            return frozenset(permissions) - self.permissions
        return (
            (OF_PROJECT & frozenset(permissions)) - self.permissions - self.projects.get(project, frozenset())
        )

    def narrowed(self, permissions: Collection[Permission], projects: Collection[str] | None) -> Holdings:
        """What is left of it with ``permissions`` alone, and with ``projects`` in those alone."""
        wanted = frozenset(permissions)
        everywhere = self.permissions & wanted
        if projects is None:
            return Holdings(
                permissions=everywhere,
                projects={
                    name: kept for name, held in self.projects.items() if (kept := held & wanted - everywhere)
                },
            )
        of_projects = {
            name: (self.permissions | self.projects.get(name, frozenset())) & wanted & OF_PROJECT
            for name in projects
        }
        return Holdings(projects={name: held for name, held in of_projects.items() if held})


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """A fresh token; ``random_bytes`` is ``secrets.token_bytes`` in use."""
    body = f"wgop_{apikey.random_digits(random_bytes)}"
    return body + apikey.checksum(body.encode()).decode()


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of a token, with the right checksum; nothing else is worth a look-up."""
    return (
        _TOKEN.fullmatch(text) is not None
        and apikey.checksum(text[:_CHECKED].encode()) == text[_CHECKED:].encode()
    )
