"""``wardgate serve``: starts the supervisor and runs it until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvloop

from wardgate.domain.serving import UnreachableError, check_reachable, served
from wardgate.domain.settings import ServerSettings
from wardgate.gateway.launch import LOG_FORMAT, raise_file_limit
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger
from wardgate.supervisor.certificates import CertificateDesk
from wardgate.supervisor.limits import LimitDesk
from wardgate.supervisor.prepare import PrepareError, check_environment, hosts_of, prepare_store
from wardgate.supervisor.relay import RelayDesk
from wardgate.supervisor.replay import ReplayDesk
from wardgate.supervisor.service import Desk, StartError, Supervisor
from wardgate.supervisor.sockets import ListenError
from wardgate.supervisor.state import AlreadyServingError, serving
from wardgate.supervisor.telemetry import TelemetryDesk


class ServeError(Exception):
    """The service could not be started; the message names what is wrong and what to do."""


def serve(settings: ServerSettings, say: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then drains; SIGHUP reloads certificates. ``say`` prints to the operator.

    Raises:
        ServeError: it could not start.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raise_file_limit()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT.replace("%(name)s", "supervisor[%(process)d]"))
    data_dir = Path(settings.data_dir)
    try:
        prepare_store(data_dir)
        hosts = hosts_of(data_dir)
        with contextlib.ExitStack() as held:
            for environment in served(settings):
                check_environment(data_dir, environment)
                held.enter_context(serving(data_dir, environment))
            check_reachable(settings, hosts)
            uvloop.run(_run(settings, say, hosts))
    except (
        PrepareError,
        AlreadyServingError,
        ListenError,
        StartError,
        StoreUnavailableError,
        UnreachableError,
    ) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        raise ServeError(
            f"{data_dir} cannot be used ({error.strerror}); choose another with --data-dir"
        ) from error


async def _run(
    settings: ServerSettings, say: Callable[[str], None], hosts: Mapping[str, tuple[str, ...]]
) -> None:
    ledger = Ledger(database_path(Path(settings.data_dir)))
    limits = LimitDesk(ledger.load_quotas(time.time()))
    desks: list[Desk] = [
        limits,
        TelemetryDesk(ledger, limits.take_quotas),
        CertificateDesk(settings.certificates),
        RelayDesk(),
        ReplayDesk(),
    ]
    supervisor = Supervisor(settings, desks, say, hosts=hosts)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, supervisor.reload_certificates)
    await supervisor.run()
