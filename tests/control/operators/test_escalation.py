"""Operators who try to become more than they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.operators.operating import NOW, as_user, by_token, clock, person, token_of

from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError
from wardgate.control.operators import grants, projects, roles, service_accounts, tokens
from wardgate.control.operators.holding import holdings_of
from wardgate.control.operators.owners import owners
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.domain.settings import ServerSettings
from wardgate.identity.people import manage_users
from wardgate.storage.database import SqlStore
from wardgate.web.identity_server import build_server

DAY = tokens.DAY


async def forbidden(store: SqlStore, lacks: str, **grant: str) -> None:
    """Granting is refused for want of ``lacks``."""
    with pytest.raises(ForbiddenError) as error:
        await grants.grant(store, clock=clock, **grant)  # type: ignore[arg-type]
    assert error.value.permission == lacks


async def manager(store: SqlStore, *permissions: str) -> SqlStore:
    """The store as it is to mia, who looks after operators and has little besides."""
    await person(store, "root", "owner")
    await roles.set_role(
        store, name="managers", permissions=("operators.view", "operators.edit", *permissions), clock=clock
    )
    await person(store, "mia", "managers")
    return await as_user(store, "mia")


async def test_nobody_grants_what_they_do_not_hold(store: SqlStore) -> None:
    """Looking after operators lets grant what one holds, to oneself and to others, and nothing more."""
    mia = await manager(store, "apis.view")
    await projects.set_project(store, name="shop", clock=clock)
    await person(store, "joe")
    for name in ("mia", "joe"):
        await forbidden(mia, "access.decide", kind="user", name=name, role="owner")
        await forbidden(mia, "access.view", kind="user", name=name, role="publisher", project="shop")
    await roles.set_role(mia, name="seeing", permissions=["apis.view"], clock=clock)
    await grants.grant(mia, kind="user", name="joe", role="seeing", clock=clock)


async def test_whoever_does_not_look_after_operators_grants_nothing(store: SqlStore) -> None:
    """An admin may do all but that, also with what they hold."""
    await person(store, "root", "owner")
    await person(store, "ann", "admin")
    ann = await as_user(store, "ann")
    await forbidden(ann, "operators.edit", kind="user", name="ann", role="viewer")
    for act in (
        roles.set_role(ann, name="mine", permissions=["apis.view"]),
        roles.remove_role(ann, "mine"),
        projects.set_project(ann, name="mine"),
        service_accounts.add_service_account(ann, name="mine"),
        tokens.issue_token(ann, name="x", user="root"),
        grants.withdraw(ann, kind="user", name="root", role="owner"),
    ):
        with pytest.raises(ForbiddenError):
            await act


async def test_who_is_over_one_cannot_be_taken_down(store: SqlStore) -> None:
    """A role one does not hold in full cannot be taken from others either."""
    mia = await manager(store)
    with pytest.raises(ForbiddenError):
        await grants.withdraw(mia, kind="user", name="root", role="owner", clock=clock)


async def test_a_custom_role_cannot_be_widened_beyond_oneself(store: SqlStore) -> None:
    """Neither one's own role, nor one that others hold; and one that allows more cannot be changed at all."""
    mia = await manager(store)
    await roles.set_role(store, name="strong", permissions=["secrets.edit"], clock=clock)
    for name, permissions in (
        ("managers", ["operators.edit", "secrets.edit"]),
        ("strong", ["operators.view"]),
        ("new", ["secrets.edit"]),
    ):
        with pytest.raises(ForbiddenError) as error:
            await roles.set_role(mia, name=name, permissions=permissions, clock=clock)
        assert error.value.permission == "secrets.edit"
    with pytest.raises(ForbiddenError):
        await roles.remove_role(mia, "strong", clock=clock)
    with pytest.raises(ConflictError):
        await roles.set_role(store, name="viewer", permissions=["secrets.edit"], clock=clock)


async def test_a_role_in_a_project_holds_there_alone(store: SqlStore) -> None:
    """Being an owner of a project opens nothing of the installation and nothing of another project."""
    await projects.set_project(store, name="shop", clock=clock)
    await projects.set_project(store, name="bank", clock=clock)
    await person(store, "pat", "owner", projects=["shop"])
    pat = await as_user(store, "pat")
    async with pat.reading() as tx:
        actor = tx.actor
    assert actor.may("apis.edit", "shop")
    assert not actor.may("apis.edit", "bank")
    assert not actor.may("apis.edit")
    assert actor.permissions == frozenset()
    await forbidden(pat, "operators.edit", kind="user", name="pat", role="viewer", project="shop")
    with pytest.raises(ForbiddenError):
        await projects.show_project(pat, "bank")
    assert [each.name for each in await projects.list_projects(pat)] == ["shop"]


async def test_what_is_held_everywhere_adds_to_what_is_held_in_a_project(store: SqlStore) -> None:
    """Roles add up; being little in a project takes nothing from what one is everywhere."""
    await projects.set_project(store, name="shop", clock=clock)
    user = await person(store, "eve", "publisher")
    await grants.grant(store, kind="user", name="eve", role="viewer", project="shop", clock=clock)
    async with store.reading() as tx:
        held = await holdings_of(tx, "user", user)
    assert held.permissions == BUILTIN_ROLES["publisher"]
    assert held.covers(BUILTIN_ROLES["publisher"], "shop")


async def test_a_token_issues_no_wider_or_longer_token(store: SqlStore) -> None:
    """Narrow in permissions, projects and time stays narrow, whatever its owner holds."""
    await person(store, "root", "owner")
    await projects.set_project(store, name="shop", clock=clock)
    narrow = await by_token(store, await token_of(store, "root", "apis.view", expires_at=NOW + DAY))
    with pytest.raises(ForbiddenError):
        await tokens.issue_token(narrow, name="x", permissions=["apis.edit"], clock=clock)
    record, _ = await tokens.issue_token(narrow, name="x", clock=clock)
    assert list(record.token.permissions) == ["apis.view"]
    assert record.token.expires_at == NOW + DAY
    within = await by_token(store, await token_of(store, "root", projects=["shop"]))
    with pytest.raises(ForbiddenError):
        await tokens.issue_token(within, name="x", projects=["default"], clock=clock)
    record, _ = await tokens.issue_token(within, name="x", clock=clock)
    assert list(record.token.projects or ()) == ["shop"]


async def test_a_token_for_another_holds_no_more_than_its_issuer(store: SqlStore) -> None:
    """Whoever looks after operators cannot be an owner by an owner's token or a stronger service's."""
    mia = await manager(store)
    await service_accounts.add_service_account(store, name="ci", clock=clock)
    await grants.grant(store, kind="service", name="ci", role="publisher", clock=clock)
    for who in ({"user": "root"}, {"service": "ci"}):
        with pytest.raises(ForbiddenError):
            await tokens.issue_token(mia, name="x", **who, clock=clock)  # type: ignore[arg-type]
    with pytest.raises(ForbiddenError):
        await service_accounts.suspend_service_account(mia, "ci", clock=clock)
    with pytest.raises(ForbiddenError):
        await tokens.issue_token(store, name="x", service="ci", permissions=["keys.issue"], clock=clock)


async def test_a_token_ends(store: SqlStore) -> None:
    """After ninety days unless said, and never later than in 366."""
    await person(store, "ada", "viewer")
    ada = await as_user(store, "ada")
    record, _ = await tokens.issue_token(ada, name="x", clock=clock)
    assert record.token.expires_at == NOW + 90 * DAY
    for wrong in (NOW, NOW - 1, NOW + 367 * DAY, float("inf"), float("nan")):
        with pytest.raises(InvalidError):
            await tokens.issue_token(ada, name="x", expires_at=wrong, clock=clock)


async def test_the_last_owner_stays(store: SqlStore) -> None:
    """Not withdrawn, suspended or removed, directly or through the only owning group; a second one may go."""
    server = build_server(
        ServerSettings(data_dir=str(store.data_dir), issuer="https://id.example.com"), store
    )
    root = await person(store, "root", "owner")

    async def all_refused() -> None:
        for act in (
            grants.withdraw(store, kind="user", name="root", role="owner", clock=clock),
            manage_users.suspend(server, "root"),
            manage_users.remove(server, "root"),
        ):
            with pytest.raises(ConflictError) as error:
                await act
            assert error.value.code == "last_owner"

    await all_refused()
    await service_accounts.add_service_account(store, name="ci", clock=clock)
    await grants.grant(store, kind="service", name="ci", role="owner", clock=clock)
    await projects.set_project(store, name="shop", clock=clock)
    await person(store, "pat", "owner", projects=["shop"])
    await all_refused()
    two = await person(store, "two", "owner")
    await grants.withdraw(store, kind="user", name="root", role="owner", clock=clock)
    async with store.reading() as tx:
        assert await owners(tx) == {two} != {root}


async def test_an_admin_cannot_take_over_an_owner(store: SqlStore) -> None:
    """Neither by a new password or link, nor by reading mail that holds one, nor with a narrow token of an owner's own."""
    await person(store, "root", "owner")
    await person(store, "two", "owner")
    await person(store, "ann", "admin")
    await person(store, "joe")
    settings = ServerSettings(data_dir=str(store.data_dir), issuer="https://id.example.com")
    server = replace(build_server(settings, store), store=await as_user(store, "ann"))
    for act in (
        manage_users.reset(server, "root"),
        manage_users.reset(server, "root", password="correct horse battery"),
        manage_users.suspend(server, "root"),
        manage_users.remove(server, "root"),
        manage_users.outbox(server),
    ):
        with pytest.raises(ForbiddenError) as error:
            await act
        assert error.value.permission == "operators.edit"
    assert await manage_users.reset(server, "joe") is not None
    narrow = await by_token(store, await token_of(store, "root", "people.edit"))
    with pytest.raises(ForbiddenError):
        await manage_users.reset(replace(server, store=narrow), "root")


async def test_one_sees_and_revokes_ones_own_tokens_alone(store: SqlStore) -> None:
    """Others' tokens are for who looks after operators; a token that is not there is not told from another's."""
    await person(store, "root", "owner")
    await person(store, "ada", "viewer")
    await token_of(store, "root")
    ada = await as_user(store, "ada")
    mine, _ = await tokens.issue_token(ada, name="laptop", clock=clock)
    assert [each.token.id for each in await tokens.list_tokens(ada)] == [mine.token.id]
    (theirs,) = await tokens.list_tokens(store, user="root")
    for act in (
        tokens.list_tokens(ada, everyone=True),
        tokens.list_tokens(ada, user="root"),
        tokens.show_token(ada, theirs.token.id),
        tokens.revoke_token(ada, theirs.token.id),
        tokens.revoke_token(ada, "wat_unknown"),
    ):
        with pytest.raises(ForbiddenError):
            await act
    assert (await tokens.revoke_token(ada, mine.token.id, clock=clock)).token.revoked_at == NOW
    await tokens.revoke_token(store, theirs.token.id, clock=clock)
