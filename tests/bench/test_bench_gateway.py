"""Wardgate as the benchmark sets it up: through its own command line, with keys put in by the thousand."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.gateway import Shape
from bench.servers import BenchError, cores, free_port, get, tool

from bench import gateway, peers
from wardgate.domain import apikey

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the benchmark needs two cores")


def test_a_failing_command_shows_its_words() -> None:
    """What Wardgate says about a wrong command reaches whoever runs the benchmark."""
    with pytest.raises(BenchError, match="no-such-folder"):
        gateway.command("apply", "-f", "/no-such-folder/wardgate.yaml", "--data-dir", "/no-such-folder/data")


def test_keys_from_the_cache_are_served(tmp_path: Path) -> None:
    """Inserted keys are accepted, others refused, every resource answers, and the worker is found by its name."""
    try:
        tool("nginx")
    except BenchError as error:
        pytest.skip(str(error))
    server_core, load_core = cores()
    shape = Shape(resources=3, applications=2, keys=20)
    ports = peers.Ports(free_port(), free_port(), free_port())
    identity = peers.make_identity(tmp_path)
    (tmp_path / "upstream").mkdir()
    installation = gateway.prepare_cached(tmp_path / "cache", tmp_path / "wardgate", shape, ports.upstream)
    assert len(set(installation.keys)) == 20
    with ExitStack() as stack:
        upstream = peers.upstream(tmp_path / "upstream", load_core, ports.upstream)
        folder = tmp_path / "wardgate"
        server = gateway.start("wardgate", folder, installation, server_core, ports, identity)
        for one in (upstream, server):
            stack.callback(one.stop)
            one.start()
        server.wait_for(ports.plain, "/bench/v1/r0/items/7", {"X-API-Key": installation.keys[0]})
        for number, key in enumerate(installation.keys):
            path = f"/bench/v1/r{number % 3}/items/{number}"
            assert get(ports.plain, path, {"X-API-Key": key}) == 200
        assert get(ports.tls, "/bench/v1/r2/items/7", {"X-API-Key": installation.keys[1]}, tls=True) == 200
        unknown = apikey.generate(gateway.TAG, secrets.token_bytes)
        assert get(ports.plain, "/bench/v1/r0/items/7", {"X-API-Key": unknown}) == 401
        assert get(ports.plain, "/bench/v1/r3/items/7", {"X-API-Key": installation.keys[0]}) == 404
        assert [command for command in server.processes().values() if gateway.WORKER in command] != []
