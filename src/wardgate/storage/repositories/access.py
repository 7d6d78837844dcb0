"""Requests for access."""

from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.access import AccessRequest, RequestStatus
from wardgate.storage.controls import controls_from_text, controls_to_text
from wardgate.storage.errors import stored
from wardgate.storage.tables_access import access_requests


class SqlAccessRequests:
    """The rows of ``access_requests``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, request: AccessRequest) -> None:
        await self._connection.execute(
            insert(access_requests).values(
                id=request.id,
                subscription=request.subscription,
                application_id=request.application,
                environment=request.environment,
                api=request.api,
                plan=request.plan,
                requester=request.requester,
                requested_by=request.requested_by,
                requested_at=request.requested_at,
                message=request.message,
                **_decision(request),
            )
        )

    async def get(self, request_id: str) -> AccessRequest | None:
        row = (
            await self._connection.execute(select(access_requests).where(access_requests.c.id == request_id))
        ).first()
        return None if row is None else _request(row)

    async def open_for(self, subscription_id: str) -> AccessRequest | None:
        row = (
            await self._connection.execute(
                select(access_requests).where(
                    access_requests.c.subscription == subscription_id, access_requests.c.status == "pending"
                )
            )
        ).first()
        return None if row is None else _request(row)

    async def list(
        self,
        *,
        status: RequestStatus | None = None,
        environment: str | None = None,
        application: str | None = None,
        api: str | None = None,
    ) -> builtins.list[AccessRequest]:
        query = select(access_requests).order_by(access_requests.c.id)
        for column, value in (
            (access_requests.c.status, status),
            (access_requests.c.environment, environment),
            (access_requests.c.application_id, application),
            (access_requests.c.api, api),
        ):
            if value is not None:
                query = query.where(column == value)
        return [_request(row) for row in await self._connection.execute(query)]

    async def decide(self, decided: AccessRequest) -> bool:
        done = await self._connection.execute(
            update(access_requests)
            .where(access_requests.c.id == decided.id, access_requests.c.status == "pending")
            .values(plan=decided.plan, **_decision(decided))
        )
        return done.rowcount == 1


def _decision(request: AccessRequest) -> dict[str, Any]:
    return {
        "status": request.status,
        "decided_by": request.decided_by,
        "decided_at": request.decided_at,
        "reason": request.reason,
        "controls": controls_to_text(request.controls),
        "expires_at": request.expires_at,
    }


def _request(row: Row[Any]) -> AccessRequest:
    with stored(f"the request {row.id}"):
        return AccessRequest(
            id=row.id,
            subscription=row.subscription,
            application=row.application_id,
            environment=row.environment,
            api=row.api,
            plan=row.plan,
            requester=row.requester,
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            message=row.message,
            status=row.status,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            reason=row.reason,
            controls=controls_from_text(row.controls),
            expires_at=row.expires_at,
        )
