"""What an endpoint is given: who asks, and what it may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wardgate.domain.actor import Actor

if TYPE_CHECKING:
    from wardgate.domain.settings import ServerSettings
    from wardgate.identity.ports import Store
    from wardgate.identity.server import Server
    from wardgate.storage.database import SqlStore

#: Where an :class:`Ask` stands in an ASGI scope.
SCOPE_KEY = "wardgate.ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all endpoints share. ``clock`` gives Unix seconds; ``identity`` gives the authorization server, which is made
    when it is first asked for."""

    store: SqlStore
    settings: ServerSettings
    identity: Callable[[], Server]
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. ``store`` acts as ``actor``; while something is changed its transactions are all the one in which the
    precondition was checked, so that they commit together when the endpoint has returned."""

    actor: Actor
    store: Store
    services: Services

    @property
    def clock(self) -> Callable[[], float]:
        """The clock of the installation: Unix seconds."""
        return self.services.clock

    @property
    def environment(self) -> str:
        """The environment this process serves: what is meant where none is named."""
        return self.services.settings.environment

    @property
    def server(self) -> Server:
        """The authorization server, on this request's store: for use cases of ``identity``."""
        return replace(self.services.identity(), store=self.store)
