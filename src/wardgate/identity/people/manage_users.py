"""Accounts as an operator looks after them: made, invited, suspended, removed, given roles, let in again.

Whatever narrows what a person may do takes effect on sessions and tokens with it, through the change feed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.lookup import checked_text
from wardgate.control.operators.escalation import require_above, require_covering
from wardgate.control.operators.owners import keeping_an_owner
from wardgate.domain.mail_address import is_address
from wardgate.domain.people import Mail, Session, User
from wardgate.domain.permission import PERMISSIONS
from wardgate.domain.secret import Secret
from wardgate.identity import trail
from wardgate.identity.people import lockout
from wardgate.identity.people.credentials import new_hash, set_password
from wardgate.identity.people.links import DAY
from wardgate.identity.people.passwords import PasswordRefusedError
from wardgate.identity.people.reset import password_link, send_invitation
from wardgate.identity.people.sessions import end_all, sessions_of
from wardgate.identity.people.standing import end_everything, renew_tokens
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,127}")
_LIST = "`wardgate users list` shows those there are"
_MOST_MAIL = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user with what belongs to the account. ``factors`` counts them by kind."""

    user: User
    roles: tuple[str, ...] = ()
    factors: dict[str, int] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()


async def add(
    server: Server,
    *,
    name: str,
    email: str = "",
    display_name: str = "",
    roles: Collection[str] = (),
    password: str | None = None,
) -> tuple[User, Secret | None]:
    """A new account. With a ``password`` it can be used at once, and its address counts as confirmed; without one there
    is an invitation: a link that is good for a week, which is returned and sent to the address, if one is given.

    Raises:
        InvalidError: the name, the address or the password is not one that can be.
        ConflictError: the name is taken.
        NotFoundError: no such role.
    """
    now = server.clock()
    user = User(
        id=new_id("usr", now),
        name=_checked_name(name),
        email=_checked_email(email),
        email_verified=bool(email) and password is not None,
        profile={"name": shown} if (shown := checked_text("display name", display_name, 200)) else {},
        created_at=now,
    )
    known = None if password is None else await _hash(server, user, password)
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        if await tx.users.named(user.name) is not None:
            raise ConflictError(
                "user_exists", f"There is a user {user.name!r} already", "Choose another name"
            )
        await _check_roles(tx, roles)
        await tx.users.add(user)
        await tx.users.set_roles(user.id, roles)
        await _tell(server, tx, "user.add", user, after={"roles": roles, "invited": known is None})
        if known is not None:
            await set_password(server, tx, user, known)
            return user, None
        return user, Secret(await send_invitation(server, tx, user))


async def list_users(server: Server) -> list[UserRecord]:
    """Every account with its roles, in the order they were made."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.view")
        return [UserRecord(user=user, roles=await tx.users.roles(user.id)) for user in await tx.users.list()]


async def show(server: Server, name: str) -> UserRecord:
    """One account by name or id. Raises NotFoundError."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.view")
        user = await _user_named(tx, name)
        counts: dict[str, int] = {}
        for factor in await tx.factors.of_user(user.id):
            counts[factor.kind] = counts.get(factor.kind, 0) + 1
        return UserRecord(
            user=user,
            roles=await tx.users.roles(user.id),
            factors=counts,
            sessions=tuple(await sessions_of(server, tx, user)),
        )


async def suspend(server: Server, name: str) -> User:
    """Afterwards the person cannot sign in, and none of their sessions and tokens counts.

    Raises:
        NotFoundError: no such user.
        ForbiddenError: the person may do more than the actor.
        ConflictError: the installation would be left without an owner.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        user = replace(await _user_named(tx, name), status="suspended")
        await require_above(tx, "user", user.id)
        async with keeping_an_owner(tx):
            await tx.users.replace(user)
        await end_everything(server, tx, user)
        await _tell(server, tx, "user.suspend", user)
    return user


async def restore(server: Server, name: str) -> User:
    """Lets a suspended person sign in again; applications must ask anew. Raises NotFoundError."""
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        user = replace(await _user_named(tx, name), status="active")
        await require_above(tx, "user", user.id)
        await tx.users.replace(user)
        await _tell(server, tx, "user.restore", user)
    return user


async def remove(server: Server, name: str) -> User:
    """Deletes the account; none of its sessions and tokens counts afterwards. Raises as :func:`suspend` does."""
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        user = await _user_named(tx, name)
        await require_above(tx, "user", user.id)
        await end_everything(server, tx, user)
        async with keeping_an_owner(tx):
            await tx.users.remove(user.id)
        await tx.operators.forget("user", user.id)
        await _tell(server, tx, "user.remove", user)
    return user


async def set_roles(server: Server, name: str, roles: Collection[str]) -> tuple[str, ...]:
    """Replaces the roles an operator gave; those that a provider's groups give stay. All that the user has now.

    Where one is lost, access tokens issued until now are not taken any more.

    Raises:
        NotFoundError: no such user or role.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        user = await _user_named(tx, name)
        await _check_roles(tx, roles)
        before = await tx.users.roles(user.id)
        await tx.users.set_roles(user.id, roles)
        now = await tx.users.roles(user.id)
        if set(before) - set(now):
            await renew_tokens(server, tx, await tx.grants.find(subject=user.id))
        await _tell(server, tx, "user.set_roles", user, before={"roles": before}, after={"roles": now})
    return now


async def reset(
    server: Server, name: str, *, factors: bool = False, password: str | None = None
) -> Secret | None:
    """Lets a person in who cannot sign in: sets ``password``, or else returns a link, good for a day, that sets one.

    ``factors`` removes apps, passkeys and recovery codes besides. Every session is ended, and lock-out forgotten.

    Raises:
        NotFoundError: no such user.
        InvalidError: the password is not one that can be.
    """
    async with server.store.reading() as tx:
        require(tx.actor, "people.edit")
        user = await _user_named(tx, name)
        await require_above(tx, "user", user.id)
    known = None if password is None else await _hash(server, user, password)
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        user = await _user_named(tx, name)
        await require_above(tx, "user", user.id)
        await end_all(server, tx, user)
        await tx.throttle.clear(f"account {lockout.account_of(server, user.name)}")
        await tx.throttle.clear(f"second {user.id} ")
        if factors:
            for factor in await tx.factors.of_user(user.id):
                if factor.kind != "password":
                    await tx.factors.remove(factor.id)
        after = {"factors_removed": factors, "by": "link" if known is None else "password"}
        await _tell(server, tx, "user.reset", user, after=after)
        if known is None:
            return Secret(await password_link(server, tx, user, seconds=DAY))
        await set_password(server, tx, user, known)
    return None


async def outbox(server: Server) -> Sequence[Mail]:
    """The mail that waits to be sent, oldest first, with its contents: it may hold links that let somebody in."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.edit")
        require_covering(tx.actor, PERMISSIONS)  # the links let in as anybody, owners as well
        waiting = await tx.outbox.due(float("inf"), _MOST_MAIL)
    async with server.store.writing() as tx:
        after = {"mails": len(waiting)}
        await trail.tell(server, tx, "secret.show", "outbox", after=after, environment="")
    return waiting


async def _tell(
    server: Server,
    tx: Transaction,
    action: str,
    user: User,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """People are named by their ids: the trail outlives their accounts."""
    await trail.tell(server, tx, action, user.id, before=before, after=after, environment="")


async def _user_named(tx: Transaction, name: str) -> User:
    user = await tx.users.named(lockout.fold(name)) or await tx.users.get(name)
    if user is None:
        raise NotFoundError("user", name, _LIST)
    return user


async def _check_roles(tx: Transaction, roles: Collection[str]) -> None:
    known = {role.name for role in await tx.roles.all()}
    for role in roles:
        if role not in known:
            there = f"Roles: {', '.join(sorted(known))}" if known else "There are none yet; put one first"
            raise NotFoundError("role", role, there)


async def _hash(server: Server, user: User, password: str) -> str:
    try:
        return await new_hash(server, user, password, password)
    except PasswordRefusedError as error:
        raise InvalidError("password", str(error).rstrip("."), "Nothing was stored") from None


def _checked_name(name: str) -> str:
    folded = lockout.fold(name)
    if not _NAME.fullmatch(folded):
        raise InvalidError(
            "name",
            "The name is not one a user can have",
            "Use up to 128 letters, digits and . _ @ + -, the first a letter or digit",
        )
    return folded


def _checked_email(email: str) -> str:
    email = email.strip()
    if email and not is_address(email):
        raise InvalidError("email", "This is no e-mail address", "Give one like ada@example.com")
    return email
