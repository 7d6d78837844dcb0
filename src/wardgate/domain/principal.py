"""Who asks, as a gateway worker knows them. A worker holds a hundred thousand of these and makes one for every key that it
meets, so they are plain: what a request is judged by, and nothing that people alone want to know."""

from __future__ import annotations

from typing import Final

from wardgate.domain.consumer import Application, Restrictions, Subscription
from wardgate.domain.oauth import Token

_UNRESTRICTED: Final = Restrictions()


class Shown:
    """The credential that was shown: a key, or an access token (``id`` is then empty). Times are Unix seconds (UTC)."""

    __slots__ = ("environment", "expires_at", "id", "restrictions", "revoked_at")

    def __init__(
        self,
        id_: str,
        environment: str,
        expires_at: float | None = None,
        revoked_at: float | None = None,
        restrictions: Restrictions = _UNRESTRICTED,
    ) -> None:
        self.id: Final = id_
        self.environment: Final = environment
        self.expires_at: Final = expires_at
        self.revoked_at: Final = revoked_at
        self.restrictions: Final = restrictions


class Principal:
    """All the gateway knows of a caller, read in one look-up and cached until the change feed drops it.

    ``subscriptions`` maps an API's id to the subscription in the credential's environment. ``token`` is set where the
    caller was known by an OAuth2 access token.
    """

    __slots__ = ("application", "credential", "subscriptions", "token")

    def __init__(
        self,
        credential: Shown,
        application: Application,
        subscriptions: dict[str, Subscription],
        token: Token | None = None,
    ) -> None:
        self.credential: Final = credential
        self.application: Final = application
        self.subscriptions: Final = subscriptions
        self.token: Final = token

    @property
    def groups(self) -> frozenset[str]:
        """The groups the caller is in: its application's, and with a token those of the person it speaks for."""
        theirs = self.token.groups if self.token is not None else None
        own = self.application.groups
        return frozenset((*own, *theirs)) if theirs else frozenset(own)
