"""``wardgate apply`` on roles: what they no longer carry is worth nothing at once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import cast

import yaml
from tests.cli.conftest import ORDERS, Run

from wardgate.domain.oauth import Client, Grant, Token
from wardgate.domain.people import User
from wardgate.identity.ports import Store
from wardgate.storage.database import open_store

SCOPES = ("orders:read", "orders:write")
MORE = (*SCOPES, "orders:count")


def document(folder: Path, *scopes: str) -> Path:
    """The orders example with a role ``clerk`` of ``scopes``, and another that keeps all scopes closed."""
    content = yaml.safe_load((ORDERS / "wardgate.yaml").read_text())
    for api in content["apis"]:
        api["openapi"] = "./" + Path(api["openapi"]).name
        (folder / Path(api["openapi"]).name).write_text((ORDERS / Path(api["openapi"]).name).read_text())
        api["security"]["scopes"] = dict.fromkeys(MORE, "Do things with orders")
    content["roles"] = [{"name": "clerk", "scopes": list(scopes)}, {"name": "chief", "scopes": list(MORE)}]
    path = folder / "roles.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


async def _grant(at: float) -> None:
    async with await open_store(Path("data")) as opened:
        store = cast("Store", opened)
        async with store.writing() as tx:
            application = (await tx.applications.all())[0]
            client = Client(
                id="cl_x", application=application.id, environment="development", name="x", scopes=SCOPES
            )
            await tx.clients.add(client)
            await tx.users.add(User(id="usr_ada", name="ada", created_at=at))
            await tx.users.set_roles("usr_ada", ["clerk"])
            await tx.grants.add(
                Grant(
                    id="gr_x",
                    environment="development",
                    client="cl_x",
                    subject="usr_ada",
                    scopes=SCOPES,
                    kind="authorization_code",
                    created_at=at,
                )
            )


async def _refused(at: float) -> bool:
    token = Token(
        id="t", issuer="i", client="cl_x", subject="usr_ada", grant="gr_x", issued_ms=int(at * 1000)
    )
    async with await open_store(Path("data")) as opened, cast("Store", opened).reading() as tx:
        return await tx.revocations.covers(token, "app")


def test_tokens_of_a_narrowed_role_are_taken_back(run: Run, tmp_path: Path) -> None:
    """Adding scopes leaves tokens alone; taking one away has every token that may hold it renewed."""
    assert run("apply", "-f", document(tmp_path, *SCOPES)).status == 0
    at = time.time()
    asyncio.run(_grant(at))
    assert run("apply", "-f", document(tmp_path, *MORE)).status == 0
    assert not asyncio.run(_refused(at))
    assert run("apply", "-f", document(tmp_path, "orders:read")).status == 0
    assert asyncio.run(_refused(at))
