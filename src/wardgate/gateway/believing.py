"""Whether an access token is to be believed, and whom it stands for. Reads keys and the store, never the network.

Order: form, issuer, signature, times, revocation, application. What must be asked elsewhere is said by :class:`Ask`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal, Shown
from wardgate.domain.tokenform import is_secret
from wardgate.domain.trust import TrustedIssuer
from wardgate.gateway.ports import TokenSource
from wardgate.gateway.twogen import TwoGenerations
from wardgate.jose import claims as reading
from wardgate.jose import jws
from wardgate.jose.accesstoken import token_of
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import KeySet
from wardgate.policy.exchange import PresentedToken
from wardgate.policy.trusted import Profile

_REASONS: Mapping[str, str] = {
    "malformed": "token_malformed",
    "too_large": "token_malformed",
    "critical": "token_malformed",
    "algorithm": "token_algorithm",
    "type": "token_type",
    "key_unknown": "token_key_unknown",
    "signature": "token_signature_invalid",
    "expired": "token_expired",
    "not_yet_valid": "token_not_yet_valid",
    "lifetime": "token_lifetime",
    "confirmation": "token_unbound",
}
#: Applications kept with their subscriptions, shared by all their tokens.
_CONSUMERS = 4096
_SHARED = 4096
#: Our own keys are read again for a key id nobody knows at most this often, in seconds.
_REREAD_SECONDS = 1.0


class RefusedTokenError(Exception):
    """The token is not believed; ``reason`` is the rejection's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Ask(Exception):  # noqa: N818 no error: a question
    """Somebody has to be asked first: ``keys`` of the issuer, or its ``introspection`` of this token. ``otherwise`` is
    the reason to refuse the token for if nothing comes of it."""

    def __init__(self, what: Literal["keys", "introspection"], issuer: TrustedIssuer, otherwise: str) -> None:
        super().__init__(f"{what} of {issuer.issuer}")
        self.what = what
        self.issuer = issuer
        self.otherwise = otherwise


class Believed:
    """A token that was believed: whom it stands for, until when (Unix seconds), and by whom it was issued. ``user`` is the
    person whose groups were read for it, empty for none."""

    __slots__ = ("issuer", "principal", "until", "user")

    def __init__(self, principal: Principal, until: float, issuer: str, user: str = "") -> None:
        self.principal = principal
        self.until = until
        self.issuer = issuer
        self.user = user


Consumer = tuple[Application, dict[str, Subscription], Shown]


class Believer:
    """Believes tokens by the store's word. What it remembers of keys and applications is dropped by the change feed."""

    def __init__(
        self,
        source: TokenSource,
        environment: str,
        issuer: str,
        wall: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._source = source
        self._environment = environment
        self._issuer = issuer
        self._wall = wall
        self._now = now
        self._own: KeySet | None = None
        self._own_read = 0.0
        #: By issuer: its keys, the document they are from, and when that was fetched (Unix seconds).
        self._foreign: dict[str, tuple[KeySet, Mapping[str, Any], float]] = {}
        self._consumers: TwoGenerations[str, Consumer] = TwoGenerations(_CONSUMERS)
        #: One object for each text or set that many tokens hold alike.
        self._shared: dict[Any, Any] = {}

    def believe(self, presented: PresentedToken, profile: Profile) -> Believed:
        """Whom the token stands for.

        Raises:
            RefusedTokenError: it is not believed.
            Ask: it cannot be decided without asking its issuer.
            StoreUnavailableError: the store cannot be read.
        """
        text = presented.text.decode("ascii")
        if is_secret(text, "at"):
            return self._opaque(presented.digest, profile)
        try:
            if text.count(".") == 2:
                return self._signed(jws.read(text), profile)
        except JoseError as error:
            raise RefusedTokenError(_REASONS.get(error.reason, "token_malformed")) from None
        if profile.introspected:
            raise Ask("introspection", profile.introspected[0], "token_inactive")
        raise RefusedTokenError("token_malformed")

    def introspected(self, issuer: TrustedIssuer, answer: Mapping[str, Any], profile: Profile) -> Believed:
        """Whom a token stands for of which its issuer gave this answer (RFC 7662 section 2.2).

        Raises:
            RefusedTokenError: the issuer, or what it says, refuses it.
            StoreUnavailableError: the store cannot be read.
        """
        if answer.get("active") is not True:
            raise RefusedTokenError("token_inactive")
        if answer.get("iss", issuer.issuer) != issuer.issuer:
            raise RefusedTokenError("token_unknown_issuer")
        now = self._wall()
        # An answer without times holds for as long as answers are believed.
        claims = {"iss": issuer.issuer, "exp": now + issuer.introspection_ttl, **answer}
        try:
            token = self._token(claims, issuer)
        except JoseError as error:
            raise RefusedTokenError(_REASONS.get(error.reason, "token_malformed")) from None
        until = min(now + issuer.introspection_ttl, token.expires_at)
        return self._believed(token, issuer, until, answer if profile.full else None)

    # -- what the feed says

    def keys_changed(self) -> None:
        """Our own signing keys are others now."""
        self._own = None

    def issuer_changed(self, issuer: str) -> bool:
        """A foreign issuer was read anew: whether its keys are others than those known."""
        known = self._foreign.pop(issuer, None)
        if known is None:
            return True
        found = self._source.issuer_document(issuer)
        if found is None or found[0].get("jwks") != known[1].get("jwks"):
            return True
        self._foreign[issuer] = (known[0], found[0], found[1])
        return False

    def application_changed(self, application_id: str) -> None:
        """An application, or what it is subscribed to, is another now."""
        self._consumers.drop(application_id)

    def clear(self) -> None:
        """Everything is to be read again."""
        self._own = None
        self._foreign.clear()
        self._consumers.clear()

    # -- by kind of token

    def _opaque(self, digest: bytes, profile: Profile) -> Believed:
        issuer = profile.builtin
        if issuer is None:
            raise RefusedTokenError("token_unknown_issuer")
        token = self._source.opaque(digest)
        if token is None:
            raise RefusedTokenError("token_unknown")
        token = replace(token, issuer=self._issuer)
        lifetime = issuer.max_lifetime
        if lifetime is not None and token.expires_at - token.issued_at > lifetime:
            raise RefusedTokenError("token_lifetime")
        if token.expires_at <= self._wall():
            raise RefusedTokenError("token_expired")
        return self._believed(token, issuer, token.expires_at, {} if profile.full else None)

    def _signed(self, unverified: jws.Unverified, profile: Profile) -> Believed:
        named = unverified.claims.get("iss")
        issuer = profile.issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise RefusedTokenError("token_unknown_issuer")
        if issuer.kind == "introspection":
            raise Ask("introspection", issuer, "token_inactive")
        self._verify(unverified, issuer)
        token = self._token(unverified.claims, issuer)
        until = token.expires_at + (issuer.skew or 0)
        return self._believed(token, issuer, until, unverified.claims if profile.full else None)

    def _verify(self, unverified: jws.Unverified, issuer: TrustedIssuer) -> None:
        own = issuer.kind == "builtin"
        keys = self._own_keys() if own else self._foreign_keys(issuer)
        algorithms, types = frozenset(issuer.algorithms), frozenset(issuer.types)
        try:
            unverified.verify(keys, algorithms=algorithms, types=types)
        except JoseError as error:
            if error.reason != "key_unknown":
                raise
            if not own:
                raise Ask("keys", issuer, "token_key_unknown") from None
            if self._now() - self._own_read < _REREAD_SECONDS:
                raise
            self._own = None
            unverified.verify(self._own_keys(), algorithms=algorithms, types=types)

    def _own_keys(self) -> KeySet:
        keys = self._own
        if keys is None:
            keys = self._own = KeySet.of(key.public for key in self._source.token_keys())
            self._own_read = self._now()
        return keys

    def _foreign_keys(self, issuer: TrustedIssuer) -> KeySet:
        known = self._foreign.get(issuer.issuer)
        if known is None:
            found = self._source.issuer_document(issuer.issuer)
            if found is None:
                raise Ask("keys", issuer, "issuer_unavailable")
            document, fetched_at = found
            jwks = document.get("jwks")
            keys = KeySet.from_jwks(jwks) if isinstance(jwks, Mapping) else KeySet()
            known = self._foreign[issuer.issuer] = (keys, document, fetched_at)
        if known[2] + issuer.max_key_age <= self._wall():
            # Read again from the store when asked the next time: somebody else may have fetched it meanwhile.
            del self._foreign[issuer.issuer]
            raise Ask("keys", issuer, "issuer_unavailable")
        return known[0]

    def _token(self, claims: Mapping[str, Any], issuer: TrustedIssuer) -> Token:
        reading.check_times(claims, now=self._wall(), skew=issuer.skew or 0, max_lifetime=issuer.max_lifetime)
        own = issuer.kind == "builtin"
        token = token_of(
            claims,
            builtin=own,
            client_claims=issuer.application_claims,
            scope_claims=issuer.scope_claims,
            roles_claims=issuer.roles_claims,
            role_scopes=issuer.role_scopes,
            share=self._share,
        )
        if own and not (token.id and token.client and token.subject):
            raise JoseError("malformed", "jti, client_id or sub is missing")
        return token

    def _share(self, value: Any) -> Any:
        """The object that stands for all equal values: most of what tokens say, many say alike."""
        shared = self._shared
        if len(shared) > _SHARED:
            shared.clear()
        return shared.setdefault(value, value)

    def _believed(
        self, token: Token, issuer: TrustedIssuer, until: float, claims: Mapping[str, Any] | None
    ) -> Believed:
        """``claims``: what the token says, empty for an opaque one; ``None`` where nobody asks for that or for groups."""
        application_id = self._application_of(token, issuer)
        consumer = self._consumer(application_id) if application_id is not None else None
        if consumer is None:
            raise RefusedTokenError("token_application_unknown")
        application, subscriptions, credential = consumer
        if self._source.revoked(token, application.id):
            raise RefusedTokenError("token_revoked")
        user = ""
        if claims is not None:
            if issuer.kind == "builtin":
                user = self._source.person_of(token.grant) if token.grant else ""
                if token.grant and not user:
                    raise RefusedTokenError("token_revoked")  # a group that denies could not be looked for
                groups = frozenset(self._source.groups_of(user)) if user else frozenset()
            else:
                groups = _groups(claims)
            token = replace(token, groups=self._share(groups), claims=claims or None)
        principal = Principal(
            credential=credential, application=application, subscriptions=subscriptions, token=token
        )
        return Believed(principal, until, issuer.issuer, user)

    def _application_of(self, token: Token, issuer: TrustedIssuer) -> str | None:
        if not token.client:
            return None
        if issuer.kind == "builtin":
            return self._source.client_application(token.client)
        name = issuer.applications.get(token.client)
        return self._source.application_named(name) if name is not None else None

    def _consumer(self, application_id: str) -> Consumer | None:
        known = self._consumers.get(application_id)
        if known is None:
            found = self._source.consumer(application_id)
            if found is None:
                return None
            known = (*found, Shown("", self._environment))
            self._consumers.put(application_id, known)
        return known


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups another issuer says its subject is in; a claim of another form says nothing that ACLs could allow, and so
    nothing is believed of a token with it."""
    found = claims.get("groups")
    if found is None:
        return frozenset()
    if isinstance(found, list) and all(isinstance(group, str) for group in found):
        return frozenset(found)
    raise RefusedTokenError("token_malformed")
