"""Who takes the requests for hosts of no environment."""

from __future__ import annotations

from wardgate.gateway.reception import Reception
from wardgate.gateway.snapshot import NoSnapshot
from wardgate.gateway.worker import Worker


class Nowhere(Worker):
    """A worker that receives requests, counts them with those of the primary environment and refuses each. It has nothing
    else of a worker: no request gets as far as to ask for it."""

    def __init__(self, primary: Reception, master_key: bytes) -> None:
        Reception.__init__(
            self, primary.settings, primary.shared, primary.recorder, primary.access_log, master_key
        )
        self.snapshot = NoSnapshot({}, master_key)
