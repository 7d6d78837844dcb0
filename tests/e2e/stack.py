"""A whole installation for a test: document applied, keys issued, `wardgate serve` running before a recording upstream."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Wire, ask
from tests.supervisor.serving import Service

from wardgate.cli.main import main
from wardgate.control import keys
from wardgate.storage.database import open_store

_ANY = {"responses": {"default": {"description": "whatever the upstream says"}}}
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "items", "version": "1"},
    "paths": {
        "/items": {"get": _ANY, "post": _ANY},
        "/items/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": _ANY,
            "put": _ANY,
            "delete": _ANY,
        },
        "/health": {"get": _ANY},
    },
}


def command(*arguments: str) -> str:
    """Runs one `wardgate` command in this process; its standard output. It must succeed."""
    out = io.StringIO()
    errors = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = main([str(argument) for argument in arguments])
    assert status == 0, f"wardgate {' '.join(arguments)}: {out.getvalue()}{errors.getvalue()}"
    return out.getvalue()


def api(name: str, targets: Sequence[str], **more: Any) -> dict[str, Any]:
    """An API that passes everything on to ``targets`` for who has a key; ``more`` adds to or replaces its settings."""
    upstream = {
        "targets": list(targets),
        "timeouts": {"connect": 1, "response": 2, "idle": 2},
        "breaker": {"failures": 1000},
    }
    upstream.update(more.pop("upstream", {}))
    return {
        "name": name,
        "version": "v1",
        "openapi": "./items.openapi.yaml",
        "upstream": upstream,
        "security": {"schemes": ["api_key"]},
        "undeclared": "allow",
        "plans": ["open"],
        **more,
    }


def document(
    apis: Sequence[Mapping[str, Any]], plans: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, Any]:
    """A document with ``apis``, the plan ``open`` and ``plans``, and an application for every plan of every API."""
    known = {"open": [], **(plans or {})}
    used = {plan for entry in apis for plan in entry.get("plans", [])}
    applications = [
        {
            "name": plan,
            "owner": "dev@example.com",
            "subscriptions": [
                {"api": f"{entry['name']}/{entry['version']}", "plan": plan}
                for entry in apis
                if plan in entry.get("plans", [])
            ],
        }
        for plan in sorted(used)
    ]
    return {
        "apis": [dict(entry) for entry in apis],
        "plans": [{"name": name, "limits": list(known[name])} for name in sorted(used)],
        "applications": applications,
    }


def whole_lines(log: Path) -> list[dict[str, Any]]:
    """What a JSON log holds, but for the start of a line that is being written: a reader may see one at a page's end."""
    *lines, _ = log.read_text().split("\n")
    return [json.loads(line) for line in lines]


class Stack:
    """An installation in ``folder``. ``keys`` holds a key of each application; the service runs inside the block."""

    def __init__(
        self,
        folder: Path,
        upstream: Upstream,
        content: Mapping[str, Any],
        *options: str,
        workers: int = 1,
    ) -> None:
        self.folder = folder
        self.upstream = upstream
        self.data_dir = folder / "data"
        self._options = options
        self._workers = workers
        (folder / "items.openapi.yaml").write_text(yaml.safe_dump(OPENAPI))
        self.apply(content)
        self.keys = {entry["name"]: self.issue(entry["name"]) for entry in content["applications"]}
        self.service: Service

    def apply(self, content: Mapping[str, Any]) -> None:
        """Brings the store to ``content``."""
        file = self.folder / "wardgate.yaml"
        file.write_text(yaml.safe_dump(dict(content)))
        command("apply", "-f", str(file), "--data-dir", str(self.data_dir))

    def issue(self, application: str, *options: str) -> str:
        """A new key."""
        return str(self.issued(application, *options)["key"])

    def issued(self, application: str, *options: str) -> dict[str, Any]:
        """A new key with all that is told of it."""
        told = command("keys", "issue", application, "--json", "--data-dir", str(self.data_dir), *options)
        return dict(json.loads(told))

    def revoke(self, key_id: str) -> float:
        """Ends a key; the monotonic time when the store had committed that."""

        async def revoked() -> float:
            async with await open_store(self.data_dir) as store:
                await keys.revoke(store, key_id)
                return time.monotonic()

        return asyncio.run(revoked())

    def start(self) -> None:
        """Starts the service and waits until it is ready."""
        self.service = Service(self.data_dir, *self._options, workers=self._workers)
        self.service.__enter__()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.service.__exit__(kind, error, trace)

    @property
    def port(self) -> int:
        """The gateway's plain port."""
        return self.service.port

    @property
    def key(self) -> str:
        """A key without limits."""
        return self.keys["open"]

    @property
    def auth(self) -> bytes:
        """The header line with that key."""
        return b"X-API-Key: " + self.key.encode() + b"\r\n"

    def wire(self, **more: Any) -> Wire:
        """A raw connection to the gateway."""
        return Wire(self.port, **more)

    def request(
        self, path: str, method: str = "GET", more: bytes = b"", body: bytes = b"", key: str = ""
    ) -> bytes:
        """The bytes of an authenticated request."""
        line = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {key or self.key}\r\n".encode()
        return line + more + b"\r\n" + body

    def ask(
        self, path: str, method: str = "GET", more: bytes = b"", body: bytes = b"", key: str = ""
    ) -> Answer:
        """One authenticated request on a connection of its own."""
        return ask(self.port, self.request(path, method, more, body, key), method)

    def access_log(self) -> list[dict[str, Any]]:
        """The access log's lines."""
        return whole_lines(self.data_dir / "access.log")
