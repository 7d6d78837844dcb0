"""Sets a user's password, and tells whether a link that was made for an older one still counts."""

from __future__ import annotations

from wardgate.control.ids import new_id
from wardgate.domain.people import Factor, User
from wardgate.identity.people.passwords import PasswordRefusedError, check_new
from wardgate.identity.people.signin import password_of
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


async def new_hash(server: Server, user: User, password: str, again: str) -> str:
    """The hash of a password that may be one and was typed twice alike.

    Raises:
        PasswordRefusedError: it may not; the message is for the person.
        OAuthError: 503 when too many passwords are being checked already.
    """
    if password != again:
        raise PasswordRefusedError("The two passwords are not the same.")
    names = (user.name, user.email, str(user.profile.get("name") or ""))
    check_new(password, about=tuple(each for each in names if each))
    return await server.passwords.hash(password)


async def set_password(server: Server, tx: Transaction, user: User, known: str) -> None:
    """Afterwards the password that ``known`` is the hash of is the user's only one."""
    now = server.clock()
    for factor in await tx.factors.of_user(user.id, "password"):
        await tx.factors.remove(factor.id)
    factor = Factor(
        id=new_id("fac", now),
        user=user.id,
        kind="password",
        label="",
        data={"hash": known},
        created_at=now,
    )
    await tx.factors.add(factor)


async def stamp(tx: Transaction, user: User) -> str:
    """What changes whenever the password is set: the id of its factor, empty without one."""
    factor = await password_of(tx, user)
    return "" if factor is None else factor.id
