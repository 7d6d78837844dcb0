"""Values as people type them: durations, sizes, addresses. Each parser names what is wrong and what would be right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from wardgate.domain.settings import Listener

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)?")
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"([0-9]+)\s*(k|m|g|)(?:i?b)?", re.IGNORECASE)


def parse_duration(text: str) -> float:
    """Seconds of ``24h``, ``30d``, ``15m``, ``1h30m``, ``500ms``; a bare number is seconds.

    Raises:
        ValueError: it is no such duration.
    """
    position, total = 0, 0.0
    for match in _DURATION.finditer(text):
        unit = match.group(2)
        if match.start() != position or (unit is None and match.group() != text):
            break
        total += float(match.group(1)) * _SECONDS[unit or "s"]
        position = match.end()
    if position != len(text) or not text:
        raise ValueError(
            f"{text!r} is no duration: write a number and s, m, h, d or w, such as 15m, 24h or 30d"
        )
    return total


def parse_size(text: str) -> int:
    """Bytes of ``32k``, ``10M``, ``1GiB`` (powers of 1024); a bare number is bytes.

    Raises:
        ValueError: it is no such size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no size: write a number of bytes, or one with k, M or G, such as 32k or 10M"
        )
    return int(match.group(1)) * _BYTES[match.group(2).lower()]


def parse_address(text: str, *, tls: bool = False) -> Listener:
    """The listener of ``host:port``, ``[::1]:port``, ``:port`` (every address) or ``port`` (loopback), each followed by
    ``@environment`` where it serves one of several.

    Raises:
        ValueError: it is no such address.
    """
    address, at, environment = text.partition("@")
    if at and not environment:
        raise ValueError(f"{text!r} names no environment: write HOST:PORT@ENVIRONMENT, or leave out the @")
    host, colon, port = address.rpartition(":")
    if not colon:
        host = "127.0.0.1"
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} is ambiguous: write an IPv6 address in brackets, such as [::1]:8080")
    elif not host:
        host = "0.0.0.0"  # noqa: S104  # asked for by the operator
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(
            f"{text!r} is no address: write HOST:PORT with a port from 0 to 65535, such as 0.0.0.0:8080"
        )
    return Listener(host=host, port=int(port), tls=tls, environment=environment)


def shown_duration(seconds: float) -> str:
    """``seconds`` in the largest unit that reads well: ``3 d``, ``5 h``, ``12 s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def duration(type_: Any, tokens: Sequence[Any]) -> float | None:
    """:func:`parse_duration` as a converter of the command line."""
    return parse_duration(tokens[0].value)


def size(type_: Any, tokens: Sequence[Any]) -> int | None:
    """:func:`parse_size` as a converter of the command line."""
    return parse_size(tokens[0].value)
