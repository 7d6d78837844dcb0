"""What the request path asks of the outside, as protocols; ``storage`` and ``limits`` implement them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from wardgate.domain.api import Api
from wardgate.domain.change import Change
from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.limit import Plan
from wardgate.domain.oauth import Token, TokenKey
from wardgate.domain.principal import Principal
from wardgate.domain.secret import Secret
from wardgate.domain.trust import TrustedIssuer


class StoreUnavailableError(Exception):
    """The store could not be read now. The worker serves what it knows and refuses what it does not."""


class LostPlaceError(Exception):
    """The feed no longer holds what came after the asked ``seq``: the worker must flush everything."""


class IssuerUnavailableError(Exception):
    """A foreign issuer could not be asked: its tokens are neither accepted nor refused for good."""


class SigningKey(Protocol):
    """The current key assertions are signed with (ES256)."""

    @property
    def kid(self) -> str: ...
    @property
    def private_pem(self) -> bytes: ...


class TokenSource(Protocol):
    """What is read to believe a token. Synchronous, read-only. All raise StoreUnavailableError."""

    def token_keys(self) -> list[TokenKey]:
        """The public keys of this installation's tokens in this environment that may still verify one."""

    def opaque(self, digest: bytes) -> Token | None:
        """The opaque access token of this environment stored under ``digest``; ``None`` for an unknown one."""

    def revoked(self, token: Token, application_id: str) -> bool:
        """Whether a revocation covers it: by ``jti``, grant, subject, client or application, in order of time."""

    def client_application(self, client_id: str) -> str | None:
        """The id of the application of an active client of this environment."""

    def consumer(self, application_id: str) -> tuple[Application, dict[str, Subscription]] | None:
        """An application, whatever its state, and its subscriptions in this environment by API id."""

    def application_named(self, name: str) -> str | None:
        """The id of the application called ``name``."""

    def person_of(self, grant: str) -> str:
        """The id of the user who gave the grant; empty for none. A token's ``sub`` may be another name (pairwise)."""

    def groups_of(self, user_id: str) -> tuple[str, ...]:
        """The groups a person with an account here is in; none for an unknown one."""

    def issuer_document(self, issuer: str) -> tuple[dict[str, Any], float] | None:
        """What was last read of a foreign issuer, ``{"jwks": {...}, "metadata": {...}}``, and when (Unix seconds)."""


class IssuerDesk(Protocol):
    """Asks foreign issuers, off the request path: one flight per issuer (and token), at a bounded rate."""

    def refresh(self, issuer: TrustedIssuer) -> Awaitable[None]:
        """Returns when the issuer's keys were read anew, or when that is not due yet. What was read is announced by
        the change ``issuer`` and found by ``TokenSource.issuer_document``. Raises IssuerUnavailableError."""

    def introspect(self, issuer: TrustedIssuer, token: str) -> Awaitable[Mapping[str, Any]]:
        """The issuer's introspection answer (RFC 7662 section 2.2), never cached. Raises IssuerUnavailableError."""


class ReplayDesk(Protocol):
    """Remembers what may be seen once, exactly, over all workers of the installation."""

    def first(self, key: str, until: float) -> Awaitable[bool]:
        """Whether ``key`` was never seen before; it is remembered until ``until`` (Unix seconds). Where nobody can
        tell, the answer is ``False``."""


class GatewaySource(TokenSource, Protocol):
    """Reads of a gateway worker: synchronous, read-only, microseconds each. All raise StoreUnavailableError."""

    def apis(self) -> list[Api]:
        """Every API deployed to this worker's environment."""

    def api(self, api_id: str) -> Api | None:
        """One deployed API by ``name/version``; ``None`` if it is not deployed (any more)."""

    def hosts(self) -> tuple[str, ...]:
        """The hosts of this environment's gateways, lower case, some perhaps with a port."""

    def token_endpoint(self) -> str:
        """Where ``POST /oauth2/token`` of this environment is passed on to; empty: to this installation's own."""

    def plans(self) -> dict[str, Plan]:
        """Every plan of this worker's environment by name, with the limits that hold there."""

    def secrets(self) -> Mapping[str, Secret]:
        """The secrets of this worker's environment by name, opened."""

    def principal(self, digest: bytes) -> Principal | None:
        """The credential stored under ``digest`` with its application and that environment's subscriptions,
        whatever its state or environment: the api_key step judges. ``None`` for an unknown digest."""

    def position(self) -> int:
        """The newest ``seq`` of the change feed (0 for an empty one)."""

    def changes(self, after: int) -> list[Change]:
        """The feed after ``after`` in order. Raises LostPlaceError when rows after it were already swept."""

    def changed(self) -> bool:
        """Whether any writer committed since the last call (SQLite ``PRAGMA data_version``); cheap enough to poll."""

    def signing_keys(self) -> list[SigningKey]:
        """The instance's assertion keys, newest first: sign with the first, publish all."""

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
