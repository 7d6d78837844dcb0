"""Opaque secrets of the authorization server: their text form, and identifiers that know their time.

A secret reads ``wg<kind>_<43 base64url characters>``: 256 random bits. The prefix tells people, logs' redaction and
secret scanners what it is. Like API keys they are stored under their keyed digest only (``apikey.digest``).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Literal

#: access token, refresh token, authorization code, device code, client secret, session, registration access token,
#: pushed request, one-time link.
SecretKind = Literal["at", "rt", "ac", "dc", "cs", "ss", "ra", "pr", "ot"]

SECRET_PATTERN = r"wg(?:at|rt|ac|dc|cs|ss|ra|pr|ot)_[A-Za-z0-9_-]{43}"
_SECRET = re.compile(SECRET_PATTERN)
_BYTES = 32


def new_secret(kind: SecretKind, random_bytes: Callable[[int], bytes]) -> str:
    """A fresh secret; ``random_bytes`` is ``secrets.token_bytes`` in use."""
    return f"wg{kind}_{urlsafe_b64encode(random_bytes(_BYTES)).rstrip(b'=').decode()}"


def is_secret(text: str, kind: SecretKind) -> bool:
    """Whether ``text`` has the form of a secret of that kind; nothing else is worth a look-up."""
    return text.startswith(f"wg{kind}_") and _SECRET.fullmatch(text) is not None


def new_jti(now: float, random_bytes: Callable[[int], bytes]) -> str:
    """A token id: the time of issue in milliseconds (12 hexadecimal digits), then 80 random bits."""
    return f"{int(now * 1000):012x}{random_bytes(10).hex()}"


def issued_ms(jti: str) -> int:
    """The milliseconds a ``jti`` of this server was made at; 0 for anything else, which is older than all revocations."""
    try:
        return int(jti[:12], 16) if len(jti) == 32 else 0
    except ValueError:
        return 0
