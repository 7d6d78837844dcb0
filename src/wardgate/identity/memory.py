"""What one process remembers between calls: bounded, never the only copy, and as old as each part says."""

from __future__ import annotations

from dataclasses import dataclass, field

from wardgate.identity.background import Tasks
from wardgate.identity.directory import ApiDirectory
from wardgate.identity.failures import Failures
from wardgate.identity.federation.discovery import Discovery
from wardgate.identity.gcra import Rates
from wardgate.identity.people.uses import Uses
from wardgate.identity.remote_keys import ClientKeys, RemoteKeys


@dataclass(frozen=True, slots=True)
class Memory:
    """The caches of one server in one process, and its work under way."""

    remote_keys: RemoteKeys = field(default_factory=RemoteKeys)
    client_keys: ClientKeys = field(default_factory=ClientKeys)
    apis: ApiDirectory = field(default_factory=ApiDirectory)
    discovery: Discovery = field(default_factory=Discovery)
    uses: Uses = field(default_factory=Uses)
    #: What strangers may have stored (``intake.py``): an office behind one address signs in within minutes of nine.
    addresses: Rates = field(default_factory=lambda: Rates(600, 300))
    proofs: Rates = field(default_factory=lambda: Rates(6000, 3000))
    #: The same for clients that authenticate, each by its id.
    clients: Rates = field(default_factory=lambda: Rates(6000, 3000))
    failures: Failures = field(default_factory=Failures)
    #: Work that goes on after the answer; to be closed with the process.
    tasks: Tasks = field(default_factory=Tasks)
