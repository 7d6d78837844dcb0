"""Identity providers of documents: applied, planned and exported on a real store, past the gate, by whoever may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.control.operators.operating import as_user, person
from tests.identity.federation.foreign import ABROAD, House, make_house

from wardgate.control import audit, environments, promote
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.document import dump
from wardgate.control.errors import ConflictError, ForbiddenError
from wardgate.control.export import export_document
from wardgate.control.state import check, read_state
from wardgate.domain.access import Group
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.people import IdentityProvider, Role
from wardgate.domain.provider import ProviderEntry, ProviderSettings
from wardgate.domain.secret import Secret
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.declared import DeclaredProviders
from wardgate.identity.people import manage_groups
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
ENTRY = ProviderEntry(
    id="abroad", name="Abroad", preset="generic", issuer=ABROAD, client_id="wardgate-at-abroad"
)
ROLES = (Role(name="admin"), Role(name="clerk"))
GROUPS = (Group(name="sellers"),)
MAPPED: Mapping[str, Any] = {
    "roles": {"g": ("admin", "clerk"), "h": ("clerk",)},
    "groups": {"g": ("sellers",)},
}


@pytest.fixture
def house(store: SqlStore) -> House:
    """A server, and a provider that is still to be declared."""
    return make_house(store)


def says(*entries: ProviderEntry, environment: str = "development") -> Document:
    """A document with these providers, and the roles and groups that their groups are mapped to."""
    place = EnvironmentEntry(name=environment, identity_providers=entries)
    return Document(environments=(place,), roles=ROLES, groups=GROUPS)


async def put(
    house: House,
    wanted: Document,
    *,
    prune: bool = False,
    store: SqlStore | None = None,
    dry_run: bool = False,
) -> ApplyResult:
    """Applies a document as ``store``'s actor."""
    acting: Any = house.server.store if store is None else store
    server = replace(house.server, store=acting)
    return await apply_document(
        acting,
        wanted,
        "development",
        "test",
        "why",
        prune,
        dry_run=dry_run,
        federation=DeclaredProviders(server),
        clock=house.clock,
    )


async def provider(house: House, id_: str = "abroad") -> IdentityProvider | None:
    """The provider as stored."""
    async with house.server.store.reading() as tx:
        return await tx.providers.get(id_)


def opened(house: House, found: IdentityProvider | None) -> str:
    """Its client secret."""
    assert found is not None
    return house.server.vault.open(found.sealed_secret, f"idp:{found.id}").decode()


def mapped(**changes: Any) -> ProviderEntry:
    """The entry with settings."""
    return replace(ENTRY, settings=ProviderSettings(**{"create": True, **MAPPED, **changes}))


async def test_what_is_declared_is_there_and_given_back(house: House, store: SqlStore) -> None:
    """A plan changes nothing and says the same; once more changes nothing; a person signs in with it."""
    wanted = says(mapped())
    plan = await put(house, wanted, dry_run=True)
    assert await provider(house) is None
    assert not any(each.weakens for each in plan.differences if "provider" in each.kind)
    done = await put(house, wanted)
    assert done.changes == plan.changes
    assert done.changes[0] == (
        "~ environment development: + identity provider abroad: generic, https://login.abroad.example, client "
        "wardgate-at-abroad, roles g: admin, clerk; h: clerk, groups g: sellers"
    )
    assert (await put(house, wanted)).changes == ()
    house.foreign.claims = {"groups": ["g"]}
    await house.sign_in(house.browser())
    async with store.reading() as tx:
        (user,) = await tx.users.list()
        assert await tx.users.roles(user.id) == ("admin", "clerk")
    exported = await export_document(store, "development")
    assert exported.environments[0].identity_providers == (mapped(),)
    assert (await put(house, exported)).changes == ()
    assert "provider.add" in [each.event.action for each in await audit.records(store)]


async def test_a_secret_is_one_of_the_environment(house: House, store: SqlStore) -> None:
    """It is taken when the document is applied, again when it was set anew, and never told; silence keeps what is stored."""
    wanted = says(replace(ENTRY, client_secret="SSO"))
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="environments secret set development SSO"):
            await put(house, wanted, dry_run=dry_run)
    await environments.set_secret(store, "development", "SSO", Secret("hunter2"), clock=house.clock)
    done = await put(house, wanted)
    assert opened(house, await provider(house)) == "hunter2"
    assert (await put(house, wanted)).changes == ()
    house.clock.now += 1
    await environments.set_secret(store, "development", "SSO", Secret("hunter3"), clock=house.clock)
    again = await put(house, wanted)
    assert list(again.changes) == [
        "~ environment development: ~ identity provider abroad: client_secret: ${secret:SSO}, which was set anew"
    ]
    assert opened(house, await provider(house)) == "hunter3"
    kept = await put(house, says(replace(ENTRY, name="Else")))
    assert len(kept.changes) == 1
    assert opened(house, await provider(house)) == "hunter3"
    exported = await export_document(store, "development")
    assert "client_secret: ${secret:SSO}" in dump(exported)
    await manage_providers.set_secret(house.server, "abroad", "by hand")
    assert "given by itself -> ${secret:SSO}" in (await put(house, exported)).changes[0]
    trail = repr(await audit.records(store))
    for told in (repr(done), repr(again), repr(exported), dump(exported), trail):
        assert "hunter" not in told and "by hand" not in told


async def test_what_is_not_named_stays_but_with_prune(house: House, store: SqlStore) -> None:
    """An environment that is silent is not touched; a list takes away with --prune what it does not name."""
    await put(house, says(ENTRY))
    other = replace(ENTRY, id="other")
    quiet = Document(environments=(EnvironmentEntry(name="development"),), roles=ROLES, groups=GROUPS)
    assert (await put(house, quiet, prune=True)).changes == ()
    assert len((await put(house, says(other))).changes) == 1
    assert await provider(house) is not None
    done = await put(house, says(other), prune=True)
    assert [each.split(" (")[0][:60] for each in done.changes] == [
        "~ environment development: - identity provider abroad: generic"[:60]
    ]
    assert await provider(house) is None
    assert (await put(house, says())).changes == ()
    await put(house, says(), prune=True)
    assert await provider(house, "other") is None
    assert (await export_document(store, "development")).environments == ()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"issuer": "https://other.example.com"}, "issuer"),
        ({"preset": "okta"}, "preset"),
        ({"settings": ProviderSettings(tenant="common")}, "tenant"),
    ],
)
async def test_whose_people_they_are_stays(house: House, changes: dict[str, Any], what: str) -> None:
    """A change of it under the same id is refused, and says what to do; nothing is changed."""
    await put(house, says(ENTRY))
    before = await provider(house)
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match=rf"The {what} of .*'abroad'") as refused:
            await put(house, says(replace(ENTRY, name="New", **changes)), dry_run=dry_run)
        assert "--prune" in refused.value.remedy
    assert await provider(house) == before


async def test_an_id_is_of_one_environment(house: House) -> None:
    """As it names where roles came from."""
    await put(house, says(ENTRY))
    with pytest.raises(ConflictError, match="of staging is one of development already"):
        await put(house, says(ENTRY, environment="staging"))


async def test_a_narrower_mapping_takes_at_once(house: House, store: SqlStore) -> None:
    """What a group is no longer mapped to is lost by all who have it by the provider; what was given here stays."""
    await put(house, says(mapped()))
    house.foreign.claims = {"groups": ["g"]}
    await house.sign_in(house.browser())
    async with store.writing() as tx:
        (user,) = await tx.users.list()
        await tx.users.set_roles(user.id, ["clerk"])
    await put(house, says(mapped(roles={"g": ("clerk",), "h": ("clerk",)}, groups={})))
    async with store.reading() as tx:
        assert await tx.users.roles_from("abroad", user.id) == ("clerk",)
        assert await tx.users.roles(user.id) == ("clerk",)
        assert await tx.operators.groups_of(user.id) == frozenset()
    await put(house, says(mapped(roles={"h": ("clerk",)}, groups={})))
    async with store.reading() as tx:
        assert await tx.users.roles_from("abroad", user.id) == ()
        assert await tx.users.roles(user.id) == ("clerk",)
    await put(house, says(mapped(groups={})))
    await house.sign_in(house.browser())
    await put(house, says(mapped(groups={}, groups_claim="elsewhere")))
    async with store.reading() as tx:
        assert await tx.users.roles_from("abroad", user.id) == ()


async def test_elsewhere_a_new_one_and_a_wider_one_wait(house: House, store: SqlStore) -> None:
    """Until another person agrees; narrower goes at once; the plan says which weakens."""
    ann, bob = await _two(store)
    narrow, wide = mapped(roles={"g": ("clerk",)}), mapped()
    wanted = says(narrow, environment="staging")
    plan = await put(house, wanted, dry_run=True, store=ann)
    assert [each.kind for each in plan.differences if each.weakens] == ["provider_added"]
    asked = await put(house, wanted, store=ann)
    assert len(asked.waiting) == 1
    assert await provider(house) is None
    assert (await put(house, wanted, store=ann)).waiting == asked.waiting
    federation = DeclaredProviders(replace(house.server, store=bob))
    with pytest.raises(ConflictError, match="somebody else"):
        await promote.approve(ann, asked.waiting[0], reason="mine", federation=federation)
    await promote.approve(bob, asked.waiting[0], reason="agreed", federation=federation)
    found = await provider(house)
    assert found is not None and found.environment == "staging"
    assert (await put(house, wanted, store=ann)).changes == ()
    wider = await put(house, says(wide, environment="staging"), store=ann)
    shown = await promote.show(store, wider.waiting[0])
    assert [each.kind for each in shown.promotion.weakenings] == ["provider_mapped_roles_added"]
    assert await provider(house) == found
    narrower = await put(
        house, says(mapped(roles={}, groups={}, create=False), environment="staging"), store=ann
    )
    assert narrower.waiting == ()
    assert (await provider(house)) != found
    with pytest.raises(ConflictError, match="were changed since"):
        await promote.approve(bob, wider.waiting[0], reason="agreed", federation=federation)


@pytest.mark.spoils_database
async def test_a_new_environment_is_no_way_around(house: House, store: SqlStore) -> None:
    """It is added without its providers, which wait."""
    ann, _ = await _two(store)
    wanted = says(mapped(), environment="qa")
    plan = await put(house, wanted, dry_run=True, store=ann)
    assert "provider_added" in [each.kind for each in plan.differences if each.weakens]
    assert len((await put(house, wanted, store=ann)).waiting) == 1
    assert await provider(house) is None


@pytest.mark.parametrize(
    ("lacks", "entry"),
    [
        ("providers.edit", ENTRY),
        ("providers.view", ENTRY),
        ("secrets.edit", replace(ENTRY, client_secret="SSO")),
        ("operators.edit", mapped(operators={"g": ("viewer",)})),
        ("system.backup", mapped(operators={"g": ("owner",)})),
    ],
)
@pytest.mark.parametrize("environment", ["development", "staging"])
async def test_it_takes_what_it_does(
    house: House, store: SqlStore, lacks: str, entry: ProviderEntry, environment: str
) -> None:
    """Whoever lacks one permission for it is refused, also where it would wait, and by the plan as well; nothing is
    changed."""
    await environments.set_secret(store, environment, "SSO", Secret("hunter2"))
    await put(house, Document(roles=ROLES, groups=GROUPS))
    await person(store, "ann", "owner")
    ann = await as_user(store, "ann")
    async with ann.reading() as tx:
        whole = tx.actor
    without = store.acting(replace(whole, permissions=whole.permissions - {lacks}))
    for dry_run in (True, False):
        with pytest.raises(ForbiddenError, match=lacks):
            await put(house, says(entry, environment=environment), store=without, dry_run=dry_run)
    assert await provider(house) is None
    assert await promote.list_promotions(store) == []


async def test_what_cannot_work_changes_nothing(house: House) -> None:
    """What groups are mapped to must be there; a key is not given by a document."""
    wrong = mapped(roles={"g": ("nobody",)})
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="maps groups to 'nobody' of `roles`"):
            await put(house, says(wrong), dry_run=dry_run)
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="keys have no place in a document") as caught:
            await put(house, says(mapped(authentication="private_key_jwt")), dry_run=dry_run)
        assert caught.value.code == "provider_key_missing"
    assert await provider(house) is None


async def _two(store: SqlStore) -> tuple[SqlStore, SqlStore]:
    for name in ("ann", "bob"):
        await person(store, name, "owner")
    return await as_user(store, "ann"), await as_user(store, "bob")


async def test_what_is_stored_and_unsound_is_named(house: House, store: SqlStore) -> None:
    """Applying says which provider it is and what to do, and goes no further."""
    await put(house, says(ENTRY))
    async with store.writing() as tx:
        found = await tx.providers.get("abroad")
        assert found is not None
        await tx.providers.replace(replace(found, settings={"shoe_size": 43}))
    with pytest.raises(
        ConflictError, match="'abroad' of development cannot be used: there is no setting 'shoe_size'"
    ):
        await put(house, says(ENTRY))


async def test_what_is_gone_elsewhere_keeps_nobody_from_anything(house: House, store: SqlStore) -> None:
    """A group that was removed leaves a mapping that gives nothing: it is not for whoever applies or rolls back something
    else to repair. A document that names the mapping anew is refused, and so is one that takes away what is mapped to."""
    await put(house, says(mapped()))
    await manage_groups.remove_group(house.server, "sellers")
    await person(store, "pub", "publisher")
    publisher = await as_user(store, "pub")
    assert (await put(house, Document(), store=publisher)).changes == ()
    async with store.reading() as tx:
        check((await read_state(tx, "development")).document)
    other = mapped(groups={"h": ("sellers",), "i": ("nobody",)})
    with pytest.raises(ConflictError, match="maps groups to 'nobody' of `groups`, which would not exist"):
        await put(house, replace(says(other), groups=()))
    with pytest.raises(ConflictError, match="maps groups to 'admin' of `roles`, which would not exist"):
        await put(house, Document(roles=ROLES[1:]), prune=True)
