"""Looks for keys in files, folders, streams and the history of git repositories, a megabyte at a time."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from wardgate.domain.leak import LONGEST, LeakKind, find

_CHUNK = 1024 * 1024
#: What git is told, so that nothing in a repository makes it run a program or leave the repository.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A key in ``file``. ``line`` and ``column`` count from 1, columns in bytes. ``text`` is the key and never shown."""

    file: str
    line: int
    column: int
    kind: LeakKind
    masked: str
    text: bytes

    def __repr__(self) -> str:
        return f"Hit(file={self.file!r}, line={self.line}, column={self.column}, key={self.masked!r})"


class Readable(Protocol):
    """What can be read to its end."""

    def read(self, most: int, /) -> bytes: ...


#: Told what could not be searched, and why.
Unread = Callable[[str, str], None]


def scan_path(path: Path, unread: Unread) -> Iterator[Hit]:
    """Every key in a file, or in the files below a folder, in the order of their names.

    Links are not followed below ``path``, ``.git`` folders are left to :func:`scan_history`, and what is neither file nor
    folder is passed over.
    """
    try:
        status = path.stat()
    except OSError as error:
        unread(str(path), error.strerror or str(error))
        return
    if stat.S_ISDIR(status.st_mode):
        for each in _files(path, unread):
            yield from _scan_file(each, unread)
    else:
        yield from _scan_file(path, unread)


def scan_stream(stream: Readable, name: str) -> Iterator[Hit]:
    """Every key in what ``stream`` gives until its end. Any bytes will do."""
    data = b""
    base = line_start = done = 0
    line = 1
    while True:
        chunk = stream.read(_CHUNK)
        data += chunk
        sure = len(data) if not chunk else len(data) - LONGEST
        seen = 0
        for found in find(data):
            if found.offset >= sure or base + found.offset < done:
                continue
            line += data.count(b"\n", seen, found.offset)
            newline = data.rfind(b"\n", seen, found.offset)
            line_start = base + newline + 1 if newline >= 0 else line_start
            seen = found.offset
            done = base + found.offset + len(found.text)
            yield Hit(
                file=name,
                line=line,
                column=base + found.offset - line_start + 1,
                kind=found.kind,
                masked=found.masked,
                text=found.text,
            )
        if not chunk:
            return
        # One byte more stays, for what must not stand before a token.
        kept = max(seen, sure - 1, 0)
        line += data.count(b"\n", seen, kept)
        newline = data.rfind(b"\n", seen, kept)
        line_start = base + newline + 1 if newline >= 0 else line_start
        data, base = data[kept:], base + kept


def scan_history(folder: Path, unread: Unread) -> Iterator[Hit]:
    """Every key in any file of any commit of the git repository at ``folder``, and in commits' and tags' own texts.

    Files are named ``<folder>@<object>``: `git log --find-object=<object>` says where they were.
    """
    git = shutil.which("git")
    if git is None:
        unread(str(folder), "git is not installed")
        return
    command = [git, *_SAFE, "-C", str(folder), "cat-file", "--batch", "--batch-all-objects", "--unordered"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        output = process.stdout
        if output is None:
            return
        try:
            while header := output.readline(200):
                name, kind, size = header.split()
                body = _Part(output, int(size))
                if kind != b"tree":
                    yield from scan_stream(body, f"{folder}@{name.decode()[:12]}")
                body.skip()
                output.read(1)
        except ValueError:
            unread(str(folder), "git answered something else than objects")
        finally:
            process.kill()
    if process.returncode not in (0, -9):
        unread(str(folder), "it is no git repository, or it cannot be read")


class _Part:
    """The next ``left`` bytes of a stream."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream = stream
        self._left = left

    def read(self, most: int) -> bytes:
        data = self._stream.read(min(most, self._left))
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Afterwards nothing of it is left."""
        while self._left and self.read(_CHUNK):
            pass


def _files(folder: Path, unread: Unread) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda each: each.name)
    except OSError as error:
        unread(str(folder), error.strerror or str(error))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name != ".git":
                yield from _files(Path(entry.path), unread)
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _scan_file(path: Path, unread: Unread) -> Iterator[Hit]:
    try:
        # A pipe or a device may never end, and must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        unread(str(path), error.strerror or str(error))
        return
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            unread(str(path), "it is no file")
            return
        try:
            yield from scan_stream(file, str(path))
        except OSError as error:
            unread(str(path), error.strerror or str(error))
