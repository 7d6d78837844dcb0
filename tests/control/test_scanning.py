"""Finding keys in files, folders and the history of repositories."""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardgate.control import scanning
from wardgate.control.scanning import Hit, scan_history, scan_path, scan_stream
from wardgate.domain import apikey
from wardgate.domain.operator import new_token

KEY = apikey.generate("prod", secrets.token_bytes).encode()
TOKEN = new_token(secrets.token_bytes).encode()


def places(hits: list[Hit]) -> list[tuple[str, int, int]]:
    """Where hits are."""
    return [(Path(hit.file).name, hit.line, hit.column) for hit in hits]


def nothing(file: str, why: str) -> None:
    """For what must be readable."""
    raise AssertionError(f"{file} was not searched: {why}")


def test_files_below_a_folder_are_searched(tmp_path: Path) -> None:
    """Text and binary files in any depth, with line and column; links and repositories' own files are passed over."""
    (tmp_path / "a.env").write_bytes(b"A=1\nKEY=" + KEY + b"\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "image.png").write_bytes(bytes(range(256)) + KEY + bytes(9) + TOKEN)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "packed").write_bytes(KEY)
    (tmp_path / "link").symlink_to(tmp_path / "a.env")
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "noise").write_bytes(KEY[:-1] + b"!" + b"wg_" * 1000)
    hits = list(scan_path(tmp_path, nothing))
    image = 256 - 10
    assert places(hits) == [("a.env", 2, 5), ("image.png", 2, image), ("image.png", 2, image + len(KEY) + 9)]
    assert [hit.kind for hit in hits] == ["api_key", "api_key", "admin_token"]
    assert KEY.decode() not in repr(hits)


def test_what_cannot_be_searched_is_told(tmp_path: Path) -> None:
    """A file that is not there, or no file, is said to be so, and nothing waits for it."""
    told: list[tuple[str, str]] = []
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "pipe"):
        assert list(scan_path(tmp_path / name, lambda file, why: told.append((Path(file).name, why)))) == []
    assert told == [("none", "No such file or directory"), ("pipe", "it is no file")]


class Slowly:
    """A stream that gives few bytes at a time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = io.BytesIO(data)
        self._sizes = sizes
        self._turn = 0

    def read(self, most: int) -> bytes:
        self._turn += 1
        return self._data.read(min(most, self._sizes[self._turn % len(self._sizes)]))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from((KEY, TOKEN, b"\n", b" ", b"wg_", b"x" * 70, KEY[:30], b"\x00")), max_size=12),
    st.lists(st.integers(1, 90), min_size=1, max_size=4),
)
def test_pieces_make_no_difference(parts: list[bytes], sizes: list[int]) -> None:
    """However a stream is cut, the same keys are found at the same lines and columns, once each."""
    data = b"".join(parts)
    whole = [(hit.line, hit.column, hit.text) for hit in scan_stream(io.BytesIO(data), "-")]
    cut = [(hit.line, hit.column, hit.text) for hit in scan_stream(Slowly(data, sizes), "-")]
    assert cut == whole
    lines = data.split(b"\n")
    assert all(lines[line - 1][column - 1 :].startswith(text) for line, column, text in whole)


def test_a_long_file_takes_little_memory(tmp_path: Path) -> None:
    """Thirty megabytes without a line's end, and a key at the end of them, are read a piece at a time."""
    with (tmp_path / "big").open("wb") as file:
        for _ in range(30):
            file.write(b"wg_prod_" * (128 * 1024))
        file.write(b"\n" + KEY)
    tracemalloc.start()
    [hit] = list(scan_path(tmp_path / "big", nothing))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (hit.line, hit.column) == (2, 1)
    assert peak < 8 * scanning._CHUNK


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that held a key once, in a file and in the word of a commit."""
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*arguments: str) -> None:
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null"}
        who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
        command = ["git", "-C", str(folder), *arguments]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **who}, timeout=30)

    git("init", "-q", "-b", "main")
    (folder / "settings.py").write_bytes(b"\n\nKEY = '" + KEY + b"'\n")
    git("add", ".")
    git("commit", "-qm", "Add settings")
    (folder / "settings.py").write_text("KEY = os.environ['KEY']\n")
    git("commit", "-qam", f"Do without {TOKEN.decode()}")
    return folder


def test_the_history_of_a_repository_is_searched(repository: Path) -> None:
    """What was taken out again is found in the commits, in files and in messages."""
    assert list(scan_path(repository, nothing)) == []
    hits = sorted(scan_history(repository, nothing), key=lambda hit: hit.kind)
    assert [(hit.kind, hit.column) for hit in hits] == [("admin_token", 12), ("api_key", 8)]
    assert hits[1].line == 3
    assert all(hit.file.startswith(f"{repository}@") for hit in hits)


def test_what_is_no_repository_is_told(tmp_path: Path) -> None:
    """A folder without a history is said to have none."""
    told: list[str] = []
    (tmp_path / "plain").mkdir()
    assert list(scan_history(tmp_path / "none", lambda file, why: told.append(why))) == []
    assert told == ["it is no git repository, or it cannot be read"]
