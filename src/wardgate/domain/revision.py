"""Revisions: what an API was at a time, numbered, hashed and signed, and never changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from wardgate.domain.codec import encode, encode_api, encode_plan
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One immutable revision of the API ``api_id`` (``name/version``). ``created_at`` is in Unix seconds.

    ``entry`` holds the API as written, with ``${NAME}`` and ``${secret:NAME}`` left in. ``plans`` are those it offers, as
    they were in the first environment. ``hash`` is the SHA-256 of all that (:func:`content_hash`); ``signature`` is the
    Ed25519 signature by the instance key ``key_id`` over :func:`signed_part`.
    """

    api_id: str
    number: int
    hash: str
    entry: ApiEntry
    plans: tuple[Plan, ...]
    created_at: float
    actor: str
    note: str
    key_id: str
    signature: bytes


def content(entry: ApiEntry, plans: tuple[Plan, ...]) -> dict[str, Any]:
    """All that a revision holds, as JSON-able data."""
    return {
        "api": encode_api(entry.api),
        "source": encode(dict(entry.source)),
        "openapi_name": entry.openapi_name,
        "openapi_text": entry.openapi_text,
        "plans": [encode_plan(plan) for plan in plans],
    }


def content_hash(entry: ApiEntry, plans: tuple[Plan, ...] = ()) -> str:
    """SHA-256 over all that a revision holds: two with the same hash are the same revision."""
    return hash_of(content(entry, plans))


def hash_of(data: Any) -> str:
    """SHA-256 over the canonical JSON form of ``data``, in hex."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def signed_part(
    *, api_id: str, number: int, content_hash: str, created_at: float, actor: str, note: str
) -> bytes:
    """What the instance signs of a revision: that it was this, and who made it, when and why."""
    signed = {
        "api": api_id,
        "number": number,
        "hash": content_hash,
        "created_at": created_at,
        "actor": actor,
        "note": note,
    }
    return b"wardgate/revision/v1\n" + json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()


def offered(entry: ApiEntry, plans: dict[str, Plan]) -> tuple[Plan, ...]:
    """The plans among ``plans`` that an API offers, in its order."""
    return tuple(plans[name] for name in entry.api.plans if name in plans)
