"""Projects, and what an operator of one may apply."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.operators.operating import as_user, clock, person
from tests.storage.samples import entry

from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.operators import grants, projects
from wardgate.control.operators.holding import holdings_of
from wardgate.control.rollback import rollback
from wardgate.domain.document import ApiEntry, AuthorizationServer, Document, Listing
from wardgate.domain.operator import DEFAULT_PROJECT
from wardgate.domain.versioning import Versioning
from wardgate.storage.database import SqlStore


def api(name: str, project: str | None) -> ApiEntry:
    """An API of a project, with no plan of its own."""
    return replace(entry(name, plans=()), listing=Listing(project=project))


async def apply(store: SqlStore, *apis: ApiEntry) -> None:
    """Applies a document with these APIs alone."""
    await apply_document(store, Document(apis=apis), "development", "test", "")


async def two_projects(store: SqlStore) -> SqlStore:
    """Projects ``shop`` and ``bank``, and the store as it is to pat, who publishes in shop."""
    for name in ("shop", "bank"):
        await projects.set_project(store, name=name, clock=clock)
    await person(store, "pat", "publisher", projects=["shop"])
    return await as_user(store, "pat")


async def test_a_publisher_of_a_project_applies_its_apis_alone(store: SqlStore) -> None:
    """New ones in it, changed ones in it; none elsewhere, none taken from elsewhere, none given away."""
    pat = await two_projects(store)
    await apply(pat, api("orders", "shop"))
    await apply(store, api("orders", "shop"), api("payments", "bank"))
    for refused in (
        api("new", "bank"),
        api("new", None),
        api("payments", "shop"),
        api("orders", "bank"),
        api("orders", "default"),
    ):
        with pytest.raises(ForbiddenError) as error:
            await apply(pat, refused)
        assert error.value.permission == "apis.edit"


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_publisher_of_a_project_sends_nobodys_secrets_elsewhere(
    store: SqlStore, dry_run: bool
) -> None:
    """Who answers the token endpoint is a setting of the environment, in whatever section of a document it stands."""
    pat = await two_projects(store)
    elsewhere = AuthorizationServer(token_endpoint="https://elsewhere.example.com/token")
    for document in (
        Document(authorization_server=elsewhere),
        Document(apis=(api("orders", "shop"),), authorization_server=elsewhere),
    ):
        with pytest.raises(ForbiddenError) as error:
            await apply_document(pat, document, "development", "pat", "", dry_run=dry_run)
        assert error.value.permission == "environments.edit"
    await apply_document(store, Document(authorization_server=elsewhere), "development", "test", "")


def at(name: str, base_path: str, *hosts: str, value: str = "", project: str = "shop") -> ApiEntry:
    """An API of a project at that place, told apart by a header if ``value`` is given."""
    made = replace(entry(name, base_path=base_path, plans=()), listing=Listing(project=project))
    versioning = Versioning(by="header", name="X-Version", value=value) if value else None
    return replace(made, api=replace(made.api, hosts=hosts, versioning=versioning))


async def applied(store: SqlStore, wanted: ApiEntry, *, dry_run: bool) -> bool:
    """Whether it was, or would be, applied; else for want of who may edit in the bank, and nothing changed."""
    try:
        await apply_document(store, Document(apis=(wanted,)), "development", "pat", "", dry_run=dry_run)
    except ForbiddenError as error:
        assert (error.permission, "in the project 'bank'" in error.message) == ("apis.edit", True)
        async with store.reading() as tx:
            there = {each.entry.api.id: each.entry.api for each in await tx.apis.deployed("development")}
        assert there.get(wanted.api.id) != wanted.api
        return False
    return True


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("taker", "free"),
    [
        (at("orders", "/money/v1/items"), False),
        (at("orders", "/money/v1", "api.example.com"), False),
        (at("orders", "", "*.example.com"), False),
        (at("orders", "/money/v1", value="9"), False),
        (at("orders", "/money/v10"), True),
        (at("orders", "/money"), True),
        (at("orders", ""), True),
    ],
)
async def test_a_publisher_of_a_project_takes_no_place_of_another(
    store: SqlStore, taker: ApiEntry, free: bool, dry_run: bool
) -> None:
    """Neither new nor moved, planned nor applied; who may edit in both may, and then the place is theirs to change."""
    pat = await two_projects(store)
    await apply(store, at("money", "/money/v1", value="1", project="bank"))
    assert await applied(pat, taker, dry_run=dry_run) == free
    await apply(store, at("orders", "/orders"))
    assert await applied(pat, taker, dry_run=dry_run) == free
    await person(store, "sam", "publisher", projects=["shop", "bank"])
    assert await applied(await as_user(store, "sam"), taker, dry_run=False)
    changed = replace(taker, api=replace(taker.api, max_body=5))
    assert await applied(pat, changed, dry_run=dry_run)


async def test_a_publisher_of_a_project_moves_on_in_no_place_of_another(store: SqlStore) -> None:
    """One path of the bank's that they were let have is not all of them; whatever is the project's own is free."""
    pat = await two_projects(store)
    await apply(
        store, at("money", "/money", project="bank"), at("orders", "/money/items"), at("shop", "/shop")
    )
    assert not await applied(pat, at("orders", "/money/accounts"), dry_run=False)
    assert await applied(pat, at("orders", "/shop/orders"), dry_run=False)
    assert not await applied(pat, at("orders", "/money/items"), dry_run=False)


async def test_rolling_back_takes_no_place_of_another(store: SqlStore) -> None:
    """Where nothing stood when the revision was made, something of another project may stand now."""
    pat = await two_projects(store)
    await apply(pat, at("orders", "/money/items"))
    await apply(pat, at("orders", "/orders"))
    await apply(store, at("money", "/money", project="bank"))
    with pytest.raises(ForbiddenError, match=r"apis\.edit in the project 'bank'"):
        await rollback(pat, api="orders/v1", environment="development", reason="slow")
    await rollback(store, api="orders/v1", environment="development", reason="agreed")
    await rollback(pat, api="orders/v1", environment="development", reason="back")


async def test_a_project_with_apis_stays(store: SqlStore) -> None:
    """It goes once its APIs are elsewhere, and with it the roles held in it; the default one never does."""
    await two_projects(store)
    await apply(store, api("orders", "shop"))
    with pytest.raises(ConflictError) as error:
        await projects.remove_project(store, "shop", clock=clock)
    assert (error.value.code, "orders/v1" in error.value.message) == ("project_in_use", True)
    await apply(store, api("orders", "bank"))
    await projects.remove_project(store, "shop", clock=clock)
    async with store.reading() as tx:
        assert (await holdings_of(tx, "user", "usr_pat")).projects == {}
    with pytest.raises(ConflictError):
        await projects.remove_project(store, DEFAULT_PROJECT)
    with pytest.raises(NotFoundError):
        await grants.grant(store, kind="user", name="pat", role="viewer", project="shop")


async def test_projects_are_described(store: SqlStore) -> None:
    """The default one is there from the start and may be described too; names are checked."""
    assert [each.name for each in await projects.list_projects(store)] == [DEFAULT_PROJECT]
    await projects.set_project(store, name="shop", description="The shop", clock=clock)
    await projects.set_project(store, name="shop", description="Our shop")
    await projects.set_project(store, name=DEFAULT_PROJECT, description="The rest")
    told = {each.name: each.description for each in await projects.list_projects(store)}
    assert told == {DEFAULT_PROJECT: "The rest", "shop": "Our shop"}
    for wrong in ("", "Shop", "a b", "x" * 65, "-x", "a/b"):
        with pytest.raises(InvalidError):
            await projects.set_project(store, name=wrong)
