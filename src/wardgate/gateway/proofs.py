"""DPoP proofs of requests: made for this URL, method and token, by the token's key, and never seen before (RFC 9449)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast
from urllib.parse import urlsplit

from wardgate.domain.oauth import Token
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.forwarded import is_loopback
from wardgate.gateway.head import RequestHead
from wardgate.gateway.ports import ReplayDesk
from wardgate.jose import nonce
from wardgate.jose.dpop import Proof, check_proof
from wardgate.jose.errors import JoseError
from wardgate.policy.exchange import Exchange

_REASONS: Final = {
    "proof_mismatch": "dpop_mismatch",
    "proof_token": "dpop_mismatch",
    "proof_expired": "dpop_expired",
}
_MOST_SEEN: Final = 100_000


class SeenOnce:
    """A :class:`ReplayDesk` for a worker that is alone: exact, bounded; when full it believes nothing new."""

    def __init__(self, wall: Callable[[], float], size: int = _MOST_SEEN) -> None:
        self._wall = wall
        self._size = size
        self._seen: dict[str, float] = {}
        self._swept_at = 0.0

    async def first(self, key: str, until: float) -> bool:
        """See ``ReplayDesk``."""
        now = self._wall()
        if self._seen.get(key, 0.0) > now:
            return False
        if len(self._seen) >= self._size and now - self._swept_at >= 1.0:
            self._swept_at = now
            self._seen = {known: end for known, end in self._seen.items() if end > now}
        if len(self._seen) >= self._size:
            return False
        self._seen[key] = until
        return True


class Proofs:
    """Checks proofs for one worker."""

    __slots__ = ("_authority", "_master_key", "_replay", "_wall")

    def __init__(self, issuer: str, master_key: bytes, replay: ReplayDesk, wall: Callable[[], float]) -> None:
        self._authority = urlsplit(issuer).netloc.lower()
        self._master_key = master_key
        self._replay = replay
        self._wall = wall

    def check(
        self, exchange: Exchange, token: Token, settings: OAuth2Settings
    ) -> str | Awaitable[str | None]:
        """The reason the exchange's proof shows no possession of the token's key; ``None`` when awaited: it does."""
        presented = exchange.token
        if presented is None or not presented.proofs:
            return "dpop_missing"
        url = self._url(exchange)
        if url is None:
            return "dpop_mismatch"
        try:
            (text,) = presented.proofs
            proof = check_proof(
                text.decode("ascii"),
                method=exchange.head.method,
                url=url,
                now=self._wall(),
                skew=settings.skew,
                max_age=settings.proof_age,
                access_token=presented.text.decode("ascii"),
            )
        except JoseError as error:
            return _REASONS.get(error.reason, "dpop_invalid")
        except ValueError:  # more than one proof, or no ASCII
            return "dpop_invalid"
        if proof.jkt != token.jkt:
            return "dpop_mismatch"
        if settings.proof_nonce:
            if not nonce.valid(self._master_key, proof.nonce or "", self._wall()):
                return "dpop_nonce_required"
            fresh = self.nonce()
            if proof.nonce != fresh:
                # RFC 9449 section 8.2: the client uses this one from now on.
                exchange.answer += b"DPoP-Nonce: " + fresh.encode() + b"\r\n"
        return self._first(proof, settings)

    def nonce(self) -> str:
        """The nonce a proof should hold now."""
        return nonce.make(self._master_key, self._wall())

    async def _first(self, proof: Proof, settings: OAuth2Settings) -> str | None:
        until = proof.iat + settings.proof_age + 1
        return None if await self._replay.first(proof.replay_key, until) else "dpop_replayed"

    def _url(self, exchange: Exchange) -> str | None:
        """The URL the client called, or ``None`` where the host it named is none of ours: a proof made for another
        server must not be good here because whoever stole it repeats that server's name.

        An API with hosts of its own was found by one of them; any other answers to the issuer's host, and to names of
        this machine where the client is on it.
        """
        named = exchange.head.values(b"host")
        if len(named) != 1:
            return None
        authority = named[0].decode("latin-1").lower()
        if not exchange.resource.api.hosts and authority != self._authority:
            host = urlsplit(f"//{authority}").hostname or ""
            local = host == "localhost" or is_loopback(host)
            if not (local and is_loopback(exchange.client)):
                return None
        target = cast("RequestHead", exchange.head).target.decode("ascii")
        return f"{exchange.scheme}://{authority}{target}"
