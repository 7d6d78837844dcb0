"""Browsers that a person has signed in with before: they keep a cookie that says so, and cannot make one up.

Guesses of others never count against such a browser (``lockout.py``). The cookie holds a random id and, for each
account it signed in to, a MAC over both: it proves the past success, identifies nobody, and is no credential.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode

from wardgate.identity.http import Call
from wardgate.identity.people.cookies import cookie_value, set_cookie
from wardgate.identity.server import Server

_LABEL = b"wardgate/device/v1\x00"
_FORM = re.compile(r"[A-Za-z0-9_-]{22}(?:\.[A-Za-z0-9_-]{22}){1,5}")
_SUFFIX = "device"
_MOST_ACCOUNTS = 5
_SECONDS = 400 * 86400


def known_device(server: Server, call: Call, account: str) -> str | None:
    """The id of the browser if it has signed in to ``account`` before; ``None`` if not."""
    device, *marks = _read(server, call)
    if device and any(hmac.compare_digest(mark, _mark(server, device, account)) for mark in marks):
        return device
    return None


def remember_device(server: Server, call: Call, *accounts: str) -> tuple[str, str]:
    """The header that makes the browser known for ``accounts`` from now on, besides those it was known for last; five
    in all."""
    device, *marks = _read(server, call)
    device = device or _text(server.random(16))
    own = [_mark(server, device, account) for account in accounts]
    kept = list(dict.fromkeys((*own, *marks)))[:_MOST_ACCOUNTS]
    return set_cookie(server.settings, ".".join((device, *kept)), suffix=_SUFFIX, max_age=_SECONDS)


def _read(server: Server, call: Call) -> list[str]:
    value = cookie_value(server.settings, call, _SUFFIX)
    return value.split(".") if _FORM.fullmatch(value) else [""]


def _mark(server: Server, device: str, account: str) -> str:
    message = _LABEL + device.encode() + b"\x00" + account.encode()
    return _text(hmac.digest(server.store.master_key(), message, "sha256")[:16])


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
