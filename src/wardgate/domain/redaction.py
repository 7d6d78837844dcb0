"""What of an audit event may be kept: no secret, nothing a database cannot hold, and no more than is read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from wardgate.domain.audit import AuditEvent
from wardgate.domain.leak import without_keys
from wardgate.domain.secret import Secret

REDACTED = "[redacted]"
#: Characters of a name, a target or an address; of a reason; and of all that differs, as JSON.
MOST_NAME, MOST_NOTE, MOST_JSON = 500, 2000, 32 * 1024

_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|token|private|credential|api_?key|authorization|cookie|otp|recovery_code|assertion",
    re.I,
)
#: Names that hold such a word and yet what they name is public: ``token_endpoint``, ``credential_id``, ``secret_names``.
_PUBLIC_NAME = re.compile(
    r"(?:_|^)(?:id|ids|name|names|endpoint|format|type|types|method|methods|lifetime|seconds|at|count|url|uri|alg|algorithms|"
    r"kind|state|prefix|last_four|claims|profile)$",
    re.I,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.S)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def redacted(event: AuditEvent) -> AuditEvent:
    """``event`` as it may be written: see :func:`clean` and :func:`clean_text`; long texts are cut."""
    return replace(
        event,
        target=clean_text(event.target, MOST_NAME),
        environment=clean_text(event.environment, MOST_NAME),
        project=clean_text(event.project, MOST_NAME),
        before=_bounded(clean(event.before)),
        after=_bounded(clean(event.after)),
        note=clean_text(event.note, MOST_NOTE),
    )


def clean(value: Any, name: str = "") -> Any:
    """``value`` as JSON without secrets: a :class:`Secret`, bytes, and a text whose ``name`` says that it is one become
    ``[redacted]``, as do keys and tokens within texts."""
    if isinstance(value, Secret | bytes | bytearray | memoryview):
        return REDACTED
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return {clean_text(str(key), MOST_NAME): clean(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [clean(each, name) for each in items]
    text = str(value)
    if text and _SECRET_NAME.search(name) and not _PUBLIC_NAME.search(name):
        return REDACTED
    return clean_text(text)


def clean_text(text: str, most: int | None = None) -> str:
    """``text`` without secrets and without characters that a database refuses; at most ``most`` of them, then ``...``."""
    text = _UNSTORABLE.sub("\ufffd", text)
    if "-----BEGIN" in text:
        text = _PEM.sub(REDACTED, text)
    if "wg" in text:
        text = without_keys(text, REDACTED)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if most is not None and len(text) > most:
        text = f"{text[: most - 3]}..."
    return text


def _bounded(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    if len(text) <= MOST_JSON:
        return value
    return {"left_out": {"sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text)}}
