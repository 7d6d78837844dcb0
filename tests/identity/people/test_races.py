"""Many at the same moment, on every database: what is good once is good once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from tests.identity.people.house import PASSWORD, House, forms
from tests.identity.people.test_one_time_codes import session_of, with_app

from wardgate.domain.people import User
from wardgate.identity.errors import PageError
from wardgate.identity.people import recovery, totp
from wardgate.identity.people.links import use_link
from wardgate.identity.people.lockout import ThrottledError
from wardgate.identity.people.reset import password_link
from wardgate.identity.people.signin import sign_in_with_password

pytestmark = pytest.mark.every_database


async def all_of(house: House, calls: list[Awaitable[object]]) -> list[object]:
    """What all of them came to, errors too."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_a_burst_of_guesses(house: House) -> None:
    """Of thirty guesses at the same moment five are looked at, however the transactions overlap."""
    await house.user()
    guesses = [
        sign_in_with_password(house.server, house.call(), "ada", f"guess {each}") for each in range(30)
    ]
    found = await all_of(house, [*guesses])
    assert found.count(None) == house.passwords.checks == 5
    assert sum(isinstance(each, ThrottledError) for each in found) == 25


async def test_a_code_used_at_the_same_moment(house: House) -> None:
    """One of ten sign-ins with one code of an app gets in."""
    user = await house.user()
    secret = await with_app(house, user)

    async def use() -> bool:
        async with house.server.store.writing() as tx:
            return await totp.check_totp(house.server, tx, user, house.code(secret))

    found = await all_of(house, [use() for _ in range(10)])
    assert sorted(map(str, found)) == ["False"] * 9 + ["True"]


async def test_a_recovery_code_used_at_the_same_moment(house: House) -> None:
    """One of ten gets in, and nine codes are left."""
    user = await house.user()
    async with house.server.store.writing() as tx:
        codes = await recovery.make_codes(house.server, tx, user)

    async def use() -> bool:
        async with house.server.store.writing() as tx:
            return await recovery.use_code(house.server, tx, user, codes[0])

    found = await all_of(house, [use() for _ in range(10)])
    assert sorted(map(str, found)) == ["False"] * 9 + ["True"]
    async with house.server.store.reading() as tx:
        assert await recovery.codes_left(tx, user) == 9


async def test_a_link_used_at_the_same_moment(house: House) -> None:
    """One of ten forms of a link counts."""
    user = await house.user()
    async with house.server.store.writing() as tx:
        token = (await password_link(house.server, tx, user)).partition("token=")[2]

    async def use() -> str:
        async with house.server.store.writing() as tx:
            return str((await use_link(house.server, tx, "reset", token))["user"])

    found = await all_of(house, [use() for _ in range(10)])
    assert found.count(user.id) == 1
    assert sum(isinstance(each, PageError) for each in found) == 9


async def test_an_app_added_twice_at_the_same_moment(house: House) -> None:
    """Two forms with the right code add one app."""
    user = await house.user()
    session = await session_of(house, user)
    async with house.server.store.writing() as tx:
        code = house.code(await totp.begin_totp(house.server, tx, session))

    async def confirm() -> bool:
        async with house.server.store.writing() as tx:
            return await totp.confirm_totp(house.server, tx, session, user, "App", code)

    found = await all_of(house, [confirm() for _ in range(4)])
    assert sorted(map(str, found)) == ["False"] * 3 + ["True"]
    async with house.server.store.reading() as tx:
        assert len(await tx.factors.of_user(user.id, "totp")) == 1


async def test_signing_in_at_the_same_moment(house: House) -> None:
    """Ten browsers of one person get ten sessions, and the pages work on this database."""
    user = await house.user()
    browsers = [house.browser(f"192.0.2.{number}") for number in range(10)]
    await asyncio.gather(*(browser.sign_in() for browser in browsers))
    assert len(await house.sessions(user)) == 10
    page = await browsers[0].get("/oauth2/account/sessions")
    assert "/oauth2/account/sessions/end" in forms(page)
    for path in ("account", "account/security", "account/applications"):
        assert (await browsers[0].get(f"/oauth2/{path}")).status_code == 200
    again = await sign_in_with_password(house.server, house.call(), "ada", PASSWORD)
    assert isinstance(again, User)
