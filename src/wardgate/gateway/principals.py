"""Credentials a worker knows: looked up on demand, bounded, dropped one by one by the change feed."""

from __future__ import annotations

from wardgate.domain.principal import Principal
from wardgate.gateway.ports import GatewaySource
from wardgate.gateway.twogen import TwoGenerations


class Principals:
    """Principals by credential digest, and refusals of unknown digests.

    What is cached was true at the feed position the worker last read; the feed drops an entry before its change can
    be relied upon. Validity (revoked, expired, environment) is judged by the api_key step on every request.
    """

    __slots__ = ("_known", "_source", "_unknown", "hits", "misses")

    def __init__(self, source: GatewaySource, size: int, negative_size: int) -> None:
        self._source = source
        self._known: TwoGenerations[bytes, Principal] = TwoGenerations(size)
        self._unknown: TwoGenerations[bytes, bool] = TwoGenerations(negative_size)
        self.hits = 0
        self.misses = 0

    def get(self, digest: bytes) -> Principal | None:
        """The principal, from cache or store; ``None`` if the store does not know the digest.

        Raises:
            StoreUnavailableError: it is in no cache and the store cannot be read.
        """
        principal = self._known.young.get(digest) or self._known.get(digest)
        if principal is not None:
            self.hits += 1
            return principal
        if self._unknown.get(digest):
            self.hits += 1
            return None
        self.misses += 1
        principal = self._source.principal(digest)
        if principal is None:
            self._unknown.put(digest, True)
        else:
            self._known.put(digest, principal)
        return principal

    def drop_credential(self, digest: bytes) -> None:
        """Forgets what is known of ``digest``, acceptance or refusal."""
        self._known.drop(digest)
        self._unknown.drop(digest)

    def drop_application(self, application_id: str) -> None:
        """Forgets every credential of an application."""
        self._known.drop_where(lambda principal: principal.application.id == application_id)

    def clear(self) -> None:
        """Forgets everything."""
        self._known.clear()
        self._unknown.clear()

    @property
    def sizes(self) -> tuple[int, int]:
        """Entries known, and refusals known."""
        return len(self._known), len(self._unknown)
