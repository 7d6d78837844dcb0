"""Accounts and roles as an operator looks after them: what narrows a person's rights takes effect at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.identity import front
from tests.identity.people.house import PASSWORD, House, alert, location
from tests.identity.people.test_mail_links import choose
from tests.identity.people.test_passkeys import with_passkey
from tests.identity.people.test_people_applications import grant_to, token_of
from tests.storage.samples import source_of

from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.domain.secret import Secret
from wardgate.identity.people import manage_roles, manage_users
from wardgate.storage.database import SqlStore
from wardgate.storage.reader import SqliteSource

NEW = "meadow lantern quartz boat"


@pytest.fixture
def worker(store: SqlStore) -> Iterator[SqliteSource]:
    """What a gateway worker reads of the store."""
    source = source_of(store)
    yield source
    source.close()


def path_of(house: House, link: Secret | None) -> str:
    """A link's path and query."""
    assert link is not None
    return link.reveal().decode().removeprefix(house.server.settings.issuer)


async def test_a_user_with_a_password(house: House) -> None:
    """Can sign in at once; names are lower case; the address counts, since an operator vouched for it."""
    user, link = await manage_users.add(
        house.server, name=" Ada ", email="ada@example.com", display_name="Ada L.", password=PASSWORD
    )
    assert link is None
    assert (user.name, user.email_verified, user.profile) == ("ada", True, {"name": "Ada L."})
    assert location(await house.browser().sign_in("ADA")) == "/oauth2/account"
    assert await house.mails() == []


async def test_an_invitation(house: House) -> None:
    """Nobody signs in until the link was used; it is returned and sent; its address is verified by that."""
    user, link = await manage_users.add(house.server, name="ida", email="ida@example.com")
    assert not user.email_verified
    assert "[redacted]" in repr(link)
    assert alert(await house.browser().sign_in("ida", "")) == "The name or the password is wrong."
    (mail,) = await manage_users.outbox(house.server)
    path = path_of(house, link)
    assert path in mail.body
    await choose(house.browser(), path)
    assert location(await house.browser().sign_in("ida", NEW)) == "/oauth2/account"
    assert (await house.reload(user)).email_verified


async def test_an_invitation_without_address(house: House) -> None:
    """The operator hands the link over; no mail leaves."""
    user, link = await manage_users.add(house.server, name="ida")
    assert await house.mails() == []
    await choose(house.browser(), path_of(house, link))
    assert not (await house.reload(user)).email_verified


@pytest.mark.parametrize(
    ("given", "error", "code", "said"),
    [
        ({"name": ""}, InvalidError, "name_invalid", "first a letter or digit"),
        ({"name": "-x"}, InvalidError, "name_invalid", "first a letter or digit"),
        ({"name": "two words"}, InvalidError, "name_invalid", "letters, digits"),
        ({"name": "a" * 129}, InvalidError, "name_invalid", "up to 128"),
        ({"name": "x", "email": "nobody"}, InvalidError, "email_invalid", "ada@example.com"),
        ({"name": "x", "display_name": "a\nb"}, InvalidError, "display name_invalid", "Remove them"),
        ({"name": "x", "password": "short"}, InvalidError, "password_invalid", "at least 12"),
        ({"name": "x", "password": "password1234"}, InvalidError, "password_invalid", "first that are tried"),
        ({"name": "x", "roles": ["boss"]}, NotFoundError, "role_not_found", "put one first"),
        ({"name": "ada"}, ConflictError, "user_exists", "Choose another name"),
    ],
)
async def test_what_cannot_be_added(
    house: House, given: dict[str, object], error: type[Exception], code: str, said: str
) -> None:
    """The reason and the remedy are said, the password never, and nothing is stored."""
    await house.user()
    with pytest.raises(error, match=said) as refused:
        await manage_users.add(house.server, **given)  # type: ignore[arg-type]
    assert refused.value.code == code  # type: ignore[attr-defined]
    if "password" in given:
        assert str(given["password"]) not in str(refused.value)
    assert [each.user.name for each in await manage_users.list_users(house.server)] == ["ada"]


async def test_an_account_is_shown_with_what_belongs_to_it(house: House) -> None:
    """By name in any case, or by id: roles, factors by kind, live sessions."""
    user = await house.user()
    await manage_roles.put_role(house.server, "clerk", ["orders.read"])
    await manage_users.set_roles(house.server, "ada", ["clerk"])
    await house.browser().sign_in()
    await with_passkey(house, user)
    for name in ("ADA", user.id):
        record = await manage_users.show(house.server, name)
        assert (record.user, record.roles) == (user, ("clerk",))
        assert record.factors == {"password": 1, "passkey": 1}
        assert len(record.sessions) == 2
    with pytest.raises(NotFoundError, match="users list"):
        await manage_users.show(house.server, "nobody")


@pytest.mark.parametrize("end", [manage_users.suspend, manage_users.remove])
async def test_who_is_gone_has_nothing_left(house: House, worker: SqliteSource, end) -> None:  # type: ignore[no-untyped-def]
    """Session, grants and tokens end at once, signed tokens at the gateway too; nobody signs in."""
    user, browser = await house.user(), house.browser()
    await browser.sign_in()
    client = await front.add_client(house.server)
    token = token_of(house, await grant_to(house, client, user, "openid"))
    assert not worker.revoked(token, client.application)
    await end(house.server, "ada")
    assert worker.revoked(token, client.application)
    assert location(await browser.get("/oauth2/account")).startswith("/oauth2/login")
    assert alert(await house.browser("192.0.2.9").sign_in()) == "The name or the password is wrong."


async def test_a_restored_user_begins_anew(house: House) -> None:
    """The password works again, the old session does not."""
    await house.user()
    browser = house.browser()
    await browser.sign_in()
    await manage_users.suspend(house.server, "ada")
    await manage_users.restore(house.server, "ada")
    assert location(await browser.get("/oauth2/account")).startswith("/oauth2/login")
    assert location(await browser.sign_in()) == "/oauth2/account"


async def test_a_lost_role_takes_its_tokens_along(house: House, worker: SqliteSource) -> None:
    """Tokens issued before are refused, those issued after are not; the grant lives, so that they can be refreshed."""
    user = await house.user()
    for name in ("clerk", "boss"):
        await manage_roles.put_role(house.server, name, [f"{name}.act"])
    assert await manage_users.set_roles(house.server, "ada", ["clerk", "boss"]) == ("boss", "clerk")
    client = await front.add_client(house.server)
    grant = await grant_to(house, client, user, "boss.act")
    token = token_of(house, grant)
    await manage_users.set_roles(house.server, "ada", ["clerk", "boss"])
    assert not worker.revoked(token, client.application)
    await manage_users.set_roles(house.server, "ada", ["clerk"])
    assert worker.revoked(token, client.application)
    house.clock.now += 1
    assert not worker.revoked(token_of(house, grant), client.application)
    with pytest.raises(NotFoundError, match="Roles: boss, clerk"):
        await manage_users.set_roles(house.server, "ada", ["king"])


async def test_a_narrowed_role_takes_tokens_along(house: House, worker: SqliteSource) -> None:
    """Whoever may give less by it has tokens refused; everybody else keeps theirs."""
    ada, bob = await house.user(), await house.user("bob")
    await manage_roles.put_role(house.server, "clerk", ["orders.read", "orders.write"])
    await manage_users.set_roles(house.server, "ada", ["clerk"])
    client = await front.add_client(house.server)
    narrowed = token_of(house, await grant_to(house, client, ada, "orders.write", number=1))
    same = token_of(house, await grant_to(house, client, ada, "orders.read", number=2))
    other = token_of(house, await grant_to(house, client, bob, "openid", number=3))
    await manage_roles.put_role(house.server, "writer", ["orders.write"])
    assert not worker.revoked(narrowed, "")
    await manage_roles.put_role(house.server, "clerk", ["orders.read"])
    assert worker.revoked(narrowed, "")
    assert not worker.revoked(same, "")
    assert not worker.revoked(other, "")


async def test_a_scope_does_not_open_by_accident(house: House) -> None:
    """Taking a scope out of the last role that carries it would give it to everybody: that must be said."""
    await manage_roles.put_role(house.server, "clerk", ["orders.write"])
    with pytest.raises(ConflictError, match=r"No other role carries orders\.write"):
        await manage_roles.put_role(house.server, "clerk", [])
    with pytest.raises(ConflictError, match="--open-scopes"):
        await manage_roles.remove_role(house.server, "clerk")
    await manage_roles.remove_role(house.server, "clerk", open_scopes=True)
    assert await manage_roles.list_roles(house.server) == []
    with pytest.raises(NotFoundError, match="roles list"):
        await manage_roles.remove_role(house.server, "clerk")


@pytest.mark.parametrize(
    ("name", "scopes", "code"),
    [
        ("no blanks", [], "role_invalid"),
        ("clerk", ["two scopes"], "scope_invalid"),
        ("clerk", ["openid"], "scope_invalid"),
    ],
)
async def test_what_is_no_role(house: House, name: str, scopes: list[str], code: str) -> None:
    """Names and scopes have their forms; what everybody may have cannot be closed."""
    with pytest.raises(InvalidError) as refused:
        await manage_roles.put_role(house.server, name, scopes)
    assert refused.value.code == code


async def test_an_operator_lets_somebody_in_again(house: House) -> None:
    """A link or a password; sessions end, lock-out is forgotten, and factors go when asked."""
    user, browser = await house.user(), house.browser()
    await browser.sign_in()
    await with_passkey(house, user)
    link = await manage_users.reset(house.server, "ada")
    assert await house.sessions(user) == []
    assert (await manage_users.show(house.server, "ada")).factors == {"password": 1, "passkey": 1}
    await choose(house.browser(), path_of(house, link))
    assert location(await house.browser().sign_in(password=NEW)) == "/oauth2/login/second"
    assert await manage_users.reset(house.server, "ada", factors=True, password=PASSWORD) is None
    assert (await manage_users.show(house.server, "ada")).factors == {"password": 1}
    assert location(await house.browser().sign_in()) == "/oauth2/account"
    with pytest.raises(InvalidError, match="at least 12"):
        await manage_users.reset(house.server, "ada", password="short")
    with pytest.raises(NotFoundError):
        await manage_users.reset(house.server, "nobody")
