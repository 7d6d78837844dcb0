"""How a signed token fails to be believed."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "malformed",  # no compact JWS with JSON objects inside, or a claim of the wrong type
    "too_large",  # more than MAX_LENGTH characters
    "algorithm",  # `none`, symmetric, or not among those allowed
    "type",  # `typ` is not among those allowed (RFC 8725 section 3.11)
    "critical",  # `crit` or `b64`: an extension this code does not process (RFC 7515 section 4.1.11)
    "key_unknown",  # no key of the set has that kid and suits the algorithm
    "signature",  # no candidate key verifies it
    "expired",
    "not_yet_valid",
    "lifetime",  # lives longer than allowed
    "confirmation",  # bound to a key in a way this code cannot check (RFC 7800 section 3.1)
    "proof_malformed",  # no DPoP proof at all (RFC 9449 section 4.2)
    "proof_key",  # its `jwk` is missing, private, weak, or does not suit the algorithm
    "proof_signature",
    "proof_mismatch",  # made for another method or URL
    "proof_expired",  # too old, or from the future
    "proof_token",  # made for another access token
]


class JoseError(Exception):
    """A token or proof is not believed. ``reason`` is for code and logs; ``detail`` names what is wrong, never a value."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail
