"""Applications with access to one's account: told in words, and taken back so that gateways refuse their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.identity import front
from tests.identity.people.house import Browser, House, forms, location
from tests.storage.samples import source_of

from wardgate.domain.oauth import Client, Grant, Token
from wardgate.domain.people import User
from wardgate.domain.tokenform import issued_ms, new_jti
from wardgate.storage.database import SqlStore
from wardgate.storage.reader import SqliteSource

PAGE = "/oauth2/account/applications"


@pytest.fixture
def worker(store: SqlStore) -> Iterator[SqliteSource]:
    """What a gateway worker reads of the store."""
    source = source_of(store)
    yield source
    source.close()


async def grant_to(house: House, client: Client, user: User, *scopes: str, number: int = 1) -> Grant:
    """What the user let the client do."""
    grant = Grant(
        id=f"grant-{client.id}-{user.id}-{number}",
        environment="development",
        client=client.id,
        subject=user.id,
        scopes=scopes,
        kind="authorization_code",
        created_at=house.clock(),
    )
    async with house.server.store.writing() as tx:
        await tx.grants.add(grant)
        await tx.consents.put(user.id, client.id, scopes, house.clock())
    return grant


def token_of(house: House, grant: Grant) -> Token:
    """A signed token issued under the grant now, as a gateway has verified it."""
    jti = new_jti(house.clock(), house.server.random)
    return Token(
        id=jti,
        issuer=house.server.settings.issuer,
        client=grant.client,
        subject=grant.subject,
        grant=grant.id,
        issued_at=house.clock(),
        issued_ms=issued_ms(jti),
        expires_at=house.clock() + 600,
    )


async def signed_in(house: House, name: str = "ada") -> tuple[User, Browser]:
    """A person at a browser."""
    user, browser = await house.user(name), house.browser()
    await browser.sign_in(name)
    return user, browser


async def test_applications_are_told_in_words(house: House) -> None:
    """Name, application, who runs it, since when, and each scope as what it lets the application do; all escaped."""
    user, browser = await signed_in(house)
    assert "There are none." in (await browser.get(PAGE)).text
    client = await front.add_client(house.server, name="<i>Shop</i>", application="Shop app")
    await grant_to(house, client, user, "openid", "email", "orders.read")
    page = (await browser.get(PAGE)).text
    assert "&lt;i&gt;Shop&lt;/i&gt;" in page
    assert "<i>Shop" not in page
    for told in ("Shop app", "Ann Ash", "Know who you are", "See your e-mail address", "orders.read", "2027"):
        assert told in page


async def test_access_is_taken_back(house: House, worker: SqliteSource) -> None:
    """Grants and consent are gone, a signed token issued before is refused by a gateway, and the feed has said so."""
    user, browser = await signed_in(house)
    client = await front.add_client(house.server)
    first, second = [await grant_to(house, client, user, "openid", number=each) for each in (1, 2)]
    tokens = [token_of(house, grant) for grant in (first, second)]
    assert not any(worker.revoked(token, client.application) for token in tokens)
    before = worker.position()
    form = forms(await browser.get(PAGE))[f"{PAGE}/take-back"]
    done = await browser.post(f"{PAGE}/take-back", form)
    page = (await browser.get(location(done))).text
    assert "Access was taken back." in page
    assert "There are none." in page
    assert all(worker.revoked(token, client.application) for token in tokens)
    changes = {(change.kind, change.key) for change in worker.changes(before)}
    assert {("revocation", f"grant {first.id}"), ("revocation", f"grant {second.id}")} <= changes
    async with house.server.store.reading() as tx:
        assert await tx.grants.find(subject=user.id) == []
        assert await tx.consents.get(user.id, client.id) == ()


async def test_a_token_issued_at_that_moment_is_refused_too(house: House, worker: SqliteSource) -> None:
    """What another process issues under the grant just after it was taken back counts as issued before."""
    user, browser = await signed_in(house)
    client = await front.add_client(house.server)
    grant = await grant_to(house, client, user, "openid")
    await browser.post(f"{PAGE}/take-back", {"client": client.id})
    house.clock.now += 2
    assert worker.revoked(token_of(house, grant), client.application)


async def test_others_keep_theirs(house: House, worker: SqliteSource) -> None:
    """The same application's access to another person's account, and another application's to this one, stay."""
    ada, browser = await signed_in(house)
    bob = await house.user("bob")
    shop, desk = await front.add_client(house.server), await front.add_client(house.server)
    taken = await grant_to(house, shop, ada, "openid")
    kept = [await grant_to(house, shop, bob, "openid"), await grant_to(house, desk, ada, "openid")]
    await browser.post(f"{PAGE}/take-back", {"client": shop.id})
    assert worker.revoked(token_of(house, taken), shop.application)
    assert not any(worker.revoked(token_of(house, each), "") for each in kept)
    async with house.server.store.reading() as tx:
        assert await tx.consents.get(bob.id, shop.id) == ("openid",)


async def test_a_remembered_answer_can_be_forgotten(house: House) -> None:
    """A client without access now is still listed while it may get it again without asking."""
    user, browser = await signed_in(house)
    client = await front.add_client(house.server)
    grant = await grant_to(house, client, user, "openid")
    async with house.server.store.writing() as tx:
        await tx.grants.revoke([grant.id], house.clock())
    assert "may get it again without asking" in (await browser.get(PAGE)).text
    await browser.post(f"{PAGE}/take-back", {"client": client.id})
    assert "There are none." in (await browser.get(PAGE)).text


async def test_a_client_that_is_gone_or_nothing_at_all(house: House) -> None:
    """An unknown client's id, or none, takes nothing back and is no error; other environments' are not shown."""
    user, browser = await signed_in(house)
    for form in ({"client": "nobody"}, {"client": ""}, {}):
        assert location(await browser.post(f"{PAGE}/take-back", form)).startswith(PAGE)
    client = await front.add_client(house.server)
    await grant_to(house, client, user, "openid")
    async with house.server.store.writing() as tx:
        await tx.clients.replace(replace(client, status="suspended"))
    assert client.name in (await browser.get(PAGE)).text
