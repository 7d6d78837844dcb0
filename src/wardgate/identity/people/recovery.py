"""Recovery codes: ten, each good once, for the day the second factor is out of reach. Stored as digests only."""

from __future__ import annotations

import hmac

from wardgate.control.ids import new_id
from wardgate.domain.people import Factor, User
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

COUNT = 10
#: Crockford's base32: nothing that looks like something else.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12
_LOOKS_LIKE = str.maketrans("ilo", "110", "- \t")


async def make_codes(server: Server, tx: Transaction, user: User) -> list[str]:
    """Ten new codes of 60 bits, to be shown this once; those made before are void."""
    now = server.clock()
    for factor in await tx.factors.of_user(user.id, "recovery"):
        await tx.factors.remove(factor.id)
    codes = ["".join(_DIGITS[byte & 31] for byte in server.random(_LENGTH)) for _ in range(COUNT)]
    for code in codes:
        await tx.factors.add(
            Factor(
                id=new_id("fac", now),
                user=user.id,
                kind="recovery",
                label="",
                data={"digest": _digest(server, user, code)},
                created_at=now,
            )
        )
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


async def use_code(server: Server, tx: Transaction, user: User, text: str) -> bool:
    """Whether ``text`` is a code of the user's that was not used; afterwards it is."""
    code = text.lower().translate(_LOOKS_LIKE)
    if len(code) != _LENGTH:
        return False
    wanted = _digest(server, user, code)
    for factor in await tx.factors.of_user(user.id, "recovery"):
        if hmac.compare_digest(str(factor.data["digest"]), wanted):
            return await tx.factors.remove(factor.id)
    return False


async def codes_left(tx: Transaction, user: User) -> int:
    """How many are unused."""
    return len(await tx.factors.of_user(user.id, "recovery"))


def _digest(server: Server, user: User, code: str) -> str:
    return server.digest(f"recovery {user.id} {code}").hex()
