"""A credential's restrictions as stored text. Imported by the gateway: standard library only."""

from __future__ import annotations

import json

from wardgate.domain.codec import decode, encode
from wardgate.domain.consumer import Restrictions

NONE = Restrictions()


def restrictions_to_text(restrictions: Restrictions) -> str:
    """JSON, or the empty text for no restrictions."""
    return "" if restrictions == NONE else json.dumps(encode(restrictions), separators=(",", ":"))


def restrictions_from_text(text: str) -> Restrictions:
    """What :func:`restrictions_to_text` was given. Raises ValueError for anything else."""
    return decode(Restrictions, json.loads(text)) if text else NONE
