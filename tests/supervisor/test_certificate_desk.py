"""Certificate files that change under a running service."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.certificates import Authority
from tests.supervisor.serving import Service, free_ports

from wardgate.domain.settings import Certificate
from wardgate.supervisor import certificates
from wardgate.supervisor.certificates import CertificateDesk
from wardgate.supervisor.hub import Hub

#: What the desk promises for a change, and a little for a busy machine.
SOON = 5.0


def put(pair: tuple[Path, Path], target: tuple[Path, Path]) -> None:
    """Replaces the files as renewal tools do: each under another name first, then renamed."""
    for new, old in zip(pair, target, strict=True):
        draft = old.with_suffix(".new")
        draft.write_bytes(new.read_bytes())
        draft.replace(old)


def files(pair: tuple[Path, Path]) -> Certificate:
    """The settings of a pair of files."""
    return Certificate(certificate=str(pair[0]), key=str(pair[1]))


async def until(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    """Returns once ``condition()`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_changes_are_announced_once_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A renewed pair is announced once; a certificate without its key, or none, is reported once and not announced."""
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.05)
    caplog.set_level(logging.INFO)
    authority = Authority(tmp_path)
    used = authority.issue("one.example.com")
    reloads: list[int] = []
    desk = CertificateDesk((files(used),), lambda: reloads.append(1))
    await desk.open(Hub())
    await asyncio.sleep(0.2)
    assert (reloads, caplog.messages) == ([], [])

    put(authority.issue("two.example.com"), used)
    await until(lambda: len(reloads) == 1)

    second = authority.issue("three.example.com")
    used[0].write_bytes(second[0].read_bytes())
    await until(lambda: any("not taken" in line for line in caplog.messages))
    await asyncio.sleep(0.3)
    told = [line for line in caplog.messages if "not taken" in line]
    assert len(told) == 1
    assert "does not belong to certificate" in told[0]
    assert len(reloads) == 1

    used[1].write_bytes(second[1].read_bytes())
    await until(lambda: len(reloads) == 2)
    used[0].unlink()
    await until(lambda: len([line for line in caplog.messages if "cannot read" in line]) == 1)
    await desk.close()
    assert len(reloads) == 2


async def test_without_certificates_nothing_is_looked_at() -> None:
    """A service without TLS has no such task."""
    before = len(asyncio.all_tasks())
    desk = CertificateDesk(())
    await desk.open(Hub())
    assert len(asyncio.all_tasks()) == before
    await desk.close()


def shown(port: int, trusted: ssl.SSLContext) -> str:
    """The name in the certificate the gateway shows."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusted.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        names = (secured.getpeercert() or {})["subjectAltName"]
        return str(names[0][1])


def test_a_running_service_takes_renewed_certificates_by_itself(tmp_path: Path) -> None:
    """Within five seconds every worker shows the renewed certificate; a broken one is said once, and what worked stays."""
    authority = Authority(tmp_path)
    used = authority.issue("before.example.com", "localhost")
    trusted = authority.client_context()
    (port,) = free_ports(1)
    options = ["--tls-listen", str(port), "--certificate", str(used[0]), "--key", str(used[1])]
    with Service(tmp_path / "data", *options, workers=2) as service:
        assert shown(port, trusted) == "before.example.com"
        put(authority.issue("after.example.com", "localhost"), used)
        service.until(lambda: "certificate files changed: reloading certificates" in service.log, SOON)
        service.until(lambda: {shown(port, trusted) for _ in range(16)} == {"after.example.com"}, 2.0)
        used[0].write_text("no certificate")
        service.until(lambda: "holds no PEM certificate" in service.log, SOON)
        time.sleep(2.5)
        assert service.log.count("holds no PEM certificate") == 1
        assert "those before stay in use" in service.log
        assert {shown(port, trusted) for _ in range(8)} == {"after.example.com"}
