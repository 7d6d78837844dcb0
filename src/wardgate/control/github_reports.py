"""Reports of GitHub's secret scanning partner programme: who sent one, what it says, and what it is answered with.

A report is a JSON array of ``{token, type, url, source}``. It is believed only with a signature (ECDSA P-256, SHA-256, DER
in base64, over the raw body) by a key that was pinned: no key is fetched, as whoever answered for GitHub then could have
any key of ours revoked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wardgate.control.leaks import Report
from wardgate.domain.redaction import clean_text

#: Bytes of a report, and matches in one.
MAX_BODY = 1024 * 1024
MOST = 5000
_LONGEST_SIGNATURE = 200
_LONGEST_TOKEN = 500
_LONGEST_TEXT = 4000

Keys = Mapping[str, EllipticCurvePublicKey]


class ReportError(ValueError):
    """The body is no report; the message says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One entry of a report: what was found, and what GitHub calls its kind."""

    report: Report
    type: str


def read_keys(text: str) -> Keys:
    """The keys by their identifiers, from the document at ``https://api.github.com/meta/public_keys/secret_scanning``.

    Raises:
        ValueError: it is no such document, holds no key, or one that is not on the curve P-256.
    """
    try:
        listed = json.loads(text)["public_keys"]
        found = {str(each["key_identifier"]): str(each["key"]) for each in listed}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            "it is not of the form {'public_keys': [{'key_identifier': ..., 'key': ...}]}"
        ) from None
    if not found:
        raise ValueError("it holds no key")
    return {identifier: _p256(identifier, pem) for identifier, pem in found.items()}


def signed(keys: Keys, identifier: str, signature: str, body: bytes) -> bool:
    """Whether ``body`` was signed by the pinned key ``identifier``."""
    key = keys.get(identifier)
    if key is None or len(signature) > _LONGEST_SIGNATURE:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def read_report(body: bytes) -> list[Match]:
    """What a report says.

    Raises:
        ReportError: it is no report, or one of more than 5000 matches.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ReportError("the body is no JSON") from None
    if not isinstance(document, list):
        raise ReportError("the body is no JSON array")
    if len(document) > MOST:
        raise ReportError(f"the array has {len(document)} entries, and may have {MOST}")
    return [_match(each) for each in document]


def feedback(matches: Sequence[Match], ours: Sequence[bool]) -> list[dict[str, str]]:
    """What GitHub is answered: of each match, whether it is (or was) a key of ours. Tokens go back as SHA-256 only."""
    return [
        {
            "token_hash": hashlib.sha256(match.report.text).hexdigest(),
            "token_type": match.type,
            "label": "true_positive" if real else "false_positive",
        }
        for match, real in zip(matches, ours, strict=True)
    ]


def _match(entry: Any) -> Match:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise ReportError("an entry is no object with a token")
    texts = {name: "" if entry.get(name) is None else entry[name] for name in ("type", "url", "source")}
    if any(not isinstance(text, str) or len(text) > _LONGEST_TEXT for text in texts.values()):
        raise ReportError("type, url or source of an entry is no text, or too long")
    if len(entry["token"]) > _LONGEST_TOKEN:
        raise ReportError("a token is too long")
    report = Report(
        text=entry["token"].encode("utf-8", "replace"),
        source=f"GitHub: {texts['source'] or 'unknown'}",
        url=texts["url"],
    )
    return Match(report=report, type=clean_text(texts["type"]))


def _p256(identifier: str, pem: str) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ValueError(f"the key {identifier} is no public key in PEM") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError(f"the key {identifier} is not on the curve P-256")
    return key
