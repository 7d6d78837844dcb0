"""What is stored of access tokens, read from any store."""

from __future__ import annotations

from wardgate.domain.oauth import Token
from wardgate.identity.ports import Store, TokenStanding


class StoreTokenReader:
    """Implements ``ports.TokenReader`` by a reading transaction each time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def opaque(self, digest: bytes) -> Token | None:
        """The opaque token, expired or not; ``None``: unknown, or its grant is revoked or gone. Raises StoreError."""
        async with self._store.reading() as tx:
            return await tx.access_tokens.find(digest)

    async def standing(self, token: Token, application: str) -> TokenStanding:
        """What holds of a token now, all of it in one state of the store. Raises StoreError."""
        async with self._store.reading() as tx:
            return TokenStanding(
                revoked=await tx.revocations.covers(token, application),
                grant=await tx.grants.get(token.grant) if token.grant else None,
            )
