"""Passwords: what may be one, and how hashing is kept from stopping everything else."""

from __future__ import annotations

import asyncio
import threading
import unicodedata

import pytest
from tests.identity.people.house import CHEAP, CountingPasswords

from wardgate.identity.errors import OAuthError
from wardgate.identity.people.passwords import (
    HashParameters,
    PasswordRefusedError,
    Passwords,
    check_new,
)


async def test_the_default_cost_is_rfc_9106s() -> None:
    """Argon2id with 64 MiB, three passes and four lanes, and a salt of its own each time."""
    passwords = Passwords()
    first, second = await passwords.hash("purple violin cactus"), await passwords.hash("purple violin cactus")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert await passwords.verify(first, "purple violin cactus")
    assert not await passwords.verify(first, "purple violin cactuS")
    passwords.close()


async def test_every_keyboard_writes_the_same_password() -> None:
    """Composed and decomposed letters are one (NFC); other differences stay."""
    passwords = Passwords(CHEAP)
    composed, decomposed = (unicodedata.normalize(form, "café crème brûlée") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert await passwords.verify(await passwords.hash(composed), decomposed)
    assert not await passwords.verify(await passwords.hash(composed), "cafe creme brulee")
    passwords.close()


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("elevenchars", "at least 12"),
        ("e\u0301xkqjvwzpfm", "at least 12"),
        ("q" + "é" * 512, "at most 1024 bytes"),
        ("password1234", "first that are tried"),
        ("Ada.Lovelace99", "first that are tried"),
    ],
)
def test_what_cannot_be_a_password(password: str, said: str) -> None:
    """Too short by characters, too long by bytes, or common: the reason is said, the password never."""
    with pytest.raises(PasswordRefusedError, match=said) as refused:
        check_new(password, about=("ada.lovelace",))
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["twelve chars", "\U0001f40e" * 3 + " battery staple", "q" * 3 + "é" * 510]
)
def test_there_are_no_other_rules(password: str) -> None:
    """Spaces, letters of any script and plain lower case will do, up to the last byte allowed."""
    check_new(password)


async def test_other_parameters_make_a_hash_outdated() -> None:
    """A hash stays good when the cost is changed, and is known to need making anew."""
    old, new = Passwords(CHEAP), Passwords(HashParameters(time_cost=2, memory_kib=16, parallelism=1))
    known = await old.hash("purple violin cactus")
    assert not old.is_outdated(known)
    assert new.is_outdated(known)
    assert new.is_outdated("damaged")
    assert await new.verify(known, "purple violin cactus")
    old.close()
    new.close()


async def test_nobodys_password_costs_the_same() -> None:
    """Without a hash the work is done all the same, at the same parameters, and nothing is right."""
    passwords = CountingPasswords()
    assert not await passwords.verify(None, "purple violin cactus")
    assert passwords.checks == 1
    assert "$argon2id$v=19$m=8,t=1,p=1$" in passwords._nobodys
    assert not passwords.is_outdated(passwords._nobodys)
    passwords.close()


async def test_a_damaged_hash_or_an_endless_password_is_wrong() -> None:
    """Neither is an error, and both cost what any check costs."""
    passwords = CountingPasswords()
    known = await passwords.hash("purple violin cactus")
    assert not await passwords.verify("$argon2id$v=19$damaged", "purple violin cactus")
    assert not await passwords.verify(known, "purple violin cactus" * 1000)
    assert passwords.checks == 2
    passwords.close()


async def test_hashing_is_bounded() -> None:
    """With all threads and places of the queue taken the next is asked to come back; the loop is free meanwhile."""

    class Held(Passwords):
        free = threading.Event()

        def _verify(self, known: str, text: bytes) -> bool:
            self.free.wait(20)
            return super()._verify(known, text)

    passwords = Held(CHEAP, workers=2, queue=3)
    waiting = [asyncio.create_task(passwords.verify(None, "x")) for _ in range(5)]
    await asyncio.sleep(0.05)
    with pytest.raises(OAuthError) as refused:
        await passwords.verify(None, "x")
    assert (refused.value.error, refused.value.status) == ("temporarily_unavailable", 503)
    assert ("retry-after", "5") in refused.value.headers
    passwords.free.set()
    assert await asyncio.gather(*waiting) == [False] * 5
    assert await passwords.verify(None, "x") is False
    passwords.close()


async def test_one_who_went_away_frees_the_place_when_the_work_is_done() -> None:
    """A caller that is cancelled does not let another in before its own hashing ended."""
    passwords = Passwords(CHEAP, workers=1, queue=0)
    gone = asyncio.create_task(passwords.verify(None, "x"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    for _ in range(200):
        if not passwords._running:
            break
        await asyncio.sleep(0.01)
    assert await passwords.verify(None, "x") is False
    passwords.close()
