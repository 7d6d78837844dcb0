"""``projects`` and ``operator_roles`` of a document: read, compared, applied and given back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.control.operators.operating import as_user, person

from wardgate.control.apply import apply_document
from wardgate.control.document import dump, load
from wardgate.control.errors import ForbiddenError
from wardgate.control.export import export_document
from wardgate.control.operators import projects, roles
from wardgate.domain.document import Document, DocumentError
from wardgate.domain.operator import OperatorRole, Project
from wardgate.storage.database import SqlStore

RELEASER = OperatorRole(
    name="releaser", permissions=frozenset(("apis.view", "apis.promote")), description="Promotes"
)
SHOP = Project(name="shop", description="What is sold")
DOCUMENT = Document(projects=(SHOP,), operator_roles=(RELEASER,))


def read(tmp_path: Path, text: str) -> Document:
    """The document of ``text``."""
    file = tmp_path / "wardgate.yaml"
    file.write_text(text)
    return load(file)


async def test_what_is_applied_is_given_back_and_nothing_is_taken_away(
    store: SqlStore, tmp_path: Path
) -> None:
    """Once more changes nothing; a document without the sections leaves them, with --prune too."""
    read_again = read(tmp_path, dump(DOCUMENT))
    assert (read_again.projects, read_again.operator_roles) == (DOCUMENT.projects, DOCUMENT.operator_roles)
    result = await apply_document(store, DOCUMENT, "development", "test", "")
    assert result.changes == (
        "+ project shop: What is sold",
        "+ operator role releaser: apis.promote apis.view",
    )
    assert (await apply_document(store, DOCUMENT, "development", "test", "")).changes == ()
    assert (await apply_document(store, Document(), "development", "test", "", True)).changes == ()
    exported = await export_document(store, "development")
    assert (exported.projects, exported.operator_roles) == (DOCUMENT.projects, DOCUMENT.operator_roles)
    assert (await projects.show_project(store, "shop")).created_at > 0
    assert (await roles.show_role(store, "releaser")).permissions == RELEASER.permissions


async def test_a_role_that_allows_more_is_told_as_a_weakening(store: SqlStore) -> None:
    """One that allows less, and other words for it, are not."""
    await apply_document(store, DOCUMENT, "development", "test", "")
    more = OperatorRole(name="releaser", permissions=frozenset(("apis.promote", "apis.approve")))
    plan = await apply_document(
        store, Document(operator_roles=(more,)), "development", "test", "", dry_run=True
    )
    assert {(each.kind, each.weakens) for each in plan.differences} == {
        ("description_changed", False),
        ("permission_removed", False),
        ("permission_added", True),
    }
    assert plan.changes == (
        "~ operator role releaser: description: Promotes -> none",
        "~ operator role releaser: - permission apis.view",
        "~ operator role releaser: + permission apis.approve",
    )


async def test_a_document_gives_nobody_what_they_lack(store: SqlStore) -> None:
    """An admin, who looks after no operators, can neither add a project nor change a role by a document, nor see by a
    plan what roles allow."""
    await apply_document(store, DOCUMENT, "development", "test", "")
    await person(store, "ada", "admin")
    await person(store, "pia", "publisher")
    ada, pia = await as_user(store, "ada"), await as_user(store, "pia")
    assert (await apply_document(ada, DOCUMENT, "development", "test", "")).changes == ()
    for document in (
        Document(projects=(Project(name="other"),)),
        Document(operator_roles=(OperatorRole(name="all", permissions=frozenset(("apis.view",))),)),
    ):
        with pytest.raises(ForbiddenError, match=r"operators\.edit"):
            await apply_document(ada, document, "development", "test", "")
    with pytest.raises(ForbiddenError, match=r"operators\.view"):
        await apply_document(pia, DOCUMENT, "development", "test", "", dry_run=True)
    await roles.set_role(store, name="warden", permissions=["operators.edit", "environments.view"])
    await person(store, "will", "warden", "viewer")
    gains = Document(operator_roles=(OperatorRole(name="mine", permissions=frozenset(("secrets.edit",))),))
    await roles.set_role(store, name="warden", permissions=["operators.edit", "operators.view"])
    with pytest.raises(ForbiddenError, match=r"secrets\.edit"):
        await apply_document(await as_user(store, "will"), gains, "development", "test", "")


async def test_who_may_not_see_operators_exports_none_of_their_roles(store: SqlStore) -> None:
    """A viewer's export has the projects; applied, it takes no role away."""
    await apply_document(store, DOCUMENT, "development", "test", "")
    await person(store, "vera", "viewer")
    exported = await export_document(await as_user(store, "vera"), "development")
    assert (exported.projects, exported.operator_roles) == ((SHOP,), ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("projects: [{name: Shop}]", "wardgate.yaml:1: projects[0].name: 'Shop' is no valid name"),
        ("projects: [{name: shop}, {name: shop}]", "the project 'shop' is also declared"),
        ("projects: [{name: shop, owners: [ada]}]", "unknown key 'owners'"),
        (
            "operator_roles: [{name: owner, permissions: [apis.view]}]",
            "the role 'owner' comes with the installation",
        ),
        ("operator_roles: [{name: releaser}]", "the key 'permissions' is missing"),
        ("operator_roles: [{name: releaser, permissions: []}]", "a role needs a permission"),
        (
            "operator_roles: [{name: releaser, permissions: [apis.veiw]}]",
            "there is no permission 'apis.veiw'. Did you mean 'apis.view'?",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    """The problem names what is wrong and the remedy."""
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
