"""The cookies of the server's pages: never readable by a script, never sent by other sites' requests but links.

Over TLS they carry the ``__Host-`` prefix, so that no other host, not even a sub-domain, can set them
(RFC 6265bis section 4.1.3). A plain issuer is for loopback only, where browsers refuse the prefix.
"""

from __future__ import annotations

from wardgate.identity.http import Call
from wardgate.identity.server import IdentitySettings


def cookie_name(settings: IdentitySettings, suffix: str = "") -> str:
    """``__Host-wardgate`` (``wardgate`` without TLS), with ``-<suffix>`` for what is not the session."""
    name = f"wardgate-{suffix}" if suffix else "wardgate"
    return f"__Host-{name}" if settings.secure else name


def cookie_value(settings: IdentitySettings, call: Call, suffix: str = "") -> str:
    """What the browser sent of that cookie; empty if nothing."""
    return call.cookies.get(cookie_name(settings, suffix), "")


def set_cookie(
    settings: IdentitySettings, value: str, *, suffix: str = "", max_age: int | None = None
) -> tuple[str, str]:
    """The header that sets it, for ``max_age`` seconds or else until the browser is closed.

    ``value`` must be of characters a cookie may hold: a secret of ours, or base64url.
    """
    parts = [f"{cookie_name(settings, suffix)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if settings.secure:
        parts.append("Secure")
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    return "set-cookie", "; ".join(parts)


def drop_cookie(settings: IdentitySettings, suffix: str = "") -> tuple[str, str]:
    """The header that deletes it."""
    return set_cookie(settings, "", suffix=suffix, max_age=0)
