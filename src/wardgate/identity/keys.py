"""This server's signing keys: which signs now, which are published, and how one follows another.

Any number of processes share them through the store. A process signs with what it read at most ``FRESH`` seconds ago;
a new key is published ``key_overlap`` seconds before it signs, so no process and no cache of the JWK set is behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.audit import AuditEvent
from wardgate.domain.oauth import SigningAlgorithm
from wardgate.identity.http import Call, Reply, json_reply
from wardgate.identity.ports import Store, StoredKey, Transaction, Vault
from wardgate.identity.rotation import active, jwks_max_age, last_needed, needed_from, published
from wardgate.identity.routes import Route
from wardgate.identity.server import IdentitySettings, Server
from wardgate.identity.signer import Signer, generate, stored
from wardgate.jose.errors import JoseError
from wardgate.jose.jws import normal_type, verify
from wardgate.jose.keys import KeySet

#: Seconds for which what was read of the store counts as true.
FRESH = 5.0
#: Seconds between two looks at the store for keys that tokens name and nobody knows.
_UNKNOWN_EVERY = 1.0
#: Seconds for which a process's word that it makes the next key is kept.
_CLAIM = 3600.0
DEFAULT: SigningAlgorithm = "ES256"
ALGORITHMS: tuple[SigningAlgorithm, ...] = ("ES256", "RS256", "EdDSA")
_ALGORITHMS = frozenset(ALGORITHMS)


@dataclass(frozen=True, slots=True)
class _Ring:
    """What was read of the store at ``read_at``; true until ``until`` unless something is written meanwhile."""

    keys: tuple[StoredKey, ...]
    signers: Mapping[str, Signer]
    verifiers: KeySet
    jwks: Mapping[str, Any]
    read_at: float
    until: float
    by_algorithm: dict[SigningAlgorithm, Signer] = field(default_factory=dict)


class KeyRing:
    """Implements ``ports.Keys`` for one environment."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        settings: IdentitySettings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._ring: _Ring | None = None
        #: Counts what makes a reading of the store stale, so that one that was under way is not believed.
        self._changes = 0
        self._reading = asyncio.Lock()
        self._making = asyncio.Lock()

    async def sign(
        self, claims: Mapping[str, Any], *, typ: str, algorithm: SigningAlgorithm = DEFAULT
    ) -> str:
        """A compact JWS by the key that is active now. The first key of an algorithm is made on the way.

        Raises:
            StoreError: the keys cannot be read, or a first one not be written.
        """
        ring = self._ring
        if ring is None or not ring.read_at <= self._clock() < ring.until:
            ring = await self._current()
        signer = ring.by_algorithm.get(algorithm)
        if signer is None:
            signer = (await self._with_first(algorithm)).by_algorithm[algorithm]
        return signer.sign(claims, typ)

    async def jwks(self) -> Mapping[str, Any]:
        """The JWK set of every key that is published, oldest first."""
        return (await self._current()).jwks

    async def claims_of(self, token: str, typ: str) -> Mapping[str, Any] | None:
        """The claims of a JWT this server signed with a key that is still published, expired or not; else ``None``."""
        ring = await self._current()
        types = frozenset((normal_type(typ),))
        try:
            return verify(token, ring.verifiers, algorithms=_ALGORITHMS, types=types)[1]
        except JoseError as error:
            if error.reason != "key_unknown" or self._clock() < ring.read_at + _UNKNOWN_EVERY:
                return None
        self.forget()
        try:
            verifiers = (await self._current()).verifiers
            return verify(token, verifiers, algorithms=_ALGORITHMS, types=types)[1]
        except JoseError:
            return None

    def forget(self) -> None:
        """The store is read anew before the next use: for whoever learns from the change feed that a key changed."""
        self._ring = None
        self._changes += 1

    async def maintain(self, now: float) -> None:
        """Afterwards every algorithm in use has a key that signs, and its successor where one is due.

        Safe to call from any process at any time. Raises StoreError.
        """
        async with self._store.reading() as tx:
            keys = await tx.token_keys.all(self._settings.environment)
        in_use = {DEFAULT, *(key.algorithm for key in published(keys, now))}
        for algorithm in ALGORITHMS:
            if algorithm in in_use and self._due(keys, algorithm, now) is not None:
                await self._make(algorithm, now)

    async def withdraw(self, kid: str, now: float) -> bool:
        """The key signs and verifies nothing any more, and another takes its place at once; whether there was one.

        For a key that others may know: its tokens are worthless from now on. Raises StoreError.
        """
        environment = self._settings.environment
        async with self._store.writing() as tx:
            found = [key for key in await tx.token_keys.all(environment) if key.kid == kid]
            if found:
                await tx.token_keys.retire(kid, now)
                await tx.audit.record(_event("signing_key.withdraw", kid, environment), at=now)
        self.forget()
        if found:
            await self._make(found[0].algorithm, now)
        return bool(found)

    async def _current(self) -> _Ring:
        ring = self._ring
        if ring is not None and ring.read_at <= self._clock() < ring.until:
            return ring
        async with self._reading:
            ring, now = self._ring, self._clock()
            while ring is None or not ring.read_at <= now < ring.until:
                before = self._changes
                read = await self._read(now)
                if before == self._changes:
                    ring = self._ring = read
                now = self._clock()
        return ring

    async def _read(self, now: float) -> _Ring:
        async with self._store.reading() as tx:
            keys = published(await tx.token_keys.all(self._settings.environment), now)
        known = self._ring.signers if self._ring is not None else {}
        ring = _Ring(
            keys=tuple(keys),
            signers={key.kid: known.get(key.kid) or Signer(key, self._vault) for key in keys},
            verifiers=KeySet.of(key.public for key in keys),
            jwks={"keys": [dict(key.public) for key in keys]},
            read_at=now,
            until=min([now + FRESH, *_turns(keys, now)]),
        )
        for algorithm in ALGORITHMS:
            signing = active(keys, algorithm, now)
            if signing is not None:
                ring.by_algorithm[algorithm] = ring.signers[signing.kid]
        return ring

    async def _with_first(self, algorithm: SigningAlgorithm) -> _Ring:
        async with self._making:
            ring = await self._current()
            if algorithm not in ring.by_algorithm:
                await self._make(algorithm, self._clock())
                ring = await self._current()
        return ring

    async def _make(self, algorithm: SigningAlgorithm, now: float) -> None:
        """Adds the key that is due, unless another process was first; those before it get the end of their use."""
        environment = self._settings.environment
        private = await asyncio.to_thread(generate, algorithm)
        async with self._store.writing() as tx:
            keys = await tx.token_keys.all(environment)
            begin = self._due(keys, algorithm, now)
            if begin is not None and await self._is_first(tx, keys, algorithm, now):
                added = stored(
                    private, algorithm, self._vault, environment=environment, now=now, active_at=begin
                )
                await tx.token_keys.add(added)
                event = _event(
                    "signing_key.add", added.kid, environment, algorithm=algorithm, active_at=begin
                )
                await tx.audit.record(event, at=now)
                for key in published(keys, now):
                    if key.algorithm == algorithm and key.expires_at is None and key.active_at <= begin:
                        await tx.token_keys.retire(key.kid, last_needed(begin, self._settings))
        self.forget()

    async def _is_first(
        self, tx: Transaction, keys: Sequence[StoredKey], algorithm: SigningAlgorithm, now: float
    ) -> bool:
        """Whether no other transaction follows on these keys: where writers overlap, one waits here for the other."""
        newest = max(keys, key=lambda key: (key.created_at, key.kid), default=None)
        after = "none" if newest is None else newest.kid
        claim = f"{self._settings.environment} {algorithm} after {after}"
        return await tx.once.first("signing_key", claim, now + _CLAIM)

    def _due(self, keys: Sequence[StoredKey], algorithm: SigningAlgorithm, now: float) -> float | None:
        return needed_from(keys, algorithm, now, self._settings)


def _event(action: str, kid: str, environment: str, **after: object) -> AuditEvent:
    return AuditEvent(action=action, target=kid, environment=environment, after=after)


def _turns(keys: Sequence[StoredKey], now: float) -> list[float]:
    """The moments to come at which a key begins to sign or is published no longer."""
    moments = [key.active_at for key in keys] + [key.expires_at for key in keys if key.expires_at is not None]
    return [moment for moment in moments if moment > now]


async def handle_jwks(server: Server, call: Call) -> Reply:
    """The JWK set (RFC 7517 section 5), with how long a copy is good and a tag to ask again by (RFC 9110)."""
    document = await server.keys.jwks()
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    tag = f'"{digest[:32]}"'
    kept = (("cache-control", f"public, max-age={jwks_max_age(server.settings)}"), ("etag", tag))
    if tag in {seen.strip().removeprefix("W/") for seen in (call.header("if-none-match") or "").split(",")}:
        return Reply(status=304, headers=kept)
    return json_reply(document, 200, *kept, cache=True)


ROUTES = (Route(("GET",), "/oauth2/jwks", handle_jwks, "document"),)
