"""Signs a person in by name and password: the same work for a name that is known and one that is not."""

from __future__ import annotations

from dataclasses import replace

from wardgate.domain.people import Factor, User
from wardgate.identity.http import Call
from wardgate.identity.people import lockout
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

_LONGEST_NAME = 320


async def sign_in_with_password(server: Server, call: Call, name: str, password: str) -> User | None:
    """The active user of that name and password; ``None`` for anything else, whatever it is.

    Afterwards a failure is counted as ``lockout`` says, and a hash made with other parameters is made anew. It says
    nothing of a second factor: :func:`second_factors`.

    Raises:
        ThrottledError: the browser or address has to wait.
        OAuthError: 503 when too many passwords are being checked already.
    """
    name = name[:_LONGEST_NAME]
    attempt = await lockout.begin(server, call, lockout.account_of(server, name))
    async with server.store.reading() as tx:
        user = await find_user(tx, name)
        factor = None if user is None else await password_of(tx, user)
    known = None if factor is None else str(factor.data["hash"])
    right = await server.passwords.verify(known, password)
    if not right or user is None or factor is None or known is None or user.status != "active":
        await lockout.failed(server, attempt)
        return None
    anew = await server.passwords.hash(password) if server.passwords.is_outdated(known) else None
    async with server.store.writing() as tx:
        now_stored = await tx.factors.get(factor.id)
        if now_stored is None or now_stored.data != factor.data:
            return None  # changed while it was being checked
        await lockout.succeeded(tx, attempt)
        changed = factor if anew is None else replace(factor, data={"hash": anew})
        await tx.factors.replace(replace(changed, used_at=server.clock()))
    return user


async def find_user(tx: Transaction, name: str) -> User | None:
    """The user who signs in as ``name``, or else the one user whose verified address it is."""
    user = await tx.users.named(lockout.fold(name))
    if user is None and "@" in name:
        verified = [each for each in await tx.users.with_email(name.strip()) if each.email_verified]
        return verified[0] if len(verified) == 1 else None
    return user


async def password_of(tx: Transaction, user: User) -> Factor | None:
    """The user's password, if there is one."""
    found = await tx.factors.of_user(user.id, "password")
    return found[0] if found else None


async def second_factors(tx: Transaction, user: User) -> frozenset[str]:
    """The kinds of second factors the user can be asked for: ``totp``, ``passkey``, and ``recovery`` besides one."""
    kinds = {factor.kind for factor in await tx.factors.of_user(user.id)}
    return frozenset(kinds - {"password"}) if kinds & {"totp", "passkey"} else frozenset()
