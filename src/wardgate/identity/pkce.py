"""Proof Key for Code Exchange (RFC 7636), S256 only: ``plain`` protects against nobody who can read the request."""

from __future__ import annotations

import hashlib
import hmac
import re

from wardgate.jose.encoding import encode

METHODS = ("S256",)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (section 4.2)."""
    return encode(hashlib.sha256(verifier.encode()).digest())


def is_challenge(text: str) -> bool:
    """Whether ``text`` has the form of an S256 challenge."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Whether ``text`` has the form of a verifier (section 4.1)."""
    return _VERIFIER.fullmatch(text) is not None


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one the challenge was made of; the comparison takes constant time."""
    return is_verifier(verifier) and hmac.compare_digest(challenge_of(verifier), challenge)
