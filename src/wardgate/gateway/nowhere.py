"""Who takes the requests for hosts of no environment."""

from __future__ import annotations

from wardgate.domain.settings import ServerSettings
from wardgate.gateway.reception import Reception, Shared
from wardgate.gateway.snapshot import NoSnapshot
from wardgate.gateway.worker import Worker
from wardgate.telemetry.access_log import AccessLog
from wardgate.telemetry.recorder import Recorder


class Nowhere(Worker):
    """A worker that receives requests, counts them with those of the primary environment and refuses each. It has nothing
    else of a worker: no request gets as far as to ask for it."""

    def __init__(
        self,
        settings: ServerSettings,
        shared: Shared,
        recorder: Recorder,
        access_log: AccessLog | None,
        master_key: bytes,
    ) -> None:
        Reception.__init__(self, settings, shared, recorder, access_log, master_key)
        self.snapshot = NoSnapshot({}, master_key)
