"""Proof of possession of a key: DPoP proofs (RFC 9449 section 4)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from wardgate.jose import claims, jws
from wardgate.jose.encoding import decode, decode_object, encode
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import DEFAULT_ALGORITHMS, Key, read_key
from wardgate.jose.thumbprint import jwk_thumbprint

ALGORITHMS = DEFAULT_ALGORITHMS
TYPE = "dpop+jwt"
#: Characters of the longest proof that is looked at; one with an 8192-bit RSA key has about 3,500.
MAX_LENGTH = 6 * 1024
#: Headers whose keys a process keeps, of clients that sent proofs last.
MOST_KEYS = 1024
_MAX_JTI = 256
_USUAL_PORTS = {"https": 443, "http": 80}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was right: the key's thumbprint, and what the caller still checks (replay, nonce)."""

    jkt: str
    jti: str
    iat: float
    nonce: str | None

    @property
    def replay_key(self) -> str:
        """What may be seen once while the proof is fresh: short, and no secret."""
        return encode(hashlib.sha256(f"{self.jkt} {self.jti}".encode()).digest())


def check_proof(
    proof: str, *, method: str, url: str, now: float, skew: float, max_age: float, access_token: str | None
) -> Proof:
    """The proof was made by the key it shows, for this method, URL and token, at most ``max_age`` seconds ago.

    ``url`` is the one the client called; query and fragment are left out of account. ``skew`` bounds how far its
    ``iat`` may lie ahead. ``access_token`` is ``None`` at endpoints where none is presented. Replay and nonce are the
    caller's to check (RFC 9449 section 4.3, steps 10 and 12).

    Raises:
        JoseError: ``too_large`` or a reason that begins with ``proof_``.
    """
    if len(proof) > MAX_LENGTH:
        raise JoseError("too_large", f"more than {MAX_LENGTH} characters")
    body, jkt = _signed(proof)
    try:
        jti, htm, htu, ath = (claims.text(body, name) for name in ("jti", "htm", "htu", "ath"))
        iat = claims.number(body, "iat")
    except JoseError as error:
        raise JoseError("proof_malformed", error.detail) from None
    nonce = body.get("nonce")
    if not jti or len(jti) > _MAX_JTI or iat is None or not (nonce is None or isinstance(nonce, str)):
        raise JoseError("proof_malformed", "jti, iat or nonce")
    if htm != method:
        raise JoseError("proof_mismatch", "htm")
    if not _same_url(htu, url):
        raise JoseError("proof_mismatch", "htu")
    if iat > now + skew or iat < now - max_age:
        raise JoseError("proof_expired")
    if access_token is not None and not hmac.compare_digest(ath.encode(), token_hash(access_token)):
        raise JoseError("proof_token")
    return Proof(jkt, jti, iat, nonce)


def token_hash(access_token: str) -> bytes:
    """``ath``: what a proof says of the token it goes with (RFC 9449 section 4.2)."""
    return encode(hashlib.sha256(access_token.encode()).digest()).encode()


def _signed(proof: str) -> tuple[dict[str, Any], str]:
    """The claims of a proof, and the thumbprint of the public key in its header that signed them."""
    try:
        head, signing_input, signature = jws.parts(proof)
        body = jws.payload_of(signing_input)
    except JoseError as error:
        raise JoseError("proof_malformed", error.reason) from None
    algorithm, key, jkt = _shown(head)
    if not jws.verified(key, algorithm, signing_input, signature):
        raise JoseError("proof_signature")
    return body, jkt


@lru_cache(maxsize=MOST_KEYS)
def _shown(head: bytes) -> tuple[str, Key, str]:
    """Algorithm, key and thumbprint of a header. A client's proofs all have the same one, and to make a key of it and
    use that for the first time costs more than to verify."""
    try:
        header = decode_object(decode(head))
        algorithm = jws.check_header(header, algorithms=ALGORITHMS, types=(TYPE,))
    except JoseError as error:
        raise JoseError("proof_malformed", error.reason) from None
    key = read_key(header.get("jwk"))
    if key is None or not key.suits(algorithm):
        raise JoseError("proof_key")
    return algorithm, key, jwk_thumbprint(header["jwk"])


def _same_url(left: str, right: str) -> bool:
    """Whether two URLs without query and fragment are equal, as RFC 3986 sections 6.2.2 and 6.2.3 normalise them."""
    if left == right and "?" not in left and "#" not in left:
        return True
    try:
        return _normal(urlsplit(left)) == _normal(urlsplit(right))
    except ValueError:
        return False


def _normal(url: SplitResult) -> tuple[str, str, int | None, str]:
    if url.username is not None or url.password is not None or not url.hostname:
        raise ValueError("no URL of a resource")
    port = url.port or _USUAL_PORTS.get(url.scheme)
    return url.scheme, url.hostname, port, _normal_path(url.path or "/")


def _normal_path(path: str) -> str:
    """Escapes in upper case, and none where the character may stand for itself."""
    head, *escaped = path.split("%")
    parts = [head]
    for piece in escaped:
        code, rest = piece[:2], piece[2:]
        plain = unquote(f"%{code}")
        parts.append((plain if plain in _UNRESERVED else f"%{code.upper()}") + rest)
    return "".join(parts)
