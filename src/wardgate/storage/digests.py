"""Where a credential stands in its table. Imported by the gateway: standard library only."""

from __future__ import annotations


def lookup_of(digest: bytes) -> int:
    """The first eight bytes of ``digest`` as a signed number: the credential's row.

    Two of a million random digests share it once in 10^8 installations; the second key is then
    not stored, and a reader compares the whole digest.
    """
    return int.from_bytes(digest[:8], "big", signed=True)
