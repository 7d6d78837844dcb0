"""The control process: uvicorn on the inherited control socket, joined to the supervisor by the hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from wardgate.control.github_reports import Keys
from wardgate.control.operators.authenticate import authenticate
from wardgate.control.promote import carry_out_due
from wardgate.domain.serving import served, settings_of
from wardgate.domain.settings import ServerSettings
from wardgate.gateway.hub import HubClient
from wardgate.gateway.launch import EXIT_CONFIG, Launch, LaunchError, become_child, hub_fd
from wardgate.identity.asking import Introspection
from wardgate.identity.issuers import Issuers
from wardgate.identity.operator_tokens import signed_on
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path
from wardgate.storage.reader import SqliteSource
from wardgate.web.app import create_app
from wardgate.web.bridge import SupervisorBridge
from wardgate.web.environments import IdentityApps
from wardgate.web.identity import IdentityApp
from wardgate.web.identity_server import build_server, jobs_of, smtp_of, webhook_job
from wardgate.web.issuer_relay import IssuerRelay
from wardgate.web.jobs import Job, Jobs
from wardgate.web.late import Late
from wardgate.web.secret_scanning import load_keys, scanning_routes, settling
from wardgate.web.trail_job import shortening

_log = logging.getLogger("wardgate.web")

#: Seconds between two looks at which foreign issuers are due to be read.
ISSUER_ROUND = 5.0
#: Seconds between two looks at which promotions are due.
PROMOTION_ROUND = 1.0


class ControlServer(uvicorn.Server):
    """A server that leaves signals to this module and says when it listens; then it runs ``afterwards``."""

    def __init__(
        self, config: uvicorn.Config, hub: HubClient, afterwards: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        super().__init__(config)
        self._hub = hub
        self._afterwards = afterwards
        self._running: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The supervisor decides when to stop; see :func:`serve`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._hub.send({"kind": "ready"})
        self._running = asyncio.create_task(self._afterwards())

    def stop(self) -> None:
        """Answers what is being served, then returns from ``serve``."""
        self.should_exit = True


async def serve(launch: Launch) -> None:
    """Serves the control address until the supervisor says ``drain`` or is gone.

    Raises:
        StoreError: the store cannot be opened.
        ValueError: a setting of the authorization server is wrong; the message says which.
    """
    settings = launch.settings
    smtp = smtp_of(settings)
    scanning = load_keys(settings.secret_scanning_keys) if settings.secret_scanning_keys else None
    hub = await HubClient.connect(hub_fd())
    async with await open_store(Path(settings.data_dir)) as store:
        servers = {
            name: build_server(settings_of(settings, name), store.overlapping) for name in served(settings)
        }
        identity = servers[settings.environment]
        issuers = {name: Issuers(store, server.fetch, name, server.clock) for name, server in servers.items()}
        relay = IssuerRelay(
            hub,
            {name: (each, Introspection(each, servers[name].fetch)) for name, each in issuers.items()},
            settings.environment,
        )
        reading = [Job(name="issuers", seconds=ISSUER_ROUND, run=each.round) for each in issuers.values()]
        for other in settings.also:
            reading += jobs_of(servers[other.name], None)
        try:
            jobs = [*reading, webhook_job(settings, identity), promotion_job(store, identity.clock)]
            jobs += [settling(store), shortening(store)]
            async with Jobs([*jobs_of(identity, smtp), *jobs]):
                await _answer(launch, hub, store, servers, scanning)
        finally:
            await relay.close()
            for server in servers.values():
                await server.memory.tasks.close()
                server.passwords.close()
    hub.close()


def promotion_job(store: SqlStore, clock: Callable[[], float]) -> Job:
    """Carries out promotions at their time, on the installation's own account. Several processes may: each is done once."""

    async def due() -> bool:
        await carry_out_due(store, clock=clock)
        return False

    return Job(name="promotions", seconds=PROMOTION_ROUND, run=due)


async def _answer(
    launch: Launch, hub: HubClient, store: SqlStore, servers: Mapping[str, Server], scanning: Keys | None
) -> None:
    settings = launch.settings
    identity = servers[settings.environment]
    apps = {name: IdentityApp(server) for name, server in servers.items()}
    own: IdentityApp | IdentityApps = apps[settings.environment]
    if settings.also:
        own = IdentityApps(apps, settings.environment, store.master_key())

    def probe_store() -> None:
        source = SqliteSource(database_path(Path(settings.data_dir)), settings.environment, b"")
        try:
            source.position()
        finally:
            source.close()

    admin = Late(partial(_admin, settings, store, servers))
    more = scanning_routes(store, scanning, identity.clock) if scanning is not None else ()
    app = create_app(settings, SupervisorBridge(hub), probe_store, own, admin, more)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        proxy_headers=False,
    )
    server = ControlServer(config, hub, partial(_prepare, admin))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    hub.on("drain", lambda message: server.stop())
    hub.on_lost = server.stop
    await server.serve(sockets=[socket.socket(fileno=inherited.fd) for inherited in launch.sockets])


async def _prepare(admin: Late) -> None:
    try:
        await admin.prepare()
    except Exception:
        _log.exception("the admin API cannot be served")


def _admin(settings: ServerSettings, store: SqlStore, servers: Mapping[str, Server]) -> ASGIApp:
    """The admin API. What it is made of takes longer to import than all the rest."""
    from wardgate.web.admin_api.actor import BearerActors
    from wardgate.web.admin_api.app import admin_app
    from wardgate.web.admin_api.ask import Services

    identity = servers[settings.environment]
    return admin_app(
        Services(store=store, settings=settings, identity=lambda: identity, clock=identity.clock),
        BearerActors(store, partial(authenticate, signed_on=signed_on(*servers.values())), identity.clock),
    )


def main() -> int:
    """Runs the control process; its exit status."""
    try:
        launch = become_child("control")
    except LaunchError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
    try:
        uvloop.run(serve(launch))
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
