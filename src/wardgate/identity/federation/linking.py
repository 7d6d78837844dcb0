"""Whose account a person's account at a provider is.

One that is linked signs its user in. One that is not is linked only by somebody who has just signed in here and says so on a
page of its own: never because two addresses are the same. Or it begins an account of its own, where the operator lets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wardgate.control.ids import new_id
from wardgate.domain.people import IdentityProvider, Link, User
from wardgate.identity import trail
from wardgate.identity.federation.person import Person
from wardgate.identity.federation.rights import set_rights
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")
_LONGEST_NAME = 60


class NoAccountError(Exception):
    """Nobody here has that account at the provider, and none is made."""


class SuspendedError(Exception):
    """The account here is suspended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAddress:
    """``user`` has the address that the provider vouches for, verified here as well: a reason to ask, no more."""

    user: User


async def arrive(
    server: Server, tx: Transaction, provider: IdentityProvider, person: Person, *, create: bool
) -> User | SameAddress:
    """The user who signs in with ``person``, with the roles that follow from the provider's groups now.

    Raises:
        NoAccountError, SuspendedError: nobody does.
    """
    link = await tx.providers.link(provider.id, person.subject)
    if link is not None:
        user = await tx.users.get(link.user)
        if user is None or user.status != "active":
            raise SuspendedError
        await set_rights(server, tx, user.id, person.rights, source=provider.id)
        return user
    known = await same_address(tx, person)
    if known is not None and known.status != "active":
        raise SuspendedError  # no new account for whoever was put out of an old one
    if known is not None:
        return SameAddress(user=known)
    if not create:
        raise NoAccountError
    user = await _new_user(server, tx, provider, person)
    await add_link(server, tx, provider, person.subject, user)
    await set_rights(server, tx, user.id, person.rights, source=provider.id)
    return user


async def same_address(tx: Transaction, person: Person) -> User | None:
    """The one user who has the person's address, verified on both sides."""
    if not person.email_verified:
        return None
    found = [each for each in await tx.users.with_email(person.email) if each.email_verified]
    return found[0] if len(found) == 1 else None


async def add_link(
    server: Server, tx: Transaction, provider: IdentityProvider, subject: str, user: User
) -> None:
    """Afterwards the account at the provider is the user's."""
    await tx.providers.add_link(
        Link(provider=provider.id, subject=subject, user=user.id, created_at=server.clock())
    )


async def _new_user(server: Server, tx: Transaction, provider: IdentityProvider, person: Person) -> User:
    now = server.clock()
    taken = [each for each in await tx.users.with_email(person.email) if each.email_verified]
    user = User(
        id=new_id("usr", now),
        name=await _free_name(tx, person),
        email=person.email,
        email_verified=person.email_verified and not taken,
        profile=dict(person.profile),
        created_at=now,
    )
    await tx.users.add(user)
    await trail.tell(server, tx, "user.join", user.id, after={"provider": provider.id}, environment="")
    return user


async def _free_name(tx: Transaction, person: Person) -> str:
    """A name nobody has. It never holds an ``@``: nobody can take the name that another signs in with by address."""
    wanted = (person.name or person.email).partition("@")[0].lower()
    base = _NOT_IN_NAMES.sub("-", wanted).strip("-._")[:_LONGEST_NAME] or "user"
    name, number = base, 1
    while await tx.users.named(name) is not None:
        number += 1
        name = f"{base}-{number}"
    return name
