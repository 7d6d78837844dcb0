"""What steps ask for while a request is explained: the store is read directly, and limits are described instead of taken."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from time import monotonic

from wardgate.domain.consumer import Subscription
from wardgate.domain.effective import Effective, effective
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.believing import Believer
from wardgate.gateway.contributions import limit_words
from wardgate.gateway.entitlements import limits_in_force
from wardgate.gateway.ports import GatewaySource
from wardgate.gateway.proofs import Proofs, SeenOnce
from wardgate.gateway.tokens import Tokens
from wardgate.policy.exchange import Denied, Exchange, LimitSet, PresentedToken
from wardgate.policy.trusted import Profile


class _Described:
    """Limits that are described instead of taken."""

    holds = False

    def __init__(self, limits: tuple[Effective, ...]) -> None:
        self._limits = limits

    def take(self, now: float) -> Denied | Awaitable[Denied | None] | None:
        return None

    def release(self) -> None:
        return None

    def headers(self, now: float) -> bytes:
        return b""

    def peek(self, now: float) -> list[str]:
        return [limit_words(limit) for limit in self._limits]


#: What a question cannot show, as it comes over no connection and holds no private key.
_BOUND = {
    "certificate_mismatch": "it is bound to a client certificate, which only a connection shows",
    "dpop_missing": "it is bound to a key: its holder sends a DPoP proof with each request",
}


class Directory:
    """The store as steps ask it, read directly. Foreign issuers are not asked, and no proof of possession is remembered."""

    def __init__(self, source: GatewaySource, environment: str, issuer: str) -> None:
        self._source = source
        self._plans = source.plans()
        believer = Believer(source, environment, issuer, time.time, monotonic)
        self._tokens = Tokens(believer, None, time.time, monotonic, 1, 1)
        self._proofs = Proofs(issuer, source.master_key(), SeenOnce(time.time), time.time)
        self._token: Token | None = None

    def principal(self, digest: bytes, now: float) -> Principal | None:
        return self._source.principal(digest)

    def token(
        self, presented: PresentedToken, profile: Profile, now: float
    ) -> Principal | str | Awaitable[Principal | str]:
        found = self._tokens.find(presented, profile)
        if isinstance(found, Principal):
            self._token = found.token
        return found

    def token_note(self, reason: str) -> str:
        """What the token says about the reason it was refused for."""
        token = self._token
        if token is None:
            return "the issuer is asked by a running gateway only" if reason == "issuer_unavailable" else ""
        if reason == "token_audience":
            return f"its audience is {_listed(token.audiences)}"
        if reason == "scope_missing":
            return f"it has {_listed(token.scopes)}"
        return _BOUND.get(reason, "")

    def proof(
        self, exchange: Exchange, token: Token, settings: OAuth2Settings
    ) -> str | Awaitable[str | None] | None:
        return self._proofs.check(exchange, token, settings)

    def proof_nonce(self) -> str:
        return self._proofs.nonce()

    def limits(self, subscription: Subscription) -> LimitSet | None:
        plan = self._plans.get(subscription.plan) if subscription.plan is not None else None
        found = effective((), plan.limits if plan is not None else (), (), ())
        return _Described(found) if found else None

    def effective_limits(self, exchange: Exchange) -> LimitSet | None:
        subscription, principal = exchange.subscription, exchange.principal
        if subscription is None or principal is None:
            return None
        found = limits_in_force(exchange, subscription, principal.application, self._plans)
        return _Described(found) if found else None

    def wall(self) -> float:
        return time.time()


def _listed(values: frozenset[str]) -> str:
    return " ".join(sorted(values)) or "nothing"
