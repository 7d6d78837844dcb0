"""Builds the authorization server of one environment from what the installation was told, and its jobs."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from wardgate.domain.settings import ServerSettings, issuer_of
from wardgate.identity.fetch import SafeFetcher
from wardgate.identity.keys import KeyRing
from wardgate.identity.people.outbox import (
    AT_A_TIME,
    PASSWORD_VARIABLE,
    SmtpServer,
    send_due,
    smtp_server,
)
from wardgate.identity.ports import Store
from wardgate.identity.server import IdentitySettings, Server
from wardgate.identity.upkeep import EVERY, round_of
from wardgate.identity.webhook_delivery import TIMEOUT, Deliverer
from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.layout import database_path
from wardgate.storage.tokenreader import SqliteTokenReader
from wardgate.storage.vault import Vault
from wardgate.web.jobs import Job

_MAIL_SECONDS = 2.0
_WEBHOOK_SECONDS = 1.0


def build_server(settings: ServerSettings, store: Store) -> Server:
    """The server of ``settings.environment``.

    Raises:
        ValueError: ``outbound_allow`` holds something that is no network.
    """
    identity = IdentitySettings(
        issuer=issuer_of(settings),
        environment=settings.environment,
        open_signup=settings.open_signup,
        open_registration=settings.open_registration,
    )
    vault = Vault(store.master_key())
    database = database_path(Path(settings.data_dir))
    return Server(
        settings=identity,
        store=store,
        clients=SqliteClientReader(database),
        token_reader=SqliteTokenReader(database),
        keys=KeyRing(store, vault, identity),
        vault=vault,
        fetch=SafeFetcher(settings.outbound_allow),
    )


def smtp_of(settings: ServerSettings) -> SmtpServer | None:
    """The SMTP server mail is handed to; ``None``: it stays in the outbox.

    Raises:
        ValueError: ``smtp`` is no such URL, or its user has no password; the message says what to do.
    """
    if not settings.smtp:
        return None
    sender = settings.mail_from or f"wardgate@{urlsplit(issuer_of(settings)).hostname}"
    return smtp_server(settings.smtp, password=os.environ.get(PASSWORD_VARIABLE, ""), sender=sender)


def webhook_job(settings: ServerSettings, server: Server) -> Job:
    """Sends webhooks their messages, to where ``server`` may call.

    Raises:
        ValueError: ``outbound_allow`` holds something that is no network.
    """
    sender = SafeFetcher(settings.outbound_allow, timeout=TIMEOUT)
    deliverer = Deliverer(server.store, sender, server.memory.tasks, server.clock)
    return Job(name="webhooks", seconds=_WEBHOOK_SECONDS, run=deliverer.round)


def jobs_of(server: Server, smtp: SmtpServer | None) -> list[Job]:
    """What has to be done in the background: expired rows swept, keys made before they are due, mail sent."""

    async def upkeep() -> bool:
        if isinstance(server.keys, KeyRing):
            await round_of(server, server.keys)
        return False

    async def mail() -> bool:
        return smtp is not None and await send_due(server, smtp) >= AT_A_TIME

    jobs = [Job(name="upkeep", seconds=EVERY, run=upkeep)]
    return jobs if smtp is None else [*jobs, Job(name="outbox", seconds=_MAIL_SECONDS, run=mail)]
