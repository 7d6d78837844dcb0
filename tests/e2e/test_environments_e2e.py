"""Two environments in one `wardgate serve`, told apart by port and by host: nothing of the one is the other's."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.issuer import basic
from tests.e2e.promoting import promoted
from tests.e2e.stack import OPENAPI, api, command, document, whole_lines
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Wire, ask
from tests.supervisor.serving import Service, free_ports

HOSTS = {"development": "dev.example.com", "staging": "stage.example.com:8443"}
LIMITED = [{"kind": "quota", "amount": 3, "per": "day"}]


class Both:
    """Development and staging in one service: each with a port, and one port where the host decides."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.folder = folder
        self.upstream = upstream
        self.data = str(folder / "data")
        (folder / "items.openapi.yaml").write_text(yaml.safe_dump(OPENAPI))
        self.content = document(
            [api("raw", [upstream.url]), api("counted", [upstream.url], plans=["three"])], {"three": LIMITED}
        )
        self.apply(self.content)
        self.hosts()
        for name in ("raw/v1", "counted/v1"):
            self.promote(name)
        self.apply({"applications": self.content["applications"]}, "--environment", "staging")
        self.keys = {
            (environment, name): self.issue(name, environment)["key"]
            for environment in HOSTS
            for name in ("open", "three")
        }
        self.ports = dict(zip(HOSTS, free_ports(2), strict=True))
        bound = [
            part for name, port in self.ports.items() for part in ("--listen", f"127.0.0.1:{port}@{name}")
        ]
        self.service = Service(
            folder / "data", "--environment", "development", "--environment", "staging", *bound, workers=1
        )

    def apply(self, content: dict[str, Any], *options: str) -> None:
        file = self.folder / "wardgate.yaml"
        file.write_text(yaml.safe_dump(content))
        command("apply", "-f", str(file), "--data-dir", self.data, *options)

    def hosts(self) -> None:
        """Gives each environment its host, by both of which an API without hosts answers there."""
        self.apply(
            {"environments": [{"name": name, "hosts": [host]} for name, host in HOSTS.items()]},
        )

    def promote(self, name: str) -> None:
        promoted(Path(self.data), name, "staging")

    def issue(self, application: str, environment: str) -> dict[str, Any]:
        told = command(
            *("keys", "issue", application, "--environment", environment, "--json", "--data-dir", self.data)
        )
        return dict(json.loads(told))

    def ask(
        self, port: int, host: str, path: str = "/raw/v1/echo", key: str = "", method: str = "GET"
    ) -> Answer:
        line = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        return ask(port, f"{line}X-API-Key: {key}\r\n\r\n".encode(), method)

    def logged(self, request_id: str) -> dict[str, Any]:
        """The access log's line about a request."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for line in whole_lines(self.folder / "data" / "access.log"):
                if line["request_id"] == request_id:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"request {request_id} was never logged")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The service, for all tests of the module."""
    with Upstream() as upstream:
        made = Both(tmp_path_factory.mktemp("both"), upstream)
        with made.service:
            yield made


@pytest.mark.parametrize("environment", HOSTS)
def test_a_port_serves_its_environment(both: Both, environment: str) -> None:
    """A key of the environment works at its port, and the log and the answer tell of that environment alone."""
    answer = both.ask(both.ports[environment], HOSTS[environment], key=both.keys[environment, "open"])
    assert answer.status == 200
    (request_id,) = answer.values("x-wardgate-request-id")
    assert both.logged(request_id)["environment"] == environment


@pytest.mark.parametrize("environment", HOSTS)
def test_a_host_chooses_its_environment_at_a_shared_port(both: Both, environment: str) -> None:
    """The same port serves both, by the host alone; upper case and a trailing dot are the same host."""
    for host in (HOSTS[environment], HOSTS[environment].upper()):
        answer = both.ask(both.service.port, host, key=both.keys[environment, "open"])
        assert answer.status == 200, host
        (request_id,) = answer.values("x-wardgate-request-id")
        assert both.logged(request_id)["environment"] == environment


@pytest.mark.parametrize(
    "host", ["other.example.com", "stage.example.com", "stage.example.com:9", "127.0.0.1"]
)
def test_a_host_of_no_environment_is_refused(both: Both, host: str) -> None:
    """A host that none has (one with a port is not the same without) is never served by a default."""
    for path in ("/raw/v1/echo", "/.well-known/oauth-authorization-server", "/oauth2/jwks"):
        answer = both.ask(both.service.port, host, path, key=both.keys["development", "open"])
        assert (answer.status, answer.reason) == (421, "host_not_served"), path


def test_requests_on_one_connection_go_where_their_hosts_say(both: Both) -> None:
    """A connection that is kept serves whatever host its next request names, and nobody's in between."""
    order = ["development", "staging", "nowhere", "staging", "development"]
    with Wire(both.service.port) as wire:
        for environment in order:
            host = HOSTS.get(environment, "nowhere.example.com")
            key = both.keys.get((environment, "open"), "none")
            wire.send(f"GET /raw/v1/echo HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\n\r\n".encode())
            assert wire.answer().status == (421 if environment == "nowhere" else 200), environment


def test_a_key_of_the_other_environment_is_refused_with_its_reason_in_the_log_only(both: Both) -> None:
    """Whoever shows a key of staging to development hears no more than that it is not valid here."""
    for environment, other in (("development", "staging"), ("staging", "development")):
        for port in (both.ports[environment], both.service.port):
            answer = both.ask(port, HOSTS[environment], key=both.keys[other, "open"])
            assert (answer.status, answer.reason) == (401, "credential_invalid")
            (request_id,) = answer.values("x-wardgate-request-id")
            line = both.logged(request_id)
            assert (line["environment"], line["reason"]) == (environment, "key_wrong_environment")


def test_a_quota_of_one_environment_is_not_used_in_the_other(both: Both) -> None:
    """The same application on the same plan has three a day in each."""
    for environment in HOSTS:
        key = both.keys[environment, "three"]
        statuses = [
            both.ask(both.ports[environment], HOSTS[environment], "/counted/v1/echo", key).status
            for _ in range(4)
        ]
        assert statuses == [200, 200, 200, 429], environment


def test_a_revision_is_in_force_where_it_is_deployed(both: Both) -> None:
    """What is applied is seen in development at once, in staging once it is promoted, within a second each."""
    open_items = api(
        "raw",
        [both.upstream.url],
        security={"schemes": ["api_key"], "resources": {"GET /health": {"security": "off"}}},
    )
    content = {**both.content, "apis": [open_items, both.content["apis"][1]]}

    def status(environment: str) -> int:
        return both.ask(both.ports[environment], HOSTS[environment], "/raw/v1/health", key="").status

    assert (status("development"), status("staging")) == (401, 401)
    both.apply(content)
    both.service.until(lambda: status("development") == 200, 1.0)
    assert status("staging") == 401
    both.promote("raw/v1")
    both.service.until(lambda: status("staging") == 200, 1.0)


def test_a_killed_worker_comes_back_with_both(both: Both) -> None:
    """After kill -9 of the only worker both environments are served again, by port and by host."""
    (worker,) = both.service.workers()
    os.kill(worker, signal.SIGKILL)

    def served() -> bool:
        try:
            return all(
                both.ask(port, HOSTS[environment], key=both.keys[environment, "open"]).status == 200
                for environment in HOSTS
                for port in (both.ports[environment], both.service.port)
            )
        except Exception as error:  # the socket's backlog of a dead process
            return not error

    both.service.until(served, 10.0)
    assert both.service.workers() != [worker]


def test_each_environment_has_an_authorization_server_of_its_own(both: Both) -> None:
    """Metadata, keys and clients are the environment's: the one's client and token are strangers to the other."""
    found = {}
    for environment, host in HOSTS.items():
        answer = both.ask(both.ports[environment], host, "/.well-known/oauth-authorization-server")
        assert answer.status == 200
        found[environment] = answer.json()
        keys = both.ask(both.ports[environment], host, "/oauth2/jwks").json()["keys"]
        found[environment]["kids"] = {key["kid"] for key in keys}
    assert found["development"]["issuer"] == "https://dev.example.com"
    assert found["staging"]["issuer"] == "https://stage.example.com:8443"
    assert not found["development"]["kids"] & found["staging"]["kids"]
    told = json.loads(
        command(
            *("clients", "add", "open", "--grant", "client_credentials", "--json"),
            *("--data-dir", both.data, "--environment", "staging"),
        )
    )
    body = "grant_type=client_credentials"
    proof = basic(told["id"], told["client_secret"])
    for environment, status in (("staging", 200), ("development", 401)):
        for port in (both.ports[environment], both.service.port):
            request = (
                f"POST /oauth2/token HTTP/1.1\r\nHost: {HOSTS[environment]}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nX-Wardgate-Environment: staging\r\n"
                f"Authorization: {proof}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            )
            assert ask(port, request.encode(), "POST").status == status, environment


def test_metrics_tell_the_environments_apart(both: Both) -> None:
    """The same API has a series for each environment."""

    def counted(environment: str) -> float:
        return both.service.metric(
            "wardgate_requests_total", environment=environment, api="raw/v1", status="200"
        )

    for environment in HOSTS:
        both.ask(both.ports[environment], HOSTS[environment], key=both.keys[environment, "open"])
        both.service.until(partial(counted, environment))
