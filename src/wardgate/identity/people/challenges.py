"""Challenges for passkeys that need no row until they are answered: they prove by a MAC that this server made them.

A challenge is 16 random bytes, the second it ends, and a MAC over both with what it is for and the browser it was made
for. It is noted when used, so each is good for one answer.
"""

from __future__ import annotations

import hmac
from typing import Literal

from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

Purpose = Literal["register", "second", "first"]

SECONDS = 600
_LABEL = b"wardgate/passkey-challenge/v1\x00"
_NONCE, _TIME, _MAC = 16, 8, 24


def new_challenge(server: Server, purpose: Purpose, binding: str) -> bytes:
    """A challenge for one answer within ``SECONDS`` by the browser that has ``binding`` (a cookie's secret, or the id
    of its session)."""
    start = server.random(_NONCE) + int(server.clock() + SECONDS).to_bytes(_TIME, "big")
    return start + _mac(server, start, purpose, binding)


async def use_challenge(
    server: Server, tx: Transaction, challenge: bytes, purpose: Purpose, binding: str
) -> bool:
    """Whether it was made for this and not answered yet; afterwards it is."""
    if len(challenge) != _NONCE + _TIME + _MAC:
        return False
    start, mac = challenge[:-_MAC], challenge[-_MAC:]
    ends = int.from_bytes(start[_NONCE:], "big")
    if not hmac.compare_digest(mac, _mac(server, start, purpose, binding)) or ends <= server.clock():
        return False
    return await tx.once.first("passkey", start.hex(), ends)


def _mac(server: Server, start: bytes, purpose: Purpose, binding: str) -> bytes:
    message = b"\x00".join((_LABEL, purpose.encode(), binding.encode(), start))
    return hmac.digest(server.store.master_key(), message, "sha256")[:_MAC]
