"""One transaction: the repositories bound to its connection."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.storage.repositories.apis import SqlApis
from wardgate.storage.repositories.applications import SqlApplications
from wardgate.storage.repositories.credentials import SqlCredentials
from wardgate.storage.repositories.feed import SqlFeed
from wardgate.storage.repositories.plans import SqlEnvironments, SqlPlans


class SqlTransaction:
    """Implements ``control.ports.Transaction`` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.environments = SqlEnvironments(connection)
        self.apis = SqlApis(connection)
        self.plans = SqlPlans(connection)
        self.applications = SqlApplications(connection)
        self.credentials = SqlCredentials(connection)
        self.feed = SqlFeed(connection)
