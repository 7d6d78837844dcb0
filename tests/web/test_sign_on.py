"""``wardgate login`` against a control process that really listens: from its metadata to the token file and back."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.control.operators.operating import person

from wardgate.cli import signing_on
from wardgate.cli.connect import Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.signing_on import Prompt, path_of, sign_on, sign_out, signed_on_token
from wardgate.control.operators import grants
from wardgate.control.operators.authenticate import authenticate
from wardgate.domain.oauth import Grant
from wardgate.domain.operator import ADMIN_SCOPE
from wardgate.domain.settings import ServerSettings
from wardgate.identity.operator_sign_on import disable_sign_on, enable_sign_on
from wardgate.identity.operator_tokens import admin_audience, signed_on
from wardgate.identity.server import Server
from wardgate.identity.user_code import normal_user_code
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.actor import BearerActors
from wardgate.web.admin_api.app import admin_app
from wardgate.web.admin_api.ask import Services
from wardgate.web.app import create_app
from wardgate.web.bridge import SupervisorBridge
from wardgate.web.identity import IdentityApp
from wardgate.web.identity_server import build_server


@dataclass
class Control:
    """A control process: where it is, its authorization server, and a clock of the command's that can be turned."""

    url: str
    server: Server
    later: float = 0.0

    def clock(self) -> float:
        """The time as the command sees it."""
        return self.server.clock() + self.later


class _NoHub:
    """Nothing here asks the supervisor."""

    def on(self, *_: Any) -> None:
        return None


@asynccontextmanager
async def serving(store: SqlStore) -> AsyncIterator[Control]:
    """A control process on a port of its own, which is its issuer too."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = ServerSettings(data_dir=str(store.data_dir), issuer=url)
        identity = build_server(settings, store.overlapping)
        identity = replace(identity, settings=replace(identity.settings, device_interval=0))
        admin = admin_app(
            Services(store=store, settings=settings, identity=lambda: identity, clock=identity.clock),
            BearerActors(store, partial(authenticate, signed_on=signed_on(identity)), identity.clock),
            ("me",),
        )
        bridge = SupervisorBridge(_NoHub())  # type: ignore[arg-type]
        app = create_app(settings, bridge, lambda: None, IdentityApp(identity), admin)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield Control(url, identity)
        finally:
            server.should_exit = True
            await task


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WARDGATE_TOKEN", raising=False)


async def answer(control: Control, prompt: Prompt, user: str, status: Any = "approved") -> None:
    """What the page where devices are let in does when the person says yes or no."""
    server = control.server
    async with server.store.writing() as tx:
        code = await tx.device_codes.by_user_code(server.digest(normal_user_code(prompt.code) or ""))
        assert code is not None
        assert code.document["resources"] == [admin_audience(server)]
        grant = Grant(
            id=f"gr_{prompt.code}",
            environment=code.environment,
            client=code.client,
            subject=user,
            scopes=(ADMIN_SCOPE,),
            kind="device_code",
            created_at=server.clock(),
            resources=tuple(code.document["resources"]),
        )
        if status == "approved":
            await tx.grants.add(grant)
        await tx.device_codes.decide(
            code.digest, status, grant.id if status == "approved" else "", server.clock()
        )


async def login(control: Control, user: str, status: str = "approved") -> signing_on.SignedOn:
    """Runs what ``wardgate login`` does, in a thread as it blocks; the person answers meanwhile."""
    loop = asyncio.get_running_loop()

    def tell(prompt: Prompt) -> None:
        assert prompt.uri.startswith(control.url)
        asyncio.run_coroutine_threadsafe(answer(control, prompt, user, status), loop).result(20)

    return await asyncio.to_thread(sign_on, control.url, None, tell, sleep=lambda _: None)


def who(url: str) -> str:
    """Whom a command asks as that finds its token by itself."""
    with client_for(Where(server=url)) as client:
        return client.show_me()["name"]


async def test_login_keeps_a_token_that_commands_find_and_renew(store: SqlStore) -> None:
    """The file is its owner's alone; a token about to end is renewed, once, whoever asks at the same time."""
    user = await person(store, "ada", "viewer")
    async with serving(store) as control:
        await enable_sign_on(control.server)
        signed = await login(control, user)
        path = path_of(control.url)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
        assert await asyncio.to_thread(who, control.url) == "ada"
        assert signed.access_token not in repr(signed)
        control.later = 590
        renew = partial(signed_on_token, control.url, None, clock=control.clock)
        renewed = await asyncio.gather(*(asyncio.to_thread(renew) for _ in range(4)))
        assert len(set(renewed)) == 1
        assert renewed[0] not in ("", signed.access_token)
        assert await asyncio.to_thread(sign_out, control.url, None)
        assert not path.exists()
        assert await asyncio.to_thread(sign_out, control.url, None) is False
        with pytest.raises(CommandError) as error:
            await asyncio.to_thread(who, control.url)
        assert error.value.code == "token_missing"


async def test_what_was_taken_back_is_not_renewed(store: SqlStore) -> None:
    """After a logout the server takes the refresh token no more, and after disabling nobody's; the file goes."""
    user = await person(store, "ada", "viewer")
    async with serving(store) as control:
        await enable_sign_on(control.server)
        await login(control, user)
        kept = path_of(control.url).read_text()
        await asyncio.to_thread(sign_out, control.url, None)
        path_of(control.url).write_text(kept)
        path_of(control.url).chmod(0o600)
        control.later = 590
        renew = partial(signed_on_token, control.url, None, clock=control.clock)
        assert await asyncio.to_thread(renew) == ""
        assert not path_of(control.url).exists()
        await login(control, user)
        await disable_sign_on(control.server)
        with pytest.raises(CommandError):
            await asyncio.to_thread(who, control.url)


async def test_a_role_granted_and_withdrawn_counts_for_who_is_signed_on(store: SqlStore) -> None:
    """What a person may do is looked up at each use: the token holds none of it."""
    user = await person(store, "ada")
    async with serving(store) as control:
        await enable_sign_on(control.server)
        await login(control, user)

        def may() -> list[str]:
            with client_for(Where(server=control.url)) as client:
                return list(client.show_me()["permissions"])

        assert await asyncio.to_thread(may) == []
        await grants.grant(store, kind="user", name="ada", role="viewer")
        assert "apis.view" in await asyncio.to_thread(may)
        await grants.withdraw(store, kind="user", name="ada", role="viewer")
        assert await asyncio.to_thread(may) == []


async def test_login_says_why_it_cannot_be(store: SqlStore) -> None:
    """Not enabled there; the person said no; another machine without TLS; no server."""
    user = await person(store, "ada", "viewer")
    async with serving(store) as control:
        with pytest.raises(CommandError) as error:
            await login(control, user)
        assert error.value.code == "sign_on_unavailable"
        await enable_sign_on(control.server)
        with pytest.raises(CommandError) as error:
            await login(control, user, "denied")
        assert (error.value.code, "refused" in error.value.message) == ("sign_on_refused", True)
        assert not path_of(control.url).exists()
    for url, code in (
        ("http://control.example.com", "server_insecure"),
        ("ftp://x", "server_invalid"),
        (control.url, "server_unreachable"),
    ):
        with pytest.raises(CommandError) as error:
            await asyncio.to_thread(sign_on, url, None, lambda prompt: None)
        assert error.value.code == code


async def test_a_file_others_can_read_is_not_used(store: SqlStore) -> None:
    """It may have been copied: the command stops and says what to do. A damaged one likewise."""
    user = await person(store, "ada", "viewer")
    async with serving(store) as control:
        await enable_sign_on(control.server)
        await login(control, user)
        path = path_of(control.url)
        path.chmod(0o644)
        with pytest.raises(CommandError) as error:
            await asyncio.to_thread(signed_on_token, control.url, None)
        assert error.value.code == "token_exposed"
        path.chmod(0o600)
        path.write_text("{}")
        with pytest.raises(CommandError) as error:
            await asyncio.to_thread(signed_on_token, control.url, None)
        assert error.value.code == "sign_on_unreadable"
