"""The log writer against real files, pipes and a disk that is stuck."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wardgate.telemetry.log_writer import LogWriter


def until(true: Callable[[], bool]) -> None:
    """Waits for what the writer's thread brings about."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "not within 10 s"
        time.sleep(0.005)


def line(number: int, size: int = 0) -> bytes:
    """One numbered line, padded."""
    return json.dumps({"n": number, "pad": "x" * size}).encode() + b"\n"


def test_batches_keep_their_order(tmp_path: Path) -> None:
    """Everything put is in the file, in order, once closed."""
    path = tmp_path / "access.log"
    writer = LogWriter(str(path))
    for number in range(500):
        writer.put(line(number), 1)
    writer.close(5)
    assert [json.loads(text)["n"] for text in path.read_text().splitlines()] == list(range(500))


def test_a_renamed_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """Log rotation by rename needs no signal."""
    path = tmp_path / "access.log"
    writer = LogWriter(str(path))
    writer.put(line(1), 1)
    until(lambda: path.stat().st_size > 0)
    path.rename(tmp_path / "access.log.1")
    writer.put(line(2), 1)
    writer.close(5)
    assert [(tmp_path / name).read_bytes() for name in ("access.log.1", "access.log")] == [line(1), line(2)]


def test_reopen_takes_a_new_descriptor(tmp_path: Path) -> None:
    """After a reload signal the file is opened again even under the same name."""
    path = tmp_path / "access.log"
    writer = LogWriter(str(path))
    writer.reopen()
    writer.put(line(1), 1)
    writer.put(line(2), 1)
    writer.close(5)
    assert path.read_bytes() == line(1) + line(2)


def test_a_stuck_reader_loses_the_oldest_lines_and_the_log_says_how_many(tmp_path: Path) -> None:
    """With nobody reading, putting never waits; later the log tells how many lines are missing, and loses no others."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = LogWriter(str(path), queue_bytes=64 * 1024)
    started = time.monotonic()
    for number in range(2000):
        writer.put(line(number, 200), 1)
        if number == 10:
            time.sleep(0.05)
    assert time.monotonic() - started < 2
    assert writer.dropped > 0
    os.set_blocking(reader, True)
    received = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 65536):
            received.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    writer.close(10)
    thread.join(10)
    os.close(reader)
    entries = [json.loads(text) for text in received.decode().splitlines()]
    numbers = [entry["n"] for entry in entries if "n" in entry]
    dropped = sum(entry["dropped"] for entry in entries if "dropped" in entry)
    assert numbers == sorted(numbers)
    assert numbers[-1] == 1999
    assert dropped == writer.dropped
    assert len(numbers) + dropped == 2000


def test_a_full_disk_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """ENOSPC drops lines, counts them and makes one error, not one a line."""
    with caplog.at_level(logging.ERROR):
        writer = LogWriter("/dev/full")
        for number in range(5):
            writer.put(line(number), 1)
            until(lambda expected=number + 1: writer.dropped == expected)  # type: ignore[misc]
        writer.close(5)
    assert [record.getMessage() for record in caplog.records] == [
        "access log /dev/full cannot be written (No space left on device); lines are dropped and counted until it can be"
    ]


def test_a_line_that_another_writer_left_unfinished_spoils_none_after_it(tmp_path: Path) -> None:
    """A worker killed on a full disk leaves half a line; its successor begins on one of its own."""
    path = tmp_path / "access.log"
    path.write_bytes(line(1) + b'{"n":2')
    writer = LogWriter(str(path))
    writer.put(line(3), 1)
    until(lambda: path.read_bytes() == line(1) + b'{"n":2\n' + line(3))
    other = tmp_path / "other"
    other.write_bytes(b'{"n":4')
    other.rename(path)
    writer.put(line(5), 1)
    writer.close(5)
    assert path.read_bytes() == b'{"n":4\n' + line(5)


def test_lines_in_a_pipe_stay_whole_when_several_workers_share_it(tmp_path: Path) -> None:
    """Two writers on one pipe never tear each other's lines."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received = bytearray()

    def read() -> None:
        with path.open("rb") as file:
            while chunk := file.read1(65536):
                received.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    writers = [LogWriter(str(path)) for _ in range(2)]
    for number in range(300):
        for writer in writers:
            writer.put(b"".join(line(number, 150) for _ in range(20)), 20)
    for writer in writers:
        writer.close(10)
    thread.join(10)
    assert len([json.loads(text) for text in received.decode().splitlines()]) == 300 * 20 * 2


def test_closing_does_not_wait_for_a_disk_that_is_stuck(tmp_path: Path) -> None:
    """A stop is never held up by the log for longer than it was told."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = LogWriter(str(path))
    writer.put(b"x" * 200_000 + b"\n", 1)
    started = time.monotonic()
    writer.close(0.1)
    assert time.monotonic() - started < 2
    os.close(reader)
