"""What a quota forgets when every process is killed at once, and what it never does."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Closed, Wire

from wardgate.gateway.main import LIMITS_SECONDS
from wardgate.limits.cell import REPORT_EVERY
from wardgate.supervisor.telemetry import FLUSH_SECONDS, QUOTA_SECONDS

AMOUNT = 1_000_000
SECONDS = 4.0
CLIENTS = 4
RATE = 100.0
#: Use older than this is known again after the kill: until a worker reports, until it looks, until the supervisor writes;
#: and some for processes that wait for a processor.
FORGOTTEN = REPORT_EVERY + LIMITS_SECONDS + QUOTA_SECONDS + 0.4


class Client:
    """Asks on one connection in a steady rhythm, and notes when each request was admitted."""

    def __init__(self, stack: Stack) -> None:
        self.admitted: list[float] = []
        self.unsure = 0
        self._stack = stack
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        request = self._stack.request("/raw/v1/echo", key=self._stack.keys["metered"])
        due = time.monotonic()
        try:
            with Wire(self._stack.port) as wire:
                while True:
                    self.unsure = 1
                    wire.send(request)
                    if wire.answer().status != 200:
                        return
                    self.unsure = 0
                    self.admitted.append(time.monotonic())
                    due += CLIENTS / RATE
                    time.sleep(max(0.0, due - time.monotonic()))
        except (Closed, OSError):
            return

    def join(self) -> None:
        """Waits for its end, which is that of the gateway."""
        self._thread.join(20)


def test_the_bound_is_one_flush() -> None:
    """A worker's report, its look and the supervisor's write together are less than the interval of a flush."""
    assert REPORT_EVERY + LIMITS_SECONDS + QUOTA_SECONDS < FLUSH_SECONDS


def remaining(stack: Stack) -> int:
    """What the quota has left after one more request, as the gateway tells it."""
    answer = stack.ask("/raw/v1/echo", key=stack.keys["metered"])
    assert answer.status == 200
    (told,) = answer.values("ratelimit")
    found = re.search(r'"quota";r=(\d+)', told)
    assert found is not None
    return int(found[1])


def test_a_kill_forgets_the_last_moments_only(tmp_path: Path) -> None:
    """Steady load on two workers, kill -9 of everything, restart. What is left is at most what was used in the last moments
    more than the truth, and never less: leases that were out are not written, so they cost nothing."""
    plans = {"metered": [{"kind": "quota", "amount": AMOUNT, "per": "year"}]}
    with Upstream() as upstream:
        content = document([api("raw", [upstream.url], plans=["metered"])], plans)
        with Stack(tmp_path, upstream, content, workers=2) as stack:
            clients = [Client(stack) for _ in range(CLIENTS)]
            time.sleep(SECONDS)
            killed = time.monotonic()
            stack.service.kill_all()
            for client in clients:
                client.join()
            times = [at for client in clients for at in client.admitted]
            used = len(times)
            assert used >= 0.6 * RATE * SECONDS, "the load was not what the test is about"
            recent = sum(at > killed - FORGOTTEN for at in times)
            assert used > 1.5 * recent
            stack.start()
            left = remaining(stack)
    # The request that asked counts as well; one of each client may have been admitted without its answer being seen.
    truth = AMOUNT - used - 1
    unsure = sum(client.unsure for client in clients)
    assert truth - unsure <= left <= truth + recent, (left - truth, recent)
