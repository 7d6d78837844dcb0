"""The admin API as it runs: a real server on a free port, a real store, real access tokens."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from tests.storage.samples import FREE, application, entry
from tests.web.admin_api.conftest import services_of

from wardgate.control.apply import apply_document
from wardgate.control.operators.authenticate import authenticate
from wardgate.control.operators.grants import grant
from wardgate.control.operators.service_accounts import add_service_account
from wardgate.control.operators.tokens import issue_token
from wardgate.domain.document import Document
from wardgate.storage.database import SqlStore, open_store
from wardgate.web.admin_api.actor import BearerActors
from wardgate.web.admin_api.app import admin_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers at ``url``, and tokens of operators by their role."""

    url: str
    tokens: dict[str, str]


@contextmanager
def running(
    data_dir: Path, *, roles: tuple[str, ...] = ("owner",), certificate: tuple[Path, Path] | None = None
) -> Iterator[Running]:
    """A server on the store in ``data_dir``, with a service account for each of ``roles``, until the block ends."""
    tokens = asyncio.run(_prepare(data_dir, roles))
    ready = threading.Event()
    stop: list[Callable[[], None]] = []
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(data_dir, listener, certificate, ready, stop)), daemon=True
    )
    thread.start()
    assert ready.wait(20), "the server did not start"
    scheme = "http" if certificate is None else "https"
    try:
        yield Running(url=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", tokens=tokens)
    finally:
        stop[0]()
        thread.join(20)


async def _prepare(data_dir: Path, roles: tuple[str, ...]) -> dict[str, str]:
    async with await open_store(data_dir) as store:
        document = Document(
            apis=(entry(),), plans=(FREE,), applications=(application("shop", orders="free"),)
        )
        await apply_document(store, document, "development", "tester", "")
        return {role: await _token(store, role) for role in roles}


async def _token(store: SqlStore, role: str) -> str:
    account = await add_service_account(store, name=f"the-{role}")
    await grant(store, kind="service", name=account.name, role=role)
    _, secret = await issue_token(store, name="test", service=account.name)
    return secret.reveal().decode()


async def _serve(
    data_dir: Path,
    listener: socket.socket,
    certificate: tuple[Path, Path] | None,
    ready: threading.Event,
    stop: list[Callable[[], None]],
) -> None:
    async with await open_store(data_dir) as store:
        app = admin_app(services_of(store), BearerActors(store, authenticate, services_of(store).clock))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        if certificate is not None:
            config.ssl_certfile, config.ssl_keyfile = map(str, certificate)
            config.ssl_version = ssl.PROTOCOL_TLS_SERVER
        server = uvicorn.Server(config)
        loop = asyncio.get_running_loop()

        def end() -> None:
            server.should_exit = True

        def ask_to_end() -> None:
            loop.call_soon_threadsafe(end)

        stop.append(ask_to_end)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
            if task.done():
                break
        ready.set()
        await task
