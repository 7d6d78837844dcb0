"""What goes through the gateways."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query

from wardgate.control.authority import require
from wardgate.control.lookup import environment_named
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger, Top
from wardgate.telemetry.top import TopLine
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model
from wardgate.web.admin_api.operations import Operations

operations = Operations("traffic")


class TrafficLine(Model):
    """What one resource carried, or one application sent. Latencies are seconds, of half and of 95 in 100 requests."""

    api: str
    name: str
    requests: int
    rate: float
    errors: int
    error_share: float
    p50: float | None
    p95: float | None
    bytes_in: int
    bytes_out: int
    outcomes: dict[str, int]


class TrafficTop(Model):
    """The most trafficked resources and the heaviest applications of the last ``seconds``."""

    environment: str
    seconds: float
    resources: list[TrafficLine]
    applications: list[TrafficLine]


@operations.get("/traffic:top", permission="traffic.view", refuses=(404,))
async def show_top(
    ask: Ask,
    minutes: Annotated[int, Query(ge=1, le=1440, description="The current one included.")] = 5,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    environment: Annotated[
        str | None, Query(max_length=100, description="By default the server's own.")
    ] = None,
) -> TrafficTop:
    """What carried most requests in the last minutes."""
    require(ask.actor, "traffic.view")
    place = environment or ask.environment
    async with ask.store.reading() as tx:
        await environment_named(tx, place)
    top = await asyncio.to_thread(_look, ask, place, minutes, limit)
    return TrafficTop(
        environment=place,
        seconds=top.seconds,
        resources=[_shown(line) for line in top.resources],
        applications=[_shown(line) for line in top.applications],
    )


def _look(ask: Ask, environment: str, minutes: int, limit: int) -> Top:
    ledger = Ledger(database_path(ask.store.data_dir))
    try:
        return ledger.top(minutes, now=ask.clock(), environment=environment, limit=limit)
    except StoreUnavailableError as error:
        raise StoreError("store_unavailable", str(error), "Try again later") from error
    finally:
        ledger.close()


def _shown(line: TopLine) -> TrafficLine:
    return TrafficLine(
        api=line.api,
        name=line.name,
        requests=line.requests,
        rate=line.rate,
        errors=line.errors,
        error_share=line.error_share,
        p50=line.p50,
        p95=line.p95,
        bytes_in=line.bytes_in,
        bytes_out=line.bytes_out,
        outcomes=dict(line.outcomes),
    )
