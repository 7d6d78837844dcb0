"""Promotion and rollback at a running gateway of the target environment, under load."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from tests.e2e.load import Load
from tests.e2e.second import approve_pending
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Wire

BAR = 2.0
WORKERS = 2
CONNECTIONS = 12
PATH = "/items/v1/items/echo"


def content(upstream: Upstream, **more: Any) -> dict[str, Any]:
    """The API with one plan; ``more`` adds to its settings."""
    return document([api("items", [upstream.url], undeclared="deny", **more)])


class Staging(Stack):
    """An installation whose gateway serves staging, with the API there and a key of its own."""

    def __enter__(self) -> Self:
        self.run("promote", "items/v1", "--to", "staging", "--reason", "first")
        applications = yaml.safe_load((self.folder / "wardgate.yaml").read_text())["applications"]
        file = self.folder / "staging.yaml"
        file.write_text(yaml.safe_dump({"applications": applications}))
        self.run("apply", "-f", str(file), "--environment", "staging")
        self.keys["open"] = self.issue("open", "--environment", "staging")
        self.start()
        return self

    def run(self, *arguments: str) -> str:
        return command(*arguments, "--data-dir", str(self.data_dir))

    def status(self, *arguments: str) -> int:
        """The exit status of a command."""
        from wardgate.cli.main import main

        return main([*arguments, "--data-dir", str(self.data_dir)])


@pytest.fixture(scope="module")
def second_upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def staging(tmp_path: Path, upstream: Upstream) -> Iterator[Staging]:
    marked = content(upstream, cors={"origins": ["https://app.example.com"]})
    with Staging(tmp_path, upstream, marked, "--environment", "staging", workers=WORKERS) as running:
        yield running


class Watch:
    """Connections to all workers that keep asking; when each first heard the revision that is waited for."""

    def __init__(self, stack: Stack, *, marked: bool) -> None:
        self.heard: list[float] = []
        self.workers: set[str] = set()
        self._request = stack.request(PATH)
        self._port = stack.port
        self._marked = marked
        self._threads = [threading.Thread(target=self._ask) for _ in range(CONNECTIONS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for thread in self._threads:
            thread.join(20)

    def _ask(self) -> None:
        deadline = time.monotonic() + 15
        with Wire(self._port) as wire:
            while time.monotonic() < deadline:
                wire.send(self._request)
                answer = wire.answer()
                assert answer.status == 200
                if (answer.values("vary") == ["Origin"]) is self._marked:
                    self.heard.append(time.monotonic())
                    return
                time.sleep(0.005)


def _changed(stack: Staging, *command_line: str, marked: bool) -> float:
    """Seconds from the start of a command to the last connection that heard of it."""
    with Watch(stack, marked=marked) as watch:
        time.sleep(0.1)
        began = time.monotonic()
        stack.run(*command_line)
    assert len(watch.heard) == CONNECTIONS
    return max(watch.heard) - began


def test_promotion_and_rollback_fail_no_request_and_reach_every_worker(
    staging: Staging, second_upstream: Upstream
) -> None:
    """The revision, which goes to another upstream, is served by every worker within two seconds, and so is the way back."""
    staging.apply(content(second_upstream))
    with Load(staging, PATH, clients=4) as load:
        forth = _changed(staging, "promote", "items/v1", "--to", "staging", marked=False)
        assert second_upstream.log.requests
        back = _changed(staging, "rollback", "items/v1", "--in", "staging", "--reason", "trying", marked=True)
    assert set(load.told) == {(200, "")}, load.told
    assert load.broken == []
    assert load.total > 50
    print(f"forth {forth:.3f} s, back {back:.3f} s, {load.total} answers")
    assert forth < BAR
    assert back < BAR


def test_what_weakens_stays_out_until_a_second_person_approves(
    staging: Staging, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for, it changes nothing that is served; who asked cannot approve it; another can, and then it is served."""
    opened = {"resources": {"GET /items/{id}": {"security": "off"}}, "schemes": ["api_key"]}
    staging.apply(content(upstream, security=opened))
    bare = f"GET {PATH} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode()
    assert staging.status("promote", "items/v1", "--to", "staging", "--json") == 3
    asked = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in asked["promotion"]["weakenings"]] == ["security_off"]
    assert "open to anyone" in asked["promotion"]["weakenings"][0]["sentence"]
    promotion = asked["promotion"]["id"]
    assert staging.status("promotions", "approve", promotion, "--reason", "mine") == 1
    assert "somebody else must approve" in capsys.readouterr().err
    time.sleep(0.5)
    assert _answer(staging, bare) == 401
    assert approve_pending(staging.data_dir) == [promotion]
    deadline = time.monotonic() + BAR
    while _answer(staging, bare) != 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _answer(staging, bare) == 200


def test_a_scheduled_promotion_is_carried_out_by_the_service(staging: Staging, upstream: Upstream) -> None:
    """The control process does it at its time, nobody else."""
    staging.apply(content(upstream))
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 2))
    staging.run("promote", "items/v1", "--to", "staging", "--at", at)
    assert staging.ask(PATH).values("vary") == ["Origin"]
    deadline = time.monotonic() + 10
    while staging.ask(PATH).values("vary") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert staging.ask(PATH).values("vary") == []
    done = json.loads(staging.run("promotions", "list", "--status", "done", "--json"))["promotions"]
    assert done[0]["scheduled_at"] <= done[0]["done_at"] < done[0]["scheduled_at"] + 5


def _answer(staging: Staging, request: bytes) -> int:
    with staging.wire() as wire:
        wire.send(request)
        return wire.answer().status
