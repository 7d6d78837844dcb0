"""Wardgate under the benchmark: its document, its keys and its service, all through the real command line."""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers import Identity, Ports
from bench.servers import BenchError, Server, free_port
from wardgate.domain import apikey
from wardgate.storage.digests import lookup_of
from wardgate.storage.layout import database_path
from wardgate.storage.masterkey import load_master_key

#: The process whose memory counts.
WORKER = "wardgate.supervisor.gateway_process"
#: Keys that requests rotate through, however many are stored: five times what a worker caches.
ACTIVE_KEYS = 100_000
#: Applications that many keys belong to: few, so that the cases differ from ``full`` in the number of keys alone.
KEY_APPLICATIONS = 10
#: Of the environment that is served by default.
TAG = "dev"
_COMMAND = [sys.executable, "-m", "wardgate.cli.main"]
#: The command takes its defaults from the environment: what the developer has set must not change a measurement.
_ENV = {name: value for name, value in os.environ.items() if not name.startswith("WARDGATE_")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One installation: how many resources its API has, how many applications and keys there are."""

    resources: int = 1
    applications: int = 1
    keys: int = 1


@dataclass(frozen=True, slots=True)
class Installation:
    """A prepared data directory with some of its keys."""

    data_dir: Path
    keys: Sequence[str]


def prepare(folder: Path, shape: Shape, upstream: int) -> Installation:
    """Afterwards ``folder`` holds an installation of that shape whose API forwards to the port ``upstream``."""
    data_dir = _apply(folder, shape, upstream)
    issued = command("keys", "issue", "app-0", "--data-dir", str(data_dir), "--json")
    key = json.loads(issued)["key"]
    if shape.keys == 1:
        return Installation(data_dir, [key])
    return Installation(data_dir, insert_keys(data_dir, shape.keys))


def prepare_cached(cache: Path, folder: Path, shape: Shape, upstream: int) -> Installation:
    """As :func:`prepare`, from a copy kept under ``cache``: a million keys take a while to make.

    The copy is made anew when the schema or this module has changed.
    """
    data_dir = _apply(folder, Shape(), upstream)
    stamp = hashlib.sha256(repr((shape, _schema(data_dir))).encode() + Path(__file__).read_bytes())
    name = f"keys-{shape.keys}-applications-{shape.applications}"
    kept = cache / f"{name}-{stamp.hexdigest()[:16]}"
    names = kept / "keys.txt"
    if not names.exists():
        for old in cache.glob(f"{name}-*"):
            shutil.rmtree(old)
        made = prepare(kept, shape, upstream)
        names.touch(mode=0o600)
        names.write_text("\n".join(made.keys) + "\n")
    shutil.rmtree(data_dir)
    shutil.copytree(kept / "data", data_dir)
    _apply(folder, shape, upstream)  # the upstream listens on another port each time
    return Installation(data_dir, names.read_text().split())


def _apply(folder: Path, shape: Shape, upstream: int) -> Path:
    """The data directory in ``folder`` whose store says what the shape's document says."""
    folder.mkdir(parents=True, exist_ok=True)
    document = write_document(folder, shape, upstream)
    command("apply", "-f", str(document), "--data-dir", str(folder / "data"))
    return folder / "data"


def write_document(folder: Path, shape: Shape, upstream: int) -> Path:
    """``wardgate.yaml`` in ``folder``: one API with limits that never refuse, and its applications."""
    names = [""] if shape.resources == 1 else [f"/r{number}" for number in range(shape.resources)]
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    operation = {"parameters": [parameter], "responses": {"200": {"description": "an item"}}}
    openapi = {
        "openapi": "3.1.0",
        "info": {"title": "bench", "version": "1"},
        "paths": {f"{name}/items/{{id}}": {"get": operation} for name in names},
    }
    limits = [
        {"kind": "rate", "amount": 1_000_000, "per": "second"},
        {"kind": "quota", "amount": 10**12, "per": "month"},
    ]
    document = {
        "apis": [
            {
                "name": "bench",
                "version": "v1",
                "base_path": "/bench/v1",
                "openapi": "./bench.openapi.json",
                "upstream": {"targets": [f"http://127.0.0.1:{upstream}"]},
                "security": {"schemes": ["api_key"], "api_key": {"in": "header", "name": "X-API-Key"}},
                "plans": ["unbounded"],
            }
        ],
        "plans": [{"name": "unbounded", "limits": limits}],
        "applications": [
            {
                "name": f"app-{number}",
                "owner": "bench@example.com",
                "subscriptions": [{"api": "bench/v1", "plan": "unbounded"}],
            }
            for number in range(shape.applications)
        ],
    }
    (folder / "bench.openapi.json").write_text(json.dumps(openapi))
    path = folder / "wardgate.yaml"
    path.write_text(json.dumps(document, indent=1))
    return path


def insert_keys(data_dir: Path, count: int) -> list[str]:
    """Afterwards ``count`` more keys are stored, spread over all applications; up to ACTIVE_KEYS of them, at random.

    Issuing a million keys one by one would take hours: the rows are copies of an issued one, in one transaction.
    """
    master_key = load_master_key(data_dir)
    chosen = set(random.sample(range(count), min(count, ACTIVE_KEYS)))
    kept: list[str] = []
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.row_factory = sqlite3.Row
        template = dict(connection.execute("SELECT * FROM credentials").fetchone())
        applications = [row[0] for row in connection.execute("SELECT id FROM applications ORDER BY id")]

        def rows() -> Iterator[dict[str, Any]]:
            for number in range(count):
                key = apikey.generate(TAG, secrets.token_bytes)
                if number in chosen:
                    kept.append(key)
                yield _row(template, key, number, applications[number % len(applications)], master_key)

        columns = ", ".join(template)
        values = ", ".join(f":{name}" for name in template)
        connection.executemany(f"INSERT INTO credentials ({columns}) VALUES ({values})", rows())
    random.shuffle(kept)
    return kept


def _row(
    template: Mapping[str, Any], key: str, number: int, application: str, master_key: bytes
) -> dict[str, Any]:
    digest = apikey.digest(key.encode(), master_key)
    identity = f"bench_{number:07d}"
    return {
        **template,
        "lookup": lookup_of(digest),
        "id": identity,
        "application_id": application,
        "digest": digest,
        "prefix": apikey.shown_prefix(key),
        "last_four": apikey.last_four(key),
        "lineage": identity,
    }


def start(
    name: str,
    folder: Path,
    installation: Installation,
    core: int,
    ports: Ports,
    identity: Identity,
    package: Path | None = None,
    options: Sequence[str] = (),
) -> Server:
    """The service with one worker, everything on, the access log off as the others have it.

    ``package`` is a folder with another build of Wardgate to run; ``options`` are more of ``wardgate serve``.
    """
    argv = [
        *_COMMAND,
        "serve",
        *("--data-dir", str(installation.data_dir)),
        *("--workers", "1"),
        *("--listen", f"127.0.0.1:{ports.plain}"),
        *("--tls-listen", f"127.0.0.1:{ports.tls}"),
        *("--certificate", str(identity.certificate)),
        *("--key", str(identity.key)),
        *(() if "--control" in options else ("--control", f"127.0.0.1:{free_port()}")),
        *("--access-log", "off"),
        *options,
    ]
    environment = _ENV if package is None else {**_ENV, "PYTHONPATH": str(package)}
    return Server(name, argv, core, folder, environment)


def command(*arguments: str) -> str:
    """What ``wardgate ARGUMENTS`` prints.

    Raises:
        BenchError: it failed.
    """
    ended = subprocess.run([*_COMMAND, *arguments], env=_ENV, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise BenchError(f"wardgate {arguments[0]} failed: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout


def _schema(data_dir: Path) -> list[str]:
    with closing(sqlite3.connect(database_path(data_dir))) as connection:
        return [str(row[0]) for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name")]
