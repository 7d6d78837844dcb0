"""Authenticates by an OAuth 2.0 access token, and authorizes by what it says (RFC 6750, 8705, 9068, 9449, 9470)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING

from wardgate.domain.principal import Principal
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange, Step

if TYPE_CHECKING:
    from wardgate.domain.api import Resource
    from wardgate.domain.oauth import Token
    from wardgate.domain.trust import OAuth2Settings
    from wardgate.policy.challenge import Challenge
    from wardgate.policy.credentials import Combination
    from wardgate.policy.exchange import PresentedToken
    from wardgate.policy.trusted import Profile

#: ``urn:wardgate:acr:2`` says more than ``urn:wardgate:acr:1``: who has it satisfies both.
_LEVELS = ("urn:wardgate:acr:1", "urn:wardgate:acr:2")


def scheme_of(exchange: Exchange) -> str:
    """The scheme the token of the exchange came under; empty where there is none."""
    presented = exchange.token
    if presented is None:
        return ""
    return "DPoP" if presented.dpop else "Bearer"


class OAuth2:
    """The step of one API and rule: afterwards ``exchange.principal`` is the token's, if there was one, and the token
    is valid, for this API, and shown by who holds the key it is bound to."""

    __slots__ = ("_audiences", "_challenge", "_combination", "_profile", "_settings")

    def __init__(
        self,
        combination: Combination,
        challenge: Challenge,
        profile: Profile,
        audiences: Mapping[str, frozenset[str]],
        settings: OAuth2Settings,
    ) -> None:
        self._combination = combination
        self._challenge = challenge
        self._profile = profile
        self._audiences = audiences
        self._settings = settings

    def __call__(self, exchange: Exchange, /) -> Rejection | Awaitable[Rejection | None] | None:
        presented = exchange.token
        if presented is None:
            return self._without(exchange)
        if exchange.digest is None and self._combination.needs_key:
            return self._challenge.missing()
        if not presented.digest:
            return self._refused(exchange, "token_malformed")
        found = exchange.directory.token(presented, self._profile, exchange.now)
        if isinstance(found, Principal):
            return self._judge(exchange, presented, found)
        if isinstance(found, str):
            return self._refused(exchange, found)
        return self._later(exchange, presented, found)

    def _without(self, exchange: Exchange) -> Rejection | None:
        """No token was sent: is a key enough?"""
        if self._combination.needs_token or (exchange.digest is None and not self._combination.needs_key):
            return self._challenge.missing()
        return None

    async def _later(
        self, exchange: Exchange, presented: PresentedToken, pending: Awaitable[Principal | str]
    ) -> Rejection | None:
        found = await pending
        if isinstance(found, str):
            return self._refused(exchange, found)
        verdict = self._judge(exchange, presented, found)
        return await verdict if isinstance(verdict, Awaitable) else verdict

    def _judge(
        self, exchange: Exchange, presented: PresentedToken, principal: Principal
    ) -> Rejection | Awaitable[Rejection | None] | None:
        token = principal.token
        if token is None:
            return self._refused(exchange, "token_unknown")
        if token.audiences.isdisjoint(self._audiences.get(token.issuer, ())):
            return self._refused(exchange, "token_audience")
        if presented.dpop or token.jkt or token.x5t or self._settings.bound != "none":
            return self._possession(exchange, presented, principal, token)
        exchange.principal = principal
        return None

    def _possession(
        self, exchange: Exchange, presented: PresentedToken, principal: Principal, token: Token
    ) -> Rejection | Awaitable[Rejection | None] | None:
        """A bound token is no good without its key, and an unbound one none where possession is asked for."""
        bound = self._settings.bound
        unbound = (
            (bound == "dpop" and not token.jkt)
            or (bound == "mtls" and not token.x5t)
            or (bound == "any" and not (token.jkt or token.x5t))
            or (presented.dpop and not token.jkt)
        )
        if unbound:
            return self._refused(exchange, "token_unbound")
        if token.x5t and token.x5t != exchange.certificate:
            return self._refused(exchange, "certificate_mismatch")
        if token.jkt and not exchange.proven:
            if not presented.dpop:
                return self._refused(exchange, "dpop_missing")
            outcome = exchange.directory.proof(exchange, token, self._settings)
            if isinstance(outcome, str):
                return self._refused(exchange, outcome)
            if outcome is not None:
                return self._proven(exchange, principal, outcome)
            exchange.proven = True
        exchange.principal = principal
        return None

    async def _proven(
        self, exchange: Exchange, principal: Principal, pending: Awaitable[str | None]
    ) -> Rejection | None:
        reason = await pending
        if reason is not None:
            return self._refused(exchange, reason)
        exchange.proven = True
        exchange.principal = principal
        return None

    def _refused(self, exchange: Exchange, reason: str) -> Rejection:
        if reason == "dpop_nonce_required":
            return self._challenge.nonce(exchange.directory.proof_nonce())
        if reason == "issuer_unavailable":
            return Rejection.of(reason, retry_after=5)
        return self._challenge.invalid(reason, scheme_of(exchange))


class Scopes:
    """The step of a resource with scopes: the token has them all."""

    __slots__ = ("_challenge", "_needed")

    def __init__(self, needed: tuple[str, ...], challenge: Challenge) -> None:
        self._needed = frozenset(needed)
        self._challenge = challenge

    def __call__(self, exchange: Exchange, /) -> Rejection | None:
        principal = exchange.principal
        token = principal.token if principal is not None else None
        if token is None:
            return self._challenge.missing()
        if self._needed <= token.scopes:
            return None
        return self._challenge.scope_missing(self._needed - token.scopes, scheme_of(exchange))


class StepUp:
    """The step of a resource that asks how, or how recently, a person signed in (RFC 9470). Keys are not asked."""

    __slots__ = ("_accepted", "_challenge", "_max_age", "_skew", "_values")

    def __init__(self, values: tuple[str, ...], max_age: int | None, skew: int, challenge: Challenge) -> None:
        self._values = values
        self._accepted = accepted_levels(values)
        self._max_age = max_age
        self._skew = skew
        self._challenge = challenge

    def __call__(self, exchange: Exchange, /) -> Rejection | None:
        principal = exchange.principal
        token = principal.token if principal is not None else None
        if token is None:
            return None
        stale = self._max_age is not None and (
            token.auth_time is None
            or token.auth_time + self._max_age + self._skew < exchange.directory.wall()
        )
        if stale or (self._accepted and token.acr not in self._accepted):
            return self._challenge.step_up(self._values, self._max_age, scheme_of(exchange))
        return None


def accepted_levels(values: tuple[str, ...]) -> frozenset[str]:
    """What ``acr`` may be where one of ``values`` is asked for: these, and this server's own levels above them."""
    lowest = min((_LEVELS.index(value) for value in values if value in _LEVELS), default=len(_LEVELS))
    return frozenset((*values, *_LEVELS[lowest:]))


def step_up_of(resource: Resource, settings: OAuth2Settings, challenge: Challenge) -> Step | None:
    """The step for what the resource, or else its API, asks of the sign-in."""
    values = resource.acr_values or settings.acr_values
    ages = [age for age in (resource.max_age, settings.max_age) if age is not None]
    if not values and not ages:
        return None
    return StepUp(values, min(ages, default=None), settings.skew, challenge)
