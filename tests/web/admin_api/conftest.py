"""The admin API on a real store, asked over ASGI by whoever a test wants to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx2
import pytest
from starlette.requests import Request

from wardgate.control.errors import UnauthenticatedError
from wardgate.domain.actor import Actor, local_actor
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.domain.settings import ServerSettings
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.app import admin_app
from wardgate.web.admin_api.ask import Services
from wardgate.web.identity_server import build_server

BASE = "http://127.0.0.1/admin/v1"


def services_of(store: SqlStore) -> Services:
    """What the API needs, on ``store``, for the environment development."""
    settings = ServerSettings(
        data_dir=str(store.data_dir), environment="development", issuer="https://id.example.com"
    )
    identity = build_server(settings, store.overlapping)
    return Services(store=store, settings=settings, identity=lambda: identity)


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who a request is of, by its bearer: the name of a built-in role, or an actor added to ``known``."""

    known: dict[str, Actor]

    async def __call__(self, request: Request) -> Actor:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self.known:
            raise UnauthenticatedError
        return self.known[bearer]


@pytest.fixture
def visitors() -> Visitors:
    """One actor for each built-in role, whose bearer is the role's name."""
    return Visitors(
        {
            role: Actor(kind="user", id=f"usr_{role}", name=role, permissions=permissions)
            for role, permissions in BUILTIN_ROLES.items()
        }
        | {"local": local_actor("tester")}
    )


@pytest.fixture
async def visit(store: SqlStore, visitors: Visitors) -> AsyncIterator[Callable[[str], httpx2.AsyncClient]]:
    """Makes clients of the API, by the bearer they show."""
    app = admin_app(services_of(store), visitors)
    opened: list[httpx2.AsyncClient] = []

    def make(bearer: str) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url=BASE,
            headers={"Authorization": f"Bearer {bearer}"},
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def admin(visit: Callable[[str], httpx2.AsyncClient]) -> httpx2.AsyncClient:
    """An owner's client of the API."""
    return visit("owner")
