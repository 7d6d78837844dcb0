"""One transaction: the repositories bound to its connection."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.actor import SYSTEM, Actor
from wardgate.storage.repositories.access import SqlAccessRequests
from wardgate.storage.repositories.apis import SqlApis
from wardgate.storage.repositories.applications import SqlApplications
from wardgate.storage.repositories.audit import SqlAudit
from wardgate.storage.repositories.credentials import SqlCredentials
from wardgate.storage.repositories.environments import SqlEnvironments
from wardgate.storage.repositories.feed import SqlFeed
from wardgate.storage.repositories.groups import SqlGroups
from wardgate.storage.repositories.idempotency import SqlIdempotency
from wardgate.storage.repositories.identity.clients import SqlClients
from wardgate.storage.repositories.identity.factors import SqlFactors, SqlThrottle
from wardgate.storage.repositories.identity.grants import SqlConsents, SqlGrants
from wardgate.storage.repositories.identity.keys import SqlIssuerKeys, SqlTokenKeys
from wardgate.storage.repositories.identity.once import SqlOnce
from wardgate.storage.repositories.identity.outbox import SqlOutbox
from wardgate.storage.repositories.identity.providers import SqlProviders
from wardgate.storage.repositories.identity.refresh import SqlRefreshTokens
from wardgate.storage.repositories.identity.revocations import SqlRevocations
from wardgate.storage.repositories.identity.sessions import SqlSessions
from wardgate.storage.repositories.identity.sweep import sweep
from wardgate.storage.repositories.identity.tokens import SqlAccessTokens, SqlDeviceCodes
from wardgate.storage.repositories.identity.users import SqlRoles, SqlUsers
from wardgate.storage.repositories.leaks import SqlLeaks
from wardgate.storage.repositories.operators import SqlOperators
from wardgate.storage.repositories.plans import SqlPlans
from wardgate.storage.repositories.promotions import SqlPromotions
from wardgate.storage.repositories.webhooks import SqlWebhooks


class SqlTransaction:
    """Implements ``control.ports.Transaction`` and ``identity.ports.Transaction`` on one connection.

    Each repository is made when it is first asked for: a token request uses three of them.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        *,
        writes: bool,
        master_key: bytes,
        actor: Actor = SYSTEM,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = connection
        self._writes = writes
        self._master_key = master_key
        self._clock = clock
        self.actor = actor
        self.feed = SqlFeed(connection)
        self._told: list[dict[str, Any]] = []

    def acting(self, actor: Actor) -> SqlTransaction:
        """The same transaction, and its feed, as ``actor``'s."""
        other = SqlTransaction(
            self._connection,
            writes=self._writes,
            master_key=self._master_key,
            actor=actor,
            clock=self._clock,
        )
        other.feed = self.feed
        other._told = self._told
        return other

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A block whose changes are undone when it raises, with what they were announced and told by; the transaction
        goes on."""
        fed, told = self.feed.mark(), len(self._told)
        try:
            async with self._connection.begin_nested():
                yield
        except BaseException:
            self.feed.forget(fed)
            del self._told[told:]
            raise

    @cached_property
    def leaks(self) -> SqlLeaks:
        return SqlLeaks(self._connection)

    @cached_property
    def idempotency(self) -> SqlIdempotency:
        return SqlIdempotency(self._connection)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self._connection, self.actor, self._master_key, self._told)

    async def flush(self) -> None:
        """Afterwards what was recorded for the trail is written, to be committed."""
        if self._told:
            await self.audit.flush()

    @cached_property
    def operators(self) -> SqlOperators:
        return SqlOperators(self._connection)

    @cached_property
    def environments(self) -> SqlEnvironments:
        return SqlEnvironments(self._connection, self._master_key)

    @cached_property
    def apis(self) -> SqlApis:
        return SqlApis(self._connection, self._master_key)

    @cached_property
    def plans(self) -> SqlPlans:
        return SqlPlans(self._connection)

    @cached_property
    def promotions(self) -> SqlPromotions:
        return SqlPromotions(self._connection)

    @cached_property
    def applications(self) -> SqlApplications:
        return SqlApplications(self._connection)

    @cached_property
    def credentials(self) -> SqlCredentials:
        return SqlCredentials(self._connection)

    @cached_property
    def access_requests(self) -> SqlAccessRequests:
        return SqlAccessRequests(self._connection)

    @cached_property
    def groups(self) -> SqlGroups:
        return SqlGroups(self._connection)

    @cached_property
    def webhooks(self) -> SqlWebhooks:
        return SqlWebhooks(self._connection, self._master_key, self._clock, claims=self._writes)

    @cached_property
    def clients(self) -> SqlClients:
        return SqlClients(self._connection, self.feed, self._clock)

    @cached_property
    def grants(self) -> SqlGrants:
        return SqlGrants(self._connection)

    @cached_property
    def once(self) -> SqlOnce:
        return SqlOnce(self._connection)

    @cached_property
    def refresh_tokens(self) -> SqlRefreshTokens:
        return SqlRefreshTokens(self._connection)

    @cached_property
    def access_tokens(self) -> SqlAccessTokens:
        return SqlAccessTokens(self._connection)

    @cached_property
    def device_codes(self) -> SqlDeviceCodes:
        return SqlDeviceCodes(self._connection)

    @cached_property
    def consents(self) -> SqlConsents:
        return SqlConsents(self._connection)

    @cached_property
    def users(self) -> SqlUsers:
        return SqlUsers(self._connection)

    @cached_property
    def roles(self) -> SqlRoles:
        return SqlRoles(self._connection)

    @cached_property
    def factors(self) -> SqlFactors:
        return SqlFactors(self._connection)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._connection)

    @cached_property
    def throttle(self) -> SqlThrottle:
        return SqlThrottle(self._connection)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._connection, claims=self._writes)

    @cached_property
    def providers(self) -> SqlProviders:
        return SqlProviders(self._connection)

    @cached_property
    def token_keys(self) -> SqlTokenKeys:
        return SqlTokenKeys(self._connection, self.feed, self._clock)

    @cached_property
    def revocations(self) -> SqlRevocations:
        return SqlRevocations(self._connection, self.feed)

    @cached_property
    def issuer_keys(self) -> SqlIssuerKeys:
        return SqlIssuerKeys(self._connection, self.feed)

    async def sweep(self, now: float) -> int:
        """Deletes what expired long enough ago to matter to nobody; how many rows."""
        return await sweep(self._connection, now)
