"""Which sessions need no noting: as long as was said, and never without bound."""

from __future__ import annotations

import pytest
from tests.identity.people.house import House
from tests.identity.people.test_sessions import signed_in

from wardgate.identity.people import uses
from wardgate.identity.people.current import note_use
from wardgate.identity.people.uses import Uses


def test_a_use_is_noted_until_then() -> None:
    """From the moment named on, somebody has to look again."""
    noted = Uses()
    assert not noted.noted(b"one", 100.0)
    noted.note(b"one", 160.0)
    assert noted.noted(b"one", 159.9)
    assert not noted.noted(b"one", 160.0)
    assert not noted.noted(b"two", 100.0)


def test_no_more_are_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many all are looked at again."""
    monkeypatch.setattr(uses, "MOST_SESSIONS", 2)
    noted = Uses()
    for name in (b"one", b"two", b"three"):
        noted.note(name, 160.0)
    assert [noted.noted(name, 100.0) for name in (b"one", b"two", b"three")] == [False, False, True]


async def test_within_the_minute_nobody_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second page of a minute costs no transaction; the first of the next is noted."""
    user, browser = await signed_in(house)
    call = house.call("192.0.2.77", browser.cookies)
    house.clock.now += 30
    await note_use(house.server, call)
    with monkeypatch.context() as patched:
        patched.delattr(type(house.server.store), "reading")
        house.clock.now += 29
        await note_use(house.server, call)
    first = (await house.sessions(user))[0]
    house.clock.now += 1
    await note_use(house.server, call)
    assert (await house.sessions(user))[0].seen_at == first.seen_at + 60
