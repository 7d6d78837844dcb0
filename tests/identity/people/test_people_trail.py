"""What the trail keeps of people: who signed in, who failed to, and what they did with their accounts."""

from __future__ import annotations

import pytest
from tests.identity.people.house import PASSWORD, House, location

from wardgate.control import audit
from wardgate.domain.audit import AuditFilter, AuditRecord
from wardgate.identity import trail
from wardgate.identity.failures import ALL_BURST, BURST, Failures


async def told(house: House, action: str) -> list[AuditRecord]:
    """Entries of an action, oldest first."""
    return (await audit.records(house.server.store, AuditFilter(action=action), limit=1000))[::-1]


@pytest.mark.every_database
async def test_a_sign_in_is_told_of_by_the_persons_id(house: House) -> None:
    """Who signed in, from where and how; nothing else of the person."""
    user = await house.user()
    browser = house.browser()
    await browser.sign_in()
    [entry] = await told(house, "login.succeed")
    assert (entry.actor_kind, entry.actor_id, entry.event.target) == ("user", user.id, user.id)
    assert entry.event.after["amr"] == ["pwd"]
    assert entry.address
    assert user.name not in repr(entry)
    assert (await audit.verify(house.server.store)).intact


async def test_a_failure_is_told_of_by_a_digest_of_the_name(house: House) -> None:
    """Failures at one account can be told to belong together, whether it exists or not, and hold neither name nor guess."""
    await house.user()
    for name in ("ada", "ADA", "nobody@example.com"):
        await house.browser().sign_in(name, "guess-guess-guess")
    entries = await told(house, "login.fail")
    targets = [each.event.target for each in entries]
    assert targets[0] == targets[1] != targets[2]
    assert {each.event.outcome for each in entries} == {"failed"}
    assert {each.actor_kind for each in entries} == {"anonymous"}
    assert not any(word in repr(entries) for word in ("ada'", "nobody@", "guess"))


async def test_changing_the_password_and_sessions(house: House) -> None:
    """What people do to their own accounts is told of under their ids, without any value."""
    user = await house.user()
    browser = house.browser()
    await browser.sign_in()
    new = "another long enough password"
    form = {"current": PASSWORD, "password": new, "again": new}
    assert "done=password" in location(await browser.post("/oauth2/account/security/password", form))
    await browser.post("/oauth2/account/profile", {"name": "Ada Example"})
    await browser.post("/oauth2/account/sessions/end-others")
    entries = [each async for each in audit.export(house.server.store)]
    actions = [each.event.action for each in entries if each.actor_id == user.id]
    assert actions == ["login.succeed", "password.change", "user.change", "session.end"]
    assert "Ada Example" not in repr(entries)
    assert new not in repr(entries)


def test_failures_are_bounded() -> None:
    """One address is kept a few times, all together some hundred times, and the rest is counted."""
    failures = Failures()
    kept = sum(failures.admit("192.0.2.1", 0.0) for _ in range(1000))
    assert kept == BURST
    assert failures.left_out() == 1000 - BURST
    kept += sum(failures.admit(f"10.0.{number // 250}.{number % 250}", 0.0) for number in range(5000))
    assert kept == ALL_BURST
    assert failures.left_out() == 5000 - (ALL_BURST - BURST)
    assert failures.left_out() == 0
    day = sum(failures.admit(f"10.1.0.{number % 250}", number / 2) for number in range(2 * 86400))
    assert day < 6 * 1440 + ALL_BURST


async def test_failures_that_were_counted_are_told_of_together(house: House) -> None:
    """Once a minute there is one entry with how many more there were, if there were any."""
    for _ in range(BURST + 7):
        house.server.memory.failures.admit("192.0.2.1", house.server.clock())
    await trail.tell_left_out(house.server)
    await trail.tell_left_out(house.server)
    [entry] = await told(house, "login.fail")
    assert entry.event.after == {"further": 7}
