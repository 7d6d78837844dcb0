"""Registered claims: their types, and whether the time is right (RFC 7519 section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardgate.jose.errors import JoseError

#: Unix seconds past the year 9999 are a mistake of units (milliseconds) or an attack on arithmetic.
_LATEST = 253_402_300_800


def check_times(
    claims: Mapping[str, Any], *, now: float, skew: float, max_lifetime: float | None = None
) -> None:
    """The token is valid at ``now``, give or take ``skew`` seconds, and lives no longer than ``max_lifetime``.

    ``exp`` is required. The lifetime is measured from ``iat``, and from ``now`` where there is none.

    Raises:
        JoseError: ``malformed``, ``expired``, ``not_yet_valid`` or ``lifetime``.
    """
    expires, begins, issued = (number(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise JoseError("malformed", "exp is missing")
    if expires <= now - skew:
        raise JoseError("expired")
    if (begins is not None and begins > now + skew) or (issued is not None and issued > now + skew):
        raise JoseError("not_yet_valid")
    if max_lifetime is not None and expires - (now if issued is None else issued) > max_lifetime:
        raise JoseError("lifetime", f"more than {max_lifetime:g} seconds")


def audiences_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """``aud`` as a set, empty where there is none (RFC 7519 section 4.1.3). Raises JoseError ``malformed``."""
    value = claims.get("aud")
    if value is None:
        return frozenset()
    return frozenset((value,) if isinstance(value, str) else texts(value, "aud"))


def number(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate, or ``None`` where there is none. Raises JoseError ``malformed``."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise JoseError("malformed", f"{name} is no number")
    # Compared as it is: a whole number may be too large for a float to hold.
    if not 0 <= value < _LATEST:
        raise JoseError("malformed", f"{name} is out of range")
    return value


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is text, empty where there is none. Raises JoseError ``malformed``."""
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise JoseError("malformed", f"{name} is no text")
    return value


def texts(value: Any, name: str) -> list[str]:
    """A list of texts. Raises JoseError ``malformed``."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise JoseError("malformed", f"{name} is no list of texts")
    return value
