"""Proofs of possession at this server's endpoints (RFC 9449): fresh, with a nonce of ours, and seen once."""

from __future__ import annotations

from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call
from wardgate.identity.server import Server
from wardgate.jose import nonce
from wardgate.jose.dpop import Proof, check_proof
from wardgate.jose.errors import JoseError

#: Seconds a proof is good for after it was made.
MAX_AGE = 60.0


async def proven_key(server: Server, call: Call, *, access_token: str | None = None) -> str:
    """The thumbprint of the key whose proof ``call`` carries, empty where it carries none.

    ``access_token`` is the token presented with it, if any. The proof is used up by this.

    Raises:
        OAuthError: ``invalid_dpop_proof``, or ``use_dpop_nonce`` with a nonce to use (400; a resource answers 401).
    """
    proofs = call.header_values("dpop")
    if not proofs:
        return ""
    if len(proofs) > 1:
        raise _invalid("More than one DPoP header")
    now = server.clock()
    try:
        proof = check_proof(
            proofs[0],
            method=call.method,
            url=call.url,
            now=now,
            skew=server.settings.skew,
            max_age=MAX_AGE,
            access_token=access_token,
        )
    except JoseError as error:
        raise _invalid("The DPoP proof is not valid here and now", note=str(error)) from None
    _check_nonce(server, proof, now)
    async with server.store.writing() as tx:
        first = await tx.once.first("dpop", proof.replay_key, now + MAX_AGE + server.settings.skew)
    if not first:
        raise _invalid("The DPoP proof was used before")
    return proof.jkt


def _check_nonce(server: Server, proof: Proof, now: float) -> None:
    """Section 8: with a nonce of the server nobody can make proofs ahead of time."""
    master_key = server.store.master_key()
    if proof.nonce is None:
        good = not server.settings.require_dpop_nonce
    else:
        good = nonce.valid(master_key, proof.nonce, now)
    if not good:
        raise OAuthError(
            "use_dpop_nonce",
            "Make the DPoP proof with the nonce of this answer",
            headers=nonce_header(server),
        )


def nonce_header(server: Server) -> tuple[tuple[str, str], ...]:
    """The nonce for the next proof (section 8.2), for every answer to a request that had one."""
    return (("dpop-nonce", nonce.make(server.store.master_key(), server.clock())),)


def _invalid(why: str, *, note: str = "") -> OAuthError:
    return OAuthError("invalid_dpop_proof", why, note=note)
