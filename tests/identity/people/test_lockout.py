"""Guessing is slowed down, and nobody can be locked out by it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from tests.identity.people.house import PASSWORD, House

from wardgate.domain.people import User
from wardgate.identity.people.devices import known_device, remember_device
from wardgate.identity.people.lockout import ThrottledError, account_of, prefix_of
from wardgate.identity.people.signin import sign_in_with_password
from wardgate.storage.layout import database_path

ATTACKER = "198.51.100.7"


async def attempt(house: House, password: str, name: str = "ada", **call: Any) -> User | int | None:
    """The user, ``None``, or the seconds to wait."""
    try:
        return await sign_in_with_password(house.server, house.call(**call), name, password)
    except ThrottledError as error:
        return error.seconds


async def guess(house: House, times: int, **more: Any) -> list[User | int | None]:
    """So many wrong passwords in a row."""
    return [await attempt(house, f"wrong {number} guess", **more) for number in range(times)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long attempts are held; nobody waits for it here."""
    held: list[float] = []

    async def pause(seconds: float) -> None:
        held.append(seconds)

    monkeypatch.setattr("wardgate.identity.people.lockout.sleep", pause)
    return held


async def test_a_guesser_waits_longer_each_time(house: House) -> None:
    """Five failures are free; then one, two, four ... seconds, up to fifteen minutes, before the password is looked at."""
    await house.user()
    assert await guess(house, 5, address=ATTACKER) == [None] * 5
    waits: list[int] = []
    for _ in range(12):
        checks = house.passwords.checks
        wait = await attempt(house, PASSWORD, address=ATTACKER)
        assert isinstance(wait, int)
        assert house.passwords.checks == checks
        waits.append(wait)
        house.clock.now += wait
        assert await attempt(house, "wrong again", address=ATTACKER) is None
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_the_person_elsewhere_is_not_locked_out(house: House, pauses: list[float]) -> None:
    """However many addresses guess at an account, its owner gets in from another one, on the first try."""
    user = await house.user()
    for number in range(12):
        await guess(house, 6, address=f"198.51.100.{number}")
    assert await attempt(house, PASSWORD, address="203.0.113.5") == user


async def test_a_known_browser_is_not_even_slowed(house: House, pauses: list[float]) -> None:
    """At the very address that guesses, a browser the person signed in with before is counted by itself."""
    user = await house.user()
    account = account_of(house.server, "ada")
    header = remember_device(house.server, house.call(), account)[1]
    name, _, value = header.partition(";")[0].partition("=")
    for number in range(12):
        await guess(house, 6, address=f"198.51.100.{number}")
    await guess(house, 60, address=ATTACKER, name="someone else")
    assert isinstance(await attempt(house, PASSWORD, address=ATTACKER), int)
    pauses.clear()
    assert await attempt(house, PASSWORD, address=ATTACKER, cookies={name: value}) == user
    assert pauses == []


async def test_a_known_browser_has_its_own_bound(house: House) -> None:
    """Who stole such a browser gets ten guesses, then waits; others are not affected."""
    user = await house.user()
    header = remember_device(house.server, house.call(), account_of(house.server, "ada"))[1]
    name, _, value = header.partition(";")[0].partition("=")
    assert await guess(house, 10, cookies={name: value}) == [None] * 10
    assert await attempt(house, PASSWORD, cookies={name: value}) == 1
    assert await attempt(house, PASSWORD, address="203.0.113.5") == user


async def test_distributed_guessing_is_slowed_and_still_answered(house: House, pauses: list[float]) -> None:
    """After twenty failures from everywhere each attempt of an unknown browser is held a few seconds, never refused."""
    user = await house.user()
    for number in range(30):
        assert await attempt(house, "wrong guess", address=f"198.51.100.{number}") is None
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    assert await attempt(house, PASSWORD, address="203.0.113.5") == user
    assert pauses[-1] == 4.0


async def test_spraying_from_one_address_is_stopped(house: House) -> None:
    """Fifty failures at many accounts make the address wait for every account, briefly."""
    await house.user()
    for number in range(50):
        assert await attempt(house, "Spring2026!!", name=f"user{number}", address=ATTACKER) is None
    assert await attempt(house, PASSWORD, address=ATTACKER) == 1


async def test_signing_in_to_ones_own_account_buys_no_guesses(house: House) -> None:
    """A success forgets the failures at that account from there, and none of the address's."""
    await house.user()
    await house.user("mallory", "violet tractor lamp moss")
    await guess(house, 4, address=ATTACKER)
    assert isinstance(await attempt(house, PASSWORD, address=ATTACKER), User)
    assert await guess(house, 5, address=ATTACKER) == [None] * 5
    for number in range(41):
        await attempt(house, "Spring2026!!", name=f"user{number}", address=ATTACKER)
    assert await attempt(house, "violet tractor lamp moss", name="mallory", address=ATTACKER) == 1


async def test_names_that_do_not_exist_are_counted_alike(house: House) -> None:
    """Neither the number of free failures nor the wait tells whether there is such an account."""
    await house.user()
    known = await guess(house, 7, name="ada", address=ATTACKER)
    unknown = await guess(house, 7, name="nobody", address=ATTACKER)
    assert known == unknown == [None] * 5 + [1, 1]


async def test_a_burst_gets_no_more_guesses(house: House) -> None:
    """Attempts are counted before the password is looked at: of thirty at once five are looked at."""
    await house.user()
    found = await asyncio.gather(*(attempt(house, f"wrong {each}", address=ATTACKER) for each in range(30)))
    assert found.count(None) == 5
    assert house.passwords.checks == 5


async def test_failures_are_forgotten(house: House) -> None:
    """An hour after the last failure all is free again."""
    user = await house.user()
    await guess(house, 6, address=ATTACKER)
    house.clock.now += 3600
    assert await attempt(house, PASSWORD, address=ATTACKER) == user


async def test_the_counters_name_nobody(house: House) -> None:
    """What is typed as a name is somebody's address, or a password in the wrong field: it is not stored."""
    await guess(house, 1, name="ada@example.com")
    with closing(sqlite3.connect(database_path(house.server.store.data_dir))) as connection:
        keys = [row[0] for row in connection.execute("SELECT key FROM throttle")]
    assert len(keys) == 3
    assert not any("example" in key for key in keys)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_addresses_are_counted_by_customer(address: str, prefix: str) -> None:
    """IPv6 by its /64, which one customer has whole; what is no address is one place."""
    assert prefix_of(address) == prefix


async def test_a_browser_is_known_for_what_it_signed_in_to(house: House) -> None:
    """For other accounts, with another's mark, or with a made-up one it is unknown."""
    server = house.server
    ada, bob = account_of(server, "ada"), account_of(server, "bob")
    name, _, value = remember_device(server, house.call(), ada)[1].partition(";")[0].partition("=")
    device, mark = value.split(".")
    assert known_device(server, house.call(cookies={name: value}), ada) == device
    assert known_device(server, house.call(cookies={name: value}), bob) is None
    for forged in (f"{device[::-1]}.{mark}", f"{device}.{mark[::-1]}", device, f"{device}.", "x" * 500):
        assert known_device(server, house.call(cookies={name: forged}), ada) is None


async def test_a_browser_keeps_five_accounts(house: House) -> None:
    """Signing in to a sixth forgets the one signed in to longest ago; the browser stays the same one."""
    server = house.server
    cookies: dict[str, str] = {}
    accounts = [account_of(server, f"user{number}") for number in range(6)]
    for account in accounts:
        header = remember_device(server, house.call(cookies=cookies), account)[1]
        name, _, value = header.partition(";")[0].partition("=")
        cookies = {name: value}
    known = [known_device(server, house.call(cookies=cookies), each) is not None for each in accounts]
    assert known == [False, True, True, True, True, True]
