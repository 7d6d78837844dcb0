"""Servers really started, answered for and stopped."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.accounting import born
from bench.cases import Case, measure
from bench.load import Shot
from bench.servers import BenchError, Server, cores, free_port, tool

from bench import peers

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the benchmark needs two cores")


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips where a peer is not installed."""
    missing = []
    for name in names:
        try:
            tool(name)
        except BenchError:
            missing.append(name)
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks a peer is told what to install."""
    monkeypatch.setattr("bench.servers.shutil.which", lambda name, path: None)
    with pytest.raises(BenchError, match="nginx is not installed: apt-get install nginx-light"):
        tool("nginx")


def test_a_server_that_ends_at_once_shows_its_output(tmp_path: Path) -> None:
    """A server that cannot start is reported with its own words, not waited for."""
    server = Server("broken", [sys.executable, "-c", "print('no such option')"], cores()[0], tmp_path)
    server.start()
    with pytest.raises(BenchError, match="no such option"):
        server.wait_for(free_port(), "/")
    server.stop()


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    """Also children that outlive the process that was started are gone."""
    child = "import time; time.sleep(600)"
    orphaning = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    )
    server = Server("family", [sys.executable, "-c", orphaning], cores()[0], tmp_path)
    server.start()
    while len(pids := server.processes()) < 2 or not any(child in command for command in pids.values()):
        pass
    started = {pid: start for pid in pids if (start := born(pid)) is not None}
    server.stop()
    server.stop()
    assert [pid for pid, start in started.items() if born(pid) == start] == []


@needs("nginx", "haproxy", "wrk", "taskset")
@pytest.mark.parametrize("name", ["nginx", "haproxy", "envoy"])
def test_a_plain_proxy_is_measured(tmp_path: Path, name: str) -> None:
    """Each peer forwards over plain HTTP and TLS, and its CPU time per request is told."""
    if name == "envoy":
        pytest.importorskip("envoy")
    server_core, load_core = cores()
    identity = peers.make_identity(tmp_path)
    ports = peers.Ports(free_port(), free_port(), free_port())
    make = {"nginx": peers.nginx, "haproxy": peers.haproxy, "envoy": peers.envoy}[name]
    with ExitStack() as stack:
        for folder in ("upstream", name):
            (tmp_path / folder).mkdir()
        upstream = peers.upstream(tmp_path / "upstream", load_core, ports.upstream)
        server = make(tmp_path / name, server_core, ports, identity)
        for one in (upstream, server):
            stack.callback(one.stop)
            one.start()
        server.wait_for(ports.plain, peers.ITEM)
        server.wait_for(ports.tls, peers.ITEM, tls=True)
        for tls in (False, True):
            case = Case(
                system=name,
                name="full",
                server=server,
                port=ports.tls if tls else ports.plain,
                shot=Shot(path=peers.ITEM),
                tls=tls,
            )
            sample = measure(case, 1, load_core)
            assert sample.rps > 100
            assert 2 < sample.cpu_us < 1000


def test_the_answer_is_109_bytes() -> None:
    """Every system forwards the same small JSON."""
    assert len(peers.BODY) == 109
