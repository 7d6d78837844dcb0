"""What the use cases of operators ask of a store; ``storage`` implements it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from wardgate.domain.operator import (
    AdminToken,
    GranteeKind,
    OperatorGrant,
    OperatorRole,
    OwnerKind,
    Project,
    ServiceAccount,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """As much of a user as the control plane looks at."""

    id: str
    name: str
    status: Literal["active", "suspended"]


class Operators(Protocol):
    """Projects, roles of operators and who holds them, service accounts, access tokens of the control plane."""

    async def projects(self) -> list[Project]:
        """Those that were added, by name."""

    async def put_project(self, project: Project) -> None:
        """Adds the project or replaces the one of that name."""

    async def remove_project(self, name: str) -> None:
        """Deletes the project and the grants of roles in it."""

    async def roles(self) -> list[OperatorRole]:
        """The custom roles, by name."""

    async def put_role(self, role: OperatorRole) -> None:
        """Adds the role or replaces the one of that name."""

    async def remove_role(self, name: str) -> None:
        """Deletes the role; nobody holds it any more."""

    async def grants(
        self,
        *,
        kind: GranteeKind | None = None,
        principal: str | None = None,
        project: str | None = None,
        role: str | None = None,
    ) -> list[OperatorGrant]:
        """Those of a kind, a grantee, a project and a role, in a fixed order."""

    async def grants_to(
        self, kind: OwnerKind, principal: str, groups: Collection[str]
    ) -> list[OperatorGrant]:
        """What a user or service account holds directly and as one of ``groups``."""

    async def grant(self, added: OperatorGrant) -> None:
        """Adds the grant; one that is there stays as it is."""

    async def withdraw(self, grant: OperatorGrant) -> bool:
        """Deletes the grant of that grantee, role, project and source; whether there was one."""

    async def set_from(self, source: str, user_id: str, given: Collection[OperatorGrant]) -> None:
        """Afterwards the user's grants from ``source`` are exactly ``given``."""

    async def forget(self, kind: GranteeKind, principal: str) -> None:
        """Deletes every grant to somebody, and their tokens."""

    async def groups_of(self, user_id: str) -> frozenset[str]:
        """The groups the person is in, whoever put them there."""

    async def groups_from(self, source: str, user_id: str) -> frozenset[str]:
        """The groups that ``source`` says the person is in."""

    async def set_groups_from(self, source: str, user_id: str, groups: Collection[str]) -> None:
        """Afterwards ``source`` says of the person that they are in exactly those ``groups``."""

    async def people_in(self, group: str) -> frozenset[str]:
        """The ids of the people whom operators put in the group."""

    async def person(self, user_id: str) -> Person | None:
        """The user with that id."""

    async def person_named(self, name: str) -> Person | None:
        """The user who signs in with that name."""

    async def service_accounts(self) -> list[ServiceAccount]:
        """Every service account, by name."""

    async def service_account(self, name_or_id: str) -> ServiceAccount | None:
        """The one with that name, or else with that id."""

    async def put_service_account(self, account: ServiceAccount) -> None:
        """Adds the account or replaces the one with that id."""

    async def remove_service_account(self, account_id: str) -> None:
        """Deletes the account with its grants and tokens."""

    async def tokens(self, kind: OwnerKind | None = None, owner: str | None = None) -> list[AdminToken]:
        """Every token, or those of an owner, oldest first."""

    async def token(self, token_id: str) -> AdminToken | None:
        """The token with that id."""

    async def token_by_digest(self, digest: bytes) -> AdminToken | None:
        """The token whose text has that digest."""

    async def add_token(self, token: AdminToken, digest: bytes) -> None:
        """Stores a new token under the digest of its text."""

    async def revoke_token(self, token_id: str, *, at: float) -> None:
        """Sets when the token stopped counting; one revoked before stays so."""

    async def used_token(self, token_id: str, *, at: float, address: str, before: float) -> None:
        """Notes a use, unless one after ``before`` is noted already."""

    async def sweep_tokens(self, ended_before: float) -> None:
        """Deletes tokens that expired, or were revoked, before then."""
