"""What a gateway worker reads for OAuth 2.0: microseconds a call, like the rest of ``reader.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.oauth import Token, TokenKey
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.documents import to_object, token_from_text

_TOKEN_KEYS = """
SELECT kid, algorithm, public FROM token_keys
WHERE environment = ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY active_at DESC, created_at DESC, kid
"""
#: A token whose grant is revoked or gone is void.
_OPAQUE = """
SELECT document FROM access_tokens WHERE digest = ? AND environment = ? AND (
    grant_id = '' OR EXISTS (SELECT 1 FROM grants WHERE id = grant_id AND revoked_at IS NULL)
)
"""
#: ``kind`` and ``key`` are the primary key: each part is one descent.
_REVOKED = """
SELECT 1 FROM revocations WHERE kind = 'jti' AND key = ?2 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'grant' AND key = ?3 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'subject' AND key = ?4 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'client' AND key = ?5 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'application' AND key = ?6 AND at_ms >= ?1
LIMIT 1
"""
_CLIENT = "SELECT application FROM clients WHERE id = ? AND environment = ? AND status = 'active'"
_APPLICATION = "SELECT id FROM applications WHERE name = ?"
_PERSON = "SELECT subject FROM grants WHERE id = ?"
_ISSUER = "SELECT document, at FROM issuer_documents WHERE issuer = ?"

Row = tuple[Any, ...]
Consumer = tuple[Application, dict[str, Subscription]]


class _Source(Protocol):
    """What the class has that these reads are mixed into."""

    _environment: str
    _wall: Callable[[], float]

    def _rows(self, statement: str, parameters: Row = ()) -> list[Row]: ...
    def _consumer(self, application_id: str, environment: str) -> Consumer | None: ...


class OAuthReads:
    """The OAuth 2.0 part of ``gateway.ports.GatewaySource``; ``SqliteSource`` brings the connection."""

    def token_keys(self: _Source) -> list[TokenKey]:
        """The public keys of this environment's tokens that are published, the newest first."""
        try:
            return [
                TokenKey(kid=kid, algorithm=algorithm, public=to_object(public))
                for kid, algorithm, public in self._rows(_TOKEN_KEYS, (self._environment, self._wall()))
            ]
        except ValueError as error:
            raise StoreUnavailableError(f"a stored token key cannot be read: {error}") from error

    def opaque(self: _Source, digest: bytes) -> Token | None:
        """The access token stored under ``digest`` in this environment, expired or not; ``None`` for an unknown one and
        for one that was revoked by itself or with its grant."""
        rows = self._rows(_OPAQUE, (digest, self._environment))
        if not rows:
            return None
        try:
            return token_from_text(rows[0][0])
        except ValueError as error:
            raise StoreUnavailableError(f"a stored access token cannot be read: {error}") from error

    def revoked(self: _Source, token: Token, application_id: str) -> bool:
        """Whether a token issued when it was is taken back by jti, grant, subject, client or application."""
        return bool(
            self._rows(
                _REVOKED,
                (token.issued_ms, token.id, token.grant, token.subject, token.client, application_id),
            )
        )

    def client_application(self: _Source, client_id: str) -> str | None:
        """The id of the application of an active client of this environment."""
        rows = self._rows(_CLIENT, (client_id, self._environment))
        return rows[0][0] if rows else None

    def consumer(self: _Source, application_id: str) -> Consumer | None:
        """The application with that id, and its subscriptions in this environment by API."""
        return self._consumer(application_id, self._environment)

    def application_named(self: _Source, name: str) -> str | None:
        """The id of the application with that name."""
        rows = self._rows(_APPLICATION, (name,))
        return rows[0][0] if rows else None

    def person_of(self: _Source, grant: str) -> str:
        """The id of the user who gave the grant; empty for none."""
        rows = self._rows(_PERSON, (grant,))
        return str(rows[0][0] or "") if rows else ""

    def issuer_document(self: _Source, issuer: str) -> tuple[dict[str, Any], float] | None:
        """What was fetched last of a foreign issuer, and when (Unix seconds)."""
        rows = self._rows(_ISSUER, (issuer,))
        if not rows:
            return None
        try:
            return to_object(rows[0][0]), rows[0][1]
        except ValueError as error:
            raise StoreUnavailableError(
                f"what is stored of the issuer {issuer} cannot be read: {error}"
            ) from error
