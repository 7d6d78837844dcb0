"""Two services on one data directory: each environment hears of its changes at once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import yaml
from tests.e2e.promoting import promoted
from tests.e2e.stack import OPENAPI, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Wire
from tests.supervisor.serving import Service

from wardgate.control import keys
from wardgate.domain.secret import Secret
from wardgate.storage.database import open_store

ROUNDS = 10


def prepare(folder: Path, upstream: Upstream) -> Path:
    """A data directory with the same API in both environments."""
    (folder / "items.openapi.yaml").write_text(yaml.safe_dump(OPENAPI))
    file = folder / "wardgate.yaml"
    content = document([api("raw", [upstream.url])])
    file.write_text(yaml.safe_dump(content))
    data = str(folder / "data")
    command("apply", "-f", str(file), "--data-dir", data)
    promoted(folder / "data", "raw/v1", "staging")
    file.write_text(yaml.safe_dump({"applications": content["applications"]}))
    command("apply", "-f", str(file), "--data-dir", data, "--environment", "staging")
    return folder / "data"


def status(wire: Wire, key: Secret) -> int:
    """What the gateway answers to a request with ``key``."""
    wire.send(b"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\nX-API-Key: " + key.reveal() + b"\r\n\r\n")
    return wire.answer().status


async def test_a_revocation_in_each_environment_is_seen_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    """Whichever service was started last: nine of ten revoked keys are refused 0.1 s after the commit, in both."""
    with Upstream() as upstream:
        data_dir = await asyncio.to_thread(prepare, tmp_path, upstream)
        with (
            Service(data_dir, "--environment", "development", workers=1) as development,
            Service(data_dir, "--environment", "staging", workers=1) as staging,
        ):
            assert sorted(path.name for path in (data_dir / "run").glob("*.sock")) == [
                "wake-development.sock",
                "wake-staging.sock",
            ]
            async with await open_store(data_dir) as store:
                for service in (development, staging):
                    delays = []
                    with Wire(service.port) as wire:
                        for _ in range(ROUNDS):
                            credential, key = await keys.issue(
                                store, application="open", environment=service.environment
                            )
                            assert status(wire, key) == 200
                            await keys.revoke(store, credential.id)
                            committed = time.monotonic()
                            while status(wire, key) == 200:
                                assert time.monotonic() - committed < 5.0, "the key is never refused"
                            delays.append(time.monotonic() - committed)
                    assert sorted(delays)[-2] < 0.1, (service.environment, delays)
