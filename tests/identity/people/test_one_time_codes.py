"""One-time codes of apps, and recovery codes: each good once."""

from __future__ import annotations

import re

import pytest
from tests.identity.people.house import House

from wardgate.domain.people import Session, User
from wardgate.identity.people import recovery, totp
from wardgate.identity.people.sessions import start_session
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path


async def session_of(house: House, user: User) -> Session:
    """A browser the user is signed in with."""
    async with house.server.store.writing() as tx:
        session, _ = await start_session(house.server, tx, house.call(), user, amr=("pwd",), acr="1")
    return session


async def with_app(house: House, user: User) -> str:
    """The secret of an app of the user's; its first code is used."""
    session = await session_of(house, user)
    async with house.server.store.writing() as tx:
        secret = await totp.begin_totp(house.server, tx, session)
        assert await totp.confirm_totp(house.server, tx, session, user, "App", house.code(secret))
    house.clock.now += 90
    return secret


async def check(house: House, user: User, code: str) -> bool:
    """Whether the code is taken."""
    async with house.server.store.writing() as tx:
        return await totp.check_totp(house.server, tx, user, code)


async def test_a_code_is_good_once(house: House) -> None:
    """The code of now is taken once; neither it nor the one before is taken after it (RFC 6238 section 5.2)."""
    user = await house.user()
    secret = await with_app(house, user)
    assert await check(house, user, house.code(secret))
    assert not await check(house, user, house.code(secret))
    assert not await check(house, user, house.code(secret, -1))
    house.clock.now += 30
    assert await check(house, user, house.code(secret))


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_differ_by_one_step(house: House, steps: int, taken: bool) -> None:
    """Thirty seconds before and after are forgiven, no more."""
    user = await house.user()
    secret = await with_app(house, user)
    assert await check(house, user, house.code(secret, steps)) is taken


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "123 456"]
)
async def test_what_is_no_code_is_not_taken(house: House, code: str) -> None:
    """Six ASCII digits or nothing."""
    user = await house.user()
    await with_app(house, user)
    assert not await check(house, user, code)


async def test_the_code_that_adds_an_app_is_used_by_it(house: House) -> None:
    """It does not sign in as well; and without a right code there is no app."""
    user = await house.user()
    session = await session_of(house, user)
    async with house.server.store.writing() as tx:
        secret = await totp.begin_totp(house.server, tx, session)
        assert not await totp.confirm_totp(house.server, tx, session, user, "App", "000000")
        assert await tx.factors.of_user(user.id, "totp") == []
        code = house.code(secret)
        assert await totp.confirm_totp(house.server, tx, session, user, "App", code)
        assert not await totp.confirm_totp(house.server, tx, session, user, "App", code)
    assert not await check(house, user, code)


async def test_a_waiting_secret_belongs_to_its_session(house: House) -> None:
    """Another session of the same user has none; a new one voids it; it waits a quarter of an hour."""
    user = await house.user()
    here, there = await session_of(house, user), await session_of(house, user)
    async with house.server.store.writing() as tx:
        first = await totp.begin_totp(house.server, tx, here)
        second = await totp.begin_totp(house.server, tx, here)
        assert first != second
        assert await totp.pending_totp(house.server, tx, here) == second
        assert await totp.pending_totp(house.server, tx, there) is None
        assert not await totp.confirm_totp(house.server, tx, there, user, "App", house.code(second))
        house.clock.now += 900
        assert await totp.pending_totp(house.server, tx, here) is None


async def test_secrets_are_sealed_at_rest(house: House, store: SqlStore) -> None:
    """Neither the waiting secret nor the app's stands in the database; nor does a recovery code."""
    user = await house.user()
    secret = await with_app(house, user)
    session = await session_of(house, user)
    async with house.server.store.writing() as tx:
        waiting = await totp.begin_totp(house.server, tx, session)
        codes = await recovery.make_codes(house.server, tx, user)
    await store.close()
    path = database_path(house.server.store.data_dir)
    stored = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*")).lower()
    for hidden in (secret, waiting, *codes, *(code.replace("-", "") for code in codes)):
        assert hidden.lower().encode() not in stored


async def test_the_picture_is_an_image_without_script(house: House) -> None:
    """A plain SVG of black and white."""
    user = await house.user()
    drawn = totp.picture(house.server, user, "A" * 32).decode()
    assert drawn.startswith("<svg ")
    assert not re.search(r"script|style=|href", drawn)


async def use(house: House, user: User, code: str) -> bool:
    """Whether the recovery code is taken."""
    async with house.server.store.writing() as tx:
        return await recovery.use_code(house.server, tx, user, code)


async def test_a_recovery_code_is_good_once(house: House) -> None:
    """Ten of them, all different; a used one is gone, the others stay."""
    user = await house.user()
    async with house.server.store.writing() as tx:
        codes = await recovery.make_codes(house.server, tx, user)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){2}", code) for code in codes)
    assert await use(house, user, codes[3])
    assert not await use(house, user, codes[3])
    async with house.server.store.reading() as tx:
        assert await recovery.codes_left(tx, user) == 9
    assert await use(house, user, codes[4])


async def test_a_recovery_code_is_read_as_people_write(house: House) -> None:
    """In capitals, with blanks, and with letters that look like the digit."""
    user = await house.user()
    async with house.server.store.writing() as tx:
        codes = await recovery.make_codes(house.server, tx, user)
    typed = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert await use(house, user, typed)


async def test_recovery_codes_are_ones_own_and_the_newest(house: House) -> None:
    """Somebody else's do not work, nor do those made before."""
    ada, bob = await house.user(), await house.user("bob")
    async with house.server.store.writing() as tx:
        old = await recovery.make_codes(house.server, tx, ada)
        new = await recovery.make_codes(house.server, tx, ada)
    assert not await use(house, bob, new[0])
    assert not await use(house, ada, old[0])
    assert await use(house, ada, new[0])
    for wrong in ("", "0000-0000-0000", new[1][:-1], new[1] + "0"):
        assert not await use(house, ada, wrong)
