"""Base64url and JSON as strictly as a signature deserves: one text, one meaning."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any, NoReturn

from joserfc.util import urlsafe_b64decode

from wardgate.jose.errors import JoseError


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: bytes) -> bytes:
    """The bytes of unpadded base64url; the only text that stands for them (no padding, no stray bits or characters).

    Raises:
        JoseError: ``malformed``.
    """
    if not text:
        return b""
    try:
        return urlsafe_b64decode(text)
    except (ValueError, TypeError):
        raise JoseError("malformed", "not base64url") from None


def decode_object(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``. A member named twice, ``NaN`` and ``Infinity`` are refused: readers differ on them;
    and so is half of a surrogate pair, of which no text can be written (RFC 8259 section 8.2).

    Raises:
        JoseError: ``malformed``.
    """
    try:
        value = _DECODER.decode(data.decode())
        check_writable(data, value)
    except (ValueError, RecursionError):
        raise JoseError("malformed", "not a JSON object with each member once") from None
    if type(value) is not dict:
        raise JoseError("malformed", "not a JSON object")
    return value


def check_writable(data: bytes, value: Any) -> None:
    """``value``, which was read from ``data``, can be written in UTF-8. Raises ValueError: it holds half a character."""
    if b"\\u" in data:
        json.dumps(value, ensure_ascii=False).encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
