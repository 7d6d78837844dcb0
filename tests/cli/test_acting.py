"""Who the trail names for what is done at the machine's own command line."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path

import pytest

from wardgate.cli.acting import action_of, local
from wardgate.cli.store import with_store
from wardgate.control.authority import require
from wardgate.control.errors import ForbiddenError
from wardgate.control.operators.projects import set_project
from wardgate.control.ports import Store
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditRecord
from wardgate.storage.database import open_store


def trail(data_dir: Path) -> list[AuditRecord]:
    """All that the trail holds."""

    async def read() -> list[AuditRecord]:
        async with await open_store(data_dir) as store, store.reading() as tx:
            return await tx.audit.page(0, 100)

    return asyncio.run(read())


def test_a_command_acts_as_whoever_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login name is the process's, whatever variables say, and everything is allowed."""
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    with_store(tmp_path / "data", lambda store: set_project(store, name="shop"), create=True)
    record = trail(tmp_path / "data")[-1]
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert (record.actor_kind, record.actor_name, record.event.action) == ("local", name, "project.set")
    assert local().may("operators.edit")


def test_a_refused_command_is_in_the_trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried and what it lacked is kept, though nothing was changed."""
    monkeypatch.setattr("sys.argv", ["wardgate", "promotions", "approve", "prm_1"])

    async def approve(store: Store) -> None:
        async with store.writing() as tx:
            require(Actor(kind="user", id="usr_x", name="x"), "apis.approve")
            await tx.operators.remove_project("never")

    with pytest.raises(ForbiddenError):
        with_store(tmp_path / "data", approve, create=True)
    event = trail(tmp_path / "data")[-1].event
    assert (event.action, event.outcome) == ("promotion.approve", "refused")
    assert "apis.approve" in event.note


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        (["keys", "revoke", "key_01h"], "key.revoke"),
        (["apply", "-f", "wardgate.yaml"], "command.apply"),
        (["explain", "GET", "/"], "command.explain"),
        ([], "command.run"),
        (["tokens", "wgat_0123456789"], "command.tokens"),
        (["operators", "grant", "ada", "owner"], "operator.grant"),
    ],
)
def test_the_trail_names_a_command_by_its_words(arguments: list[str], action: str) -> None:
    """Nothing that might be a secret is taken for a word of the command."""
    assert action_of(arguments) == action
