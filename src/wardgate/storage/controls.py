"""What was set for a subscription or an application, as stored text. Imported by the gateway: standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass

from wardgate.domain.codec import decode, encode
from wardgate.domain.consumer import UNCONTROLLED, Controls
from wardgate.domain.limit import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    limits: tuple[Limit, ...]


def controls_to_text(controls: Controls) -> str:
    """JSON, or the empty text for none."""
    return "" if controls == UNCONTROLLED else json.dumps(encode(controls), separators=(",", ":"))


def controls_from_text(text: str) -> Controls:
    """What :func:`controls_to_text` was given. Raises ValueError for anything else."""
    return decode(Controls, json.loads(text)) if text else UNCONTROLLED


def limits_to_text(limits: tuple[Limit, ...]) -> str:
    """JSON, or the empty text for none."""
    return json.dumps(encode(limits), separators=(",", ":")) if limits else ""


def limits_from_text(text: str) -> tuple[Limit, ...]:
    """What :func:`limits_to_text` was given. Raises ValueError for anything else."""
    return decode(_Limits, {"limits": json.loads(text)}).limits if text else ()
