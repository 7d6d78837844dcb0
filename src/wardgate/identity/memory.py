"""What one process remembers between calls: bounded, never the only copy, and as old as each part says."""

from __future__ import annotations

from dataclasses import dataclass, field

from wardgate.identity.directory import ApiDirectory
from wardgate.identity.remote_keys import ClientKeys, RemoteKeys


@dataclass(frozen=True, slots=True)
class Memory:
    """The caches of one server in one process."""

    remote_keys: RemoteKeys = field(default_factory=RemoteKeys)
    client_keys: ClientKeys = field(default_factory=ClientKeys)
    apis: ApiDirectory = field(default_factory=ApiDirectory)
