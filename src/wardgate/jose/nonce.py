"""Nonces a server hands out for DPoP proofs, without remembering them (RFC 9449 section 8)."""

from __future__ import annotations

import hmac
from hashlib import sha256

from wardgate.jose.encoding import encode

#: Seconds of one slot. A nonce of the present slot or the one before is good: it lasts one to two slots.
SLOT = 60
_PURPOSE = b"wardgate/dpop-nonce/v1"
_BYTES = 18


def make(master_key: bytes, now: float) -> str:
    """The nonce of the slot ``now`` lies in: the same in every process that has the master key."""
    return _of_slot(master_key, int(now) // SLOT)


def valid(master_key: bytes, nonce: str, now: float) -> bool:
    """Whether ``nonce`` is that of the present slot or the one before; the comparison takes constant time."""
    slot, shown = int(now) // SLOT, nonce.encode(errors="replace")
    present = hmac.compare_digest(shown, _of_slot(master_key, slot).encode())
    previous = hmac.compare_digest(shown, _of_slot(master_key, slot - 1).encode())
    return present or previous


def _of_slot(master_key: bytes, slot: int) -> str:
    return encode(hmac.digest(master_key, _PURPOSE + slot.to_bytes(8, "big"), sha256)[:_BYTES])
