"""``docs/authorization.md``: its example is taken, and every cell of its table is what a gateway decides."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.oauth_side import ISSUER, Server
from tests.storage.samples import source_of

from wardgate.control import keys
from wardgate.control.apply import apply_document
from wardgate.control.document import load
from wardgate.domain.oauth import Grant
from wardgate.domain.people import User
from wardgate.domain.rejection import REASONS
from wardgate.domain.secret import Secret
from wardgate.gateway.explain import Question, explain
from wardgate.storage.database import SqlStore, open_store

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "authorization.md").read_text(encoding="utf-8")
ENVIRONMENT = "development"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


@asynccontextmanager
async def published(folder: Path) -> AsyncIterator[SqlStore]:
    """A store with the page's first example, and two people."""
    block = re.search(r"```yaml\n(apis:.*?)```", TEXT, re.DOTALL)
    assert block is not None
    (folder / "wardgate.yaml").write_text(block[1], encoding="utf-8")
    shutil.copy(ROOT / "examples" / "orders" / "orders.openapi.yaml", folder)
    async with await open_store(folder / "data") as store:
        await apply_document(store, load(folder / "wardgate.yaml"), ENVIRONMENT, "test", "")
        yield store


async def join(store: SqlStore, name: str, groups: list[str]) -> None:
    """The application is in exactly these groups."""
    async with store.writing() as tx:
        found = await tx.applications.find(name)
        assert found is not None
        for group in ("partners", "staff", "banned"):
            await tx.groups.put(group, "", (), at=time.time())
        await tx.groups.set_of_application(found.id, groups)


async def server_of(store: SqlStore) -> Server:
    """Tokens of the people u1 and u2."""
    server = Server(store)
    await server.add_key()
    await server.add_client()
    async with store.writing() as tx:
        for user in ("u1", "u2"):
            await tx.users.add(User(id=user, name=user))
            await tx.grants.add(
                Grant(
                    id=f"g-{user}",
                    environment=ENVIRONMENT,
                    client="c1",
                    subject=user,
                    scopes=(),
                    kind="authorization_code",
                    created_at=time.time(),
                )
            )
    return server


async def test_every_cell_of_the_table_is_what_is_decided(tmp_path: Path) -> None:
    """The example's APIs, asked by each caller of the table."""
    paths = ("/orders/v1/items", "/orders/v1/items/u1", "/catalogue/v1/items")
    async with published(tmp_path) as store:
        server = await server_of(store)
        issued = {
            name: (await keys.issue(store, application=name, environment=ENVIRONMENT))[1]
            for name in ("mobile", "kiosk")
        }
        for who, *cells in rows("who"):
            shown: dict[str, Any] = {}
            key = re.match(r"key of `(\w+)`", who)
            if key is not None:
                await join(store, key[1], re.findall(r"`(partners|banned)`", who))
                shown["key"] = issued[key[1]]
            else:
                await join(store, "mobile", [])
                user = who.split()[2]
                roles: dict[str, Any] = {"roles": ["admin"]} if "admin" in who else {}
                shown["token"] = Secret(server.mint(sub=user, gid=f"g-{user}", **roles))
            source = source_of(store, ENVIRONMENT)
            for path, cell in zip(paths, cells, strict=True):
                found = await explain(
                    source, ENVIRONMENT, Question(method="GET", target=path, issuer=ISSUER, **shown)
                )
                assert found.reason == cell.strip("`"), (who, path, found.steps[-1].why)
            source.close()


def test_the_reasons_of_the_page_are_those_there_are() -> None:
    """Each is a reason, and what the client is said to read is what it reads."""
    for _, _, reasons, public in rows("step"):
        for name in re.findall(r"`(\w+)`", reasons):
            told = re.search(r"`(\w+)`", public)
            assert REASONS[name].public == (told[1] if told else name), name
            statuses = [int(status) for status in re.findall(r"\d{3}", public)]
            assert REASONS[name].status in statuses, name


@pytest.mark.parametrize("name", ["access_denied", "secret_missing", "api_disabled"])
def test_what_the_page_names_in_passing_exists(name: str) -> None:
    """A reason that is renamed is renamed here too."""
    assert name in REASONS
    assert f"`{name}`" in TEXT
