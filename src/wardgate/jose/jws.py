"""Verifies compact signatures (RFC 7515), with the advice of RFC 8725 built in.

A header chooses nothing here: the algorithm must be on the caller's list and suit the key, keys come from the caller's
set alone (``jwk``, ``jku``, ``x5c`` and ``x5u`` of a header are never looked at), and extensions are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import errors, jws

from wardgate.jose.encoding import decode, decode_object
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import SUITED, Key, KeySet

#: Characters of the longest token that is looked at.
MAX_LENGTH = 16 * 1024
#: Keys of one set that are tried where the token names none.
_MAX_TRIES = 8
_MAX_TEXT = 1024

_ALGORITHMS = {name: jws.JWSRegistry.algorithms[name] for name in SUITED}


@dataclass(frozen=True, slots=True)
class Unverified:
    """A well-formed token before anything of it is believed: good for finding whose keys to verify it with."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def verify(self, keys: KeySet, *, algorithms: frozenset[str], types: frozenset[str]) -> None:
        """One of ``keys`` signed it. Times, audience and issuer are still to be checked.

        ``types`` are the accepted ``typ`` values, lower case, without ``application/``; an empty text among them lets
        a token without ``typ`` pass. An empty set accepts nothing.

        Raises:
            JoseError: ``critical``, ``algorithm``, ``type``, ``malformed``, ``key_unknown`` or ``signature``.
        """
        algorithm = check_header(self.header, algorithms=algorithms, types=types)
        candidates = keys.candidates(self.header.get("kid"), algorithm)
        if not candidates:
            raise JoseError("key_unknown")
        signed, signature = self.signing_input, self.signature
        if not any(verified(key, algorithm, signed, signature) for key in candidates[:_MAX_TRIES]):
            raise JoseError("signature")


def read(token: str) -> Unverified:
    """The parts of a token, not believed yet. Raises JoseError ``too_large`` or ``malformed``."""
    header, signing_input, signature = split(token)
    return Unverified(header, payload_of(signing_input), signing_input, signature)


def verify(
    token: str, keys: KeySet, *, algorithms: frozenset[str], types: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token one of ``keys`` signed; see :meth:`Unverified.verify`.

    Raises:
        JoseError: ``too_large``, ``malformed``, ``critical``, ``algorithm``, ``type``, ``key_unknown``, ``signature``.
    """
    found = read(token)
    found.verify(keys, algorithms=algorithms, types=types)
    return found.header, found.claims


def split(token: str) -> tuple[dict[str, Any], bytes, bytes]:
    """The header, the text that was signed, and the signature, of a compact JWS whose parts are well-formed.

    Raises:
        JoseError: ``too_large`` or ``malformed``.
    """
    head, signing_input, signature = parts(token)
    return decode_object(decode(head)), signing_input, signature


def parts(token: str) -> tuple[bytes, bytes, bytes]:
    """As :func:`split`, but the header as it stands in the token."""
    if len(token) > MAX_LENGTH:
        raise JoseError("too_large", f"more than {MAX_LENGTH} characters")
    if token.count(".") != 2 or not token.isascii():
        raise JoseError("malformed", "not a compact JWS")
    signing_input, _, tail = token.encode().rpartition(b".")
    return signing_input.partition(b".")[0], signing_input, decode(tail)


def check_header(header: Mapping[str, Any], *, algorithms: Iterable[str], types: Iterable[str]) -> str:
    """The algorithm of a header that asks for nothing that is not allowed.

    Raises:
        JoseError: ``critical``, ``algorithm``, ``type`` or ``malformed``.
    """
    if "crit" in header or "b64" in header:
        raise JoseError("critical", "extensions are not processed")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in SUITED or algorithm not in algorithms:
        raise JoseError("algorithm")
    if normal_type(header.get("typ", "")) not in types:
        raise JoseError("type")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= _MAX_TEXT):
        raise JoseError("malformed", "kid")
    return algorithm


def normal_type(value: Any) -> str:
    """``typ`` as it is compared: lower case, without ``application/`` (RFC 7515 section 4.1.9).

    Raises:
        JoseError: ``malformed``: it is no text.
    """
    if not isinstance(value, str):
        raise JoseError("malformed", "typ")
    return value.lower().removeprefix("application/")


def verified(key: Key, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
    """Whether ``key``, which suits ``algorithm``, made ``signature``."""
    try:
        return _ALGORITHMS[algorithm].verify(signing_input, signature, key.native)
    except (errors.JoseError, ValueError):
        return False


def payload_of(signing_input: bytes) -> dict[str, Any]:
    """The JSON object that was signed. Raises JoseError ``malformed``."""
    return decode_object(decode(signing_input.partition(b".")[2]))


def unverified_claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before anything is believed: to find whose keys to verify with, for nothing else.

    Raises:
        JoseError: ``too_large`` or ``malformed``.
    """
    found = read(token)
    return found.header, found.claims
