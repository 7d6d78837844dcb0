"""The whole service as processes: what dies comes back, and stopping is clean."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Self

import pytest
from tests.supervisor.serving import Service


class Load:
    """Four clients that send one request a connection, until the block ends."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[bytes] = []
        self.refused = 0
        self.cut = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                    client.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    answer = client.recv(4096)
            except ConnectionRefusedError:
                self.refused += 1
            except ConnectionError:
                self.cut += 1
            else:
                if answer:
                    self.answers.append(answer.split(b"\r\n", 1)[0])
                else:
                    self.cut += 1
            time.sleep(0.005)


def test_a_killed_worker_comes_back_and_no_connection_is_refused(tmp_path: Path) -> None:
    """kill -9 of one of two workers under load: connections wait for its successor, only those it held are cut."""
    with Service(tmp_path / "data") as service:
        before = set(service.workers())
        assert len(before) == 2
        with Load(service.port) as load:
            service.until(lambda: len(load.answers) > 50)
            os.kill(min(before), signal.SIGKILL)
            service.until(lambda: len(set(service.workers()) - {min(before)}) == 2)
            service.until(lambda: service.readyz() == 200)
            done = len(load.answers)
            service.until(lambda: len(load.answers) > done + 50)
        assert load.refused == 0
        assert load.cut <= 4
        assert set(load.answers) == {b"HTTP/1.1 404 Not Found"}
        assert "gateway-" in service.log
        assert "signal SIGKILL" in service.log
        assert service.metric("wardgate_worker_restarts_total") == 1


def test_sigterm_drains(tmp_path: Path) -> None:
    """A request that is under way is answered after SIGTERM; then all processes end and the status is 0."""
    with Service(tmp_path / "data") as service:
        children = [pid for pids in service.children().values() for pid in pids]
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\n")
            time.sleep(0.2)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            client.sendall(b"\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 404 ")
        assert service.process.wait(15) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", service.port), timeout=1)
        assert not (service.data_dir / "run" / "development.json").exists()
        assert not (service.data_dir / "run" / "wake-development.sock").exists()


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    """kill -9 of the supervisor ends everything, so that it can be started again on the same addresses."""
    with Service(tmp_path / "data") as service:
        children = [pid for pids in service.children().values() for pid in pids]
        assert len(children) == 3
        service.process.kill()
        service.process.wait()
        deadline = time.monotonic() + 10
        while [pid for pid in children if _runs(pid)]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with Service(tmp_path / "data") as again:
        assert again.get("/nothing") == 404


def test_what_was_counted_survives_the_end(tmp_path: Path) -> None:
    """Requests answered just before Ctrl-C are in the store; the status is 0."""
    with Service(tmp_path / "data") as service:
        for _ in range(5):
            assert service.get("/nothing") == 404
        service.until(lambda: service.metric("wardgate_requests_total", status="404") == 5)
        assert service.get("/nothing") == 404
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(15) == 0
    connection = sqlite3.connect(tmp_path / "data" / "wardgate.db")
    assert connection.execute("SELECT sum(count) FROM rollups WHERE status = 404").fetchone() == (6,)
    connection.close()


def test_it_says_where_it_serves_and_outlives_control(tmp_path: Path) -> None:
    """Addresses are printed and published; a second service on the same data is refused; SIGHUP reloads; when control
    is killed requests go on, and its address answers again within seconds."""
    with Service(tmp_path / "data", workers=1) as service:
        address = f"http://127.0.0.1:{service.port}"
        assert f"wardgate serves development at {address} with 1 worker;" in service.log
        assert service.state() == {
            "pid": service.process.pid,
            "environment": "development",
            "gateway": [address],
            "control": f"http://127.0.0.1:{service.control}",
            "workers": 1,
        }
        second = Service(tmp_path / "data")
        assert second.process.wait(15) == 1
        assert f"already served (process {service.process.pid})" in second.log
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: "reloading certificates" in service.log)
        (control,) = service.children()["wardgate.web.main"]
        os.kill(control, signal.SIGKILL)
        assert service.get("/nothing") == 404
        service.until(lambda: service.readyz() == 200)
        assert service.children()["wardgate.web.main"] != [control]


def test_settings_that_cannot_work_end_the_start(tmp_path: Path) -> None:
    """A certificate that is none is said once, by name, and the service ends with status 1 instead of crashing on."""
    (tmp_path / "chain.pem").write_text("no certificate")
    options = [
        "--tls-listen",
        "0",
        "--certificate",
        str(tmp_path / "chain.pem"),
        "--key",
        str(tmp_path / "chain.pem"),
    ]
    service = Service(tmp_path / "data", *options, workers=1)
    assert service.process.wait(20) == 1
    assert "chain.pem holds no PEM certificate" in service.log
    assert "error: gateway-0 cannot start with these settings" in service.log


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
