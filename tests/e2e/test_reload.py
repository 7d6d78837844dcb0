"""Changes and restarts under load: which requests fail, and that nearly all do not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.load import Load
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream


@pytest.fixture
def stack(tmp_path: Path, upstream: Upstream) -> Iterator[Stack]:
    """Two workers, for each test anew: most of these tests leave a wounded installation."""
    with Stack(tmp_path, upstream, document([api("raw", [upstream.url])]), workers=2) as running:
        yield running


def test_applying_documents_under_load_fails_no_request(stack: Stack, upstream: Upstream) -> None:
    """Ten changes of the API, its upstream and a second API while clients ask: every answer is 200."""
    with Upstream(name="second") as second:
        with Load(stack, "/raw/v1/echo") as load:
            time.sleep(0.2)
            for number in range(5):
                targets = [upstream.url, second.url] if number % 2 else [second.url]
                stack.apply(
                    document([api("raw", targets, max_body=1000 + number), api(f"more{number}", targets)])
                )
                time.sleep(0.1)
            time.sleep(0.3)
        assert load.broken == []
        assert set(load.told) == {(200, "")}
        assert load.total > 200
        assert second.log.requests
        assert stack.ask("/more4/v1/echo").status == 200
    stack.apply(document([api("raw", [upstream.url])]))


def test_a_new_resource_is_served_at_once(stack: Stack, upstream: Upstream) -> None:
    """What `apply` committed is in force a tenth of a second later."""
    assert stack.ask("/fresh/v1/echo").status == 404
    stack.apply(document([api("raw", [upstream.url]), api("fresh", [upstream.url])]))
    time.sleep(0.1)
    assert [stack.ask("/fresh/v1/echo").status for _ in range(10)] == [200] * 10


def test_a_stop_under_load_finishes_what_was_begun(stack: Stack) -> None:
    """SIGTERM: requests in flight are answered, later connections refused, and the process ends with status 0."""
    with Load(stack, "/raw/v1/slow?s=0.3", clients=6) as load:
        time.sleep(0.5)
        stack.service.process.send_signal(signal.SIGTERM)
        assert stack.service.process.wait(20) == 0
        time.sleep(0.1)
    assert set(load.told) == {(200, "")}
    assert load.broken == []
    assert load.refused_connections


def test_killing_a_worker_costs_only_its_connections(stack: Stack) -> None:
    """kill -9 of one worker: its open connections break, everything else is answered, and it is replaced."""
    before = stack.service.workers()
    with Load(stack, "/raw/v1/echo", clients=6) as load:
        time.sleep(0.4)
        os.kill(before[0], signal.SIGKILL)
        stack.service.until(
            lambda: len(stack.service.workers()) == 2 and before[0] not in stack.service.workers(), 10
        )
        stack.service.until(lambda: stack.service.readyz() == 200, 10)
        time.sleep(0.3)
    assert set(load.told) == {(200, "")}
    assert len(load.broken) <= 6 + 2
    assert load.total > 200


def test_killing_control_costs_no_request(stack: Stack) -> None:
    """kill -9 of control: the gateway goes on without a failed request, and control comes back."""
    control = stack.service.children()["wardgate.web.main"][0]
    with Load(stack, "/raw/v1/echo") as load:
        time.sleep(0.3)
        os.kill(control, signal.SIGKILL)
        stack.service.until(
            lambda: stack.service.children().get("wardgate.web.main", [control])[0] != control, 15
        )
        stack.service.until(lambda: stack.service.readyz() == 200, 15)
    assert set(load.told) == {(200, "")}
    assert load.broken == []


def test_a_killed_supervisor_takes_its_workers_with_it(stack: Stack) -> None:
    """kill -9 of the supervisor: nobody serves uncounted, the workers drain and end, and a new start serves."""
    workers = stack.service.workers()
    with Load(stack, "/raw/v1/echo"):
        time.sleep(0.3)
        os.kill(stack.service.process.pid, signal.SIGKILL)
        stack.service.process.wait(10)
        deadline = time.monotonic() + 10
        while any(_alive(pid) for pid in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    stack.start()
    assert stack.ask("/raw/v1/echo").status == 200


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_an_upstream_that_dies_and_returns(make_stack: MakeStack, upstream: Upstream) -> None:
    """While the upstream is away clients get 502 and 503 on connections that stay; then 200 again."""
    with Upstream() as first:
        port = first.port
        breaker = {"breaker": {"failures": 5, "open_seconds": 1}}
        stack = make_stack(upstream, document([api("raw", [first.url], upstream=breaker)]))
        with Load(stack, "/raw/v1/echo") as load:
            time.sleep(0.3)
            first.stop()
            time.sleep(0.7)
            down = dict(load.told)
            with Upstream(port=port):
                time.sleep(2.0)
                load.told.clear()
                time.sleep(0.4)
                after = dict(load.told)
    assert load.broken == []
    assert set(down) <= {
        (200, ""),
        (502, "upstream_connect_failed"),
        (502, "upstream_closed"),
        (503, "upstream_unavailable"),
    }
    assert down[503, "upstream_unavailable"] > 10
    assert set(after) == {(200, "")}
