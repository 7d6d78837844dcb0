"""Accounts of people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field, SecretStr, StringConstraints

from wardgate.identity.people import manage_users
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import VOLATILE, Line, Model, Page, ShownOnce, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("users")

UserName = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", max_length=128, description="The user's name or id."),
]
#: Never repeated in an error: errors name the field only.
Password = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
RoleNames = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=100)]


class Session(Model):
    """Where a person is signed in. Times are Unix seconds."""

    id: str
    created_at: float
    seen_at: float


class User(Model):
    """A person's account."""

    id: str
    name: str
    email: str
    email_verified: bool
    profile: dict[str, Any]
    status: Literal["active", "suspended"]
    created_at: float
    roles: list[str] = Field(description="All they have: given here, and by a provider's groups.")


class Account(Thing):
    """A person's account, with how they sign in (factors by kind) and where they are signed in."""

    id: str
    name: str
    email: str
    email_verified: bool
    profile: dict[str, Any]
    status: Literal["active", "suspended"]
    created_at: float
    roles: list[str] = Field(description="All they have: given here, and by a provider's groups.")
    factors: dict[str, int]
    sessions: Annotated[list[Session], VOLATILE]


class NewUser(Model):
    """A person to add."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        description="What the person signs in with."
    )
    email: Line = ""
    display_name: Line = ""
    roles: RoleNames = []
    password: Password | None = Field(
        default=None, description="Without one there is a link with which they choose one."
    )


class AddedUser(Model):
    """A new account; ``link`` is good for a week, works once, and is null where a password was given."""

    user: Account
    link: ShownOnce


class UserRoles(Model):
    """The roles that an operator gives; those of a provider's groups stay."""

    roles: RoleNames


class Reset(Model):
    """How to let a person in who cannot sign in: with a password, or by a link."""

    factors: bool = Field(
        default=False, description="Remove authenticator apps, passkeys and recovery codes as well."
    )
    password: Password | None = None


class ResetUser(Model):
    """The account; ``link`` is good for a day, works once, and is null where a password was given."""

    user: Account
    link: ShownOnce


@operations.get("/users", permission="people.view")
async def list_users(ask: Ask, page: Paging) -> Page[User]:
    """People, in the order their accounts were made."""
    found = await manage_users.list_users(ask.server)
    return page.of(found, key=lambda each: (each.user.created_at, each.user.id), show=_listed)


@operations.get("/users/{user}", permission="people.view")
async def show_user(ask: Ask, user: UserName) -> Account:
    """One account."""
    record = await manage_users.show(ask.server, user)
    return Account(
        **_listed(record).model_dump(),
        factors=record.factors,
        sessions=[
            Session(id=each.id, created_at=each.created_at, seen_at=each.seen_at) for each in record.sessions
        ],
    )


@operations.post("/users", permission="people.edit", location=lambda new: f"/users/{new.user.id}")
async def add_user(ask: Ask, body: NewUser) -> AddedUser:
    """Add a person: with a password, or else by a link, shown this once, with which they choose one."""
    user, link = await manage_users.add(
        ask.server,
        name=body.name,
        email=body.email,
        display_name=body.display_name,
        roles=body.roles,
        password=_revealed(body.password),
    )
    return AddedUser(
        user=await show_user(ask, user.id), link=None if link is None else link.reveal().decode()
    )


@operations.put("/users/{user}/roles", permission="people.edit", guard=show_user, action="user.set_roles")
async def set_user_roles(ask: Ask, user: UserName, body: UserRoles) -> Account:
    """Give a person exactly these roles."""
    await manage_users.set_roles(ask.server, user, body.roles)
    return await show_user(ask, user)


@operations.post("/users/{user}:suspend", permission="people.edit", guard=show_user, status=200)
async def suspend_user(ask: Ask, user: UserName) -> Account:
    """Let a person sign in no more; their sessions and tokens are refused at once."""
    await manage_users.suspend(ask.server, user)
    return await show_user(ask, user)


@operations.post("/users/{user}:restore", permission="people.edit", guard=show_user, status=200)
async def restore_user(ask: Ask, user: UserName) -> Account:
    """Let a suspended person sign in again."""
    await manage_users.restore(ask.server, user)
    return await show_user(ask, user)


@operations.post("/users/{user}:reset", permission="people.edit", guard=show_user, status=200)
async def reset_user(ask: Ask, user: UserName, body: Reset) -> ResetUser:
    """Let a person in who cannot sign in. Their sessions end, and lock-out is forgotten."""
    link = await manage_users.reset(ask.server, user, factors=body.factors, password=_revealed(body.password))
    return ResetUser(user=await show_user(ask, user), link=None if link is None else link.reveal().decode())


@operations.delete("/users/{user}", permission="people.edit", guard=show_user)
async def remove_user(ask: Ask, user: UserName) -> None:
    """Delete an account; its sessions and tokens are refused at once."""
    await manage_users.remove(ask.server, user)


def _revealed(password: SecretStr | None) -> str | None:
    return None if password is None else password.get_secret_value()


def _listed(record: manage_users.UserRecord) -> User:
    user = record.user
    return User(
        id=user.id,
        name=user.name,
        email=user.email,
        email_verified=user.email_verified,
        profile=dict(user.profile),
        status=user.status,
        created_at=user.created_at,
        roles=list(record.roles),
    )
