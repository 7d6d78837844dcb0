"""Passkeys: made and used as the ceremony says, and nothing else is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.people.authenticator import Authenticator, data, text
from tests.identity.people.house import House, make_house

from wardgate.domain.people import Session, User
from wardgate.identity.people import passkeys
from wardgate.identity.people.challenges import SECONDS, Purpose
from wardgate.identity.people.passkeys import Proof
from wardgate.identity.people.sessions import start_session
from wardgate.storage.database import SqlStore

BROWSER = "wgot_" + "b" * 43


async def session_of(house: House, user: User) -> Session:
    """A browser the user is signed in with."""
    async with house.server.store.writing() as tx:
        session, _ = await start_session(house.server, tx, house.call(), user, amr=("pwd",), acr="1")
    return session


async def options_for(house: House, session: Session, user: User) -> str:
    """What the browser is asked to make."""
    async with house.server.store.reading() as tx:
        return await passkeys.registration_options(house.server, tx, session, user)


async def register(house: House, session: Session, user: User, answer: str) -> bool:
    """Whether the browser's answer became a factor."""
    async with house.server.store.writing() as tx:
        return await passkeys.register(house.server, tx, session, user, "Laptop", answer) is not None


async def with_passkey(house: House, user: User, **kind: Any) -> Authenticator:
    """A passkey of the user's."""
    session = await session_of(house, user)
    made = Authenticator(origin=house.server.settings.origin, **kind)
    assert await register(house, session, user, made.create(await options_for(house, session, user)))
    return made


def asked(house: House, purpose: Purpose = "first", binding: str = BROWSER) -> str:
    """What the browser is asked to use."""
    return passkeys.sign_in_options(house.server, purpose, binding)


async def check(
    house: House, answer: str, purpose: Purpose = "first", binding: str = BROWSER, user: User | None = None
) -> Proof | None:
    """What the browser's answer proves."""
    async with house.server.store.writing() as tx:
        return await passkeys.check_passkey(house.server, tx, purpose, binding, answer, user)


@pytest.mark.parametrize(("synced", "amr"), [(False, ("hwk", "user")), (True, ("swk", "user"))])
async def test_a_passkey_stands_for_its_user(house: House, synced: bool, amr: tuple[str, ...]) -> None:
    """Made in a session, it names its user by itself afterwards; whether copies may exist is known."""
    user = await house.user()
    device = await with_passkey(house, user, synced=synced)
    proof = await check(house, device.get(asked(house)))
    assert proof == Proof(user=user, verified=True, synced=synced)
    assert proof.amr == amr


async def test_what_the_browser_is_asked(house: House) -> None:
    """The host is the relying party, known passkeys are left out of a new one, and the user's id is no name of theirs."""
    user = await house.user()
    device = await with_passkey(house, user)
    made = json.loads(await options_for(house, await session_of(house, user), user))
    assert made["rp"]["id"] == "id.example.org"
    assert data(made["user"]["id"]).decode() == user.id
    assert [each["id"] for each in made["excludeCredentials"]] == [text(device.id)]
    used = json.loads(asked(house))
    assert (used["rpId"], used["userVerification"]) == ("id.example.org", "required")
    assert len(data(used["challenge"])) >= 16


async def test_an_answer_is_good_once(house: House) -> None:
    """The same answer again proves nothing, though its signature is right."""
    device = await with_passkey(house, await house.user())
    answer = device.get(asked(house))
    assert await check(house, answer) is not None
    assert await check(house, answer) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://id.example.org.evil.example"},
        {"rp": "evil.example"},
        {"cross_origin": True},
        {"verifies": False},
    ],
)
async def test_another_ceremony_is_refused(house: House, wrong: dict[str, Any]) -> None:
    """Another origin or relying party, a frame of another site, or a holder who was not checked: nothing is proved."""
    device = await with_passkey(house, await house.user())
    for name, value in wrong.items():
        setattr(device, name, value)
    assert await check(house, device.get(asked(house))) is None


async def test_a_second_factor_needs_presence_only(house: House) -> None:
    """After a password a passkey that cannot check its holder will do, for that user alone."""
    ada, bob = await house.user(), await house.user("bob")
    device = await with_passkey(house, ada, verifies=False)
    proof = await check(house, device.get(asked(house, "second")), "second", user=ada)
    assert proof is not None
    assert proof.amr == ("hwk",)
    assert await check(house, device.get(asked(house, "second")), "second", user=bob) is None


async def test_a_challenge_is_for_one_purpose_and_browser(house: House) -> None:
    """What was asked of another browser, for something else, too long ago or by nobody is not an answer."""
    device = await with_passkey(house, await house.user())
    assert await check(house, device.get(asked(house, binding="wgot_" + "c" * 43))) is None
    assert await check(house, device.get(asked(house, "second"))) is None
    late = device.get(asked(house))
    house.clock.now += SECONDS
    assert await check(house, late) is None
    made_up = json.dumps({"challenge": text(bytes(48))})
    assert await check(house, device.get(made_up)) is None


async def test_a_copy_that_counts_on_its_own_is_refused(house: House) -> None:
    """A counter that does not grow tells of a clone (WebAuthn section 6.1.1)."""
    device = await with_passkey(house, await house.user())
    assert await check(house, device.get(asked(house))) is not None
    device.count -= 1
    assert await check(house, device.get(asked(house))) is None


async def test_anothers_key_is_not_the_users(house: House) -> None:
    """Neither a signature by another key under the same id, nor a known key that names somebody else."""
    ada, bob = await house.user(), await house.user("bob")
    device = await with_passkey(house, ada)
    impostor = Authenticator(origin=device.origin, rp=device.rp, user=device.user, id=device.id)
    assert await check(house, impostor.get(asked(house))) is None
    device.user = bob.id.encode()
    assert await check(house, device.get(asked(house))) is None


async def test_a_suspended_user_is_nobody(house: House) -> None:
    """The passkey is there, its user may not sign in."""
    user = await house.user(status="suspended")
    device = await with_passkey(house, user)
    assert await check(house, device.get(asked(house))) is None


async def test_a_passkey_is_made_in_the_session_that_asked(house: House) -> None:
    """Answers to another session's question, and the same answer twice, are not taken."""
    user = await house.user()
    here, there = await session_of(house, user), await session_of(house, user)
    device = Authenticator(origin=house.server.settings.origin)
    answer = device.create(await options_for(house, there, user))
    assert not await register(house, here, user, answer)
    assert await register(house, there, user, answer)
    assert not await register(house, there, user, answer)
    again = device.create(await options_for(house, there, user))
    assert not await register(house, there, user, again), "the same credential twice"
    device.origin = "https://evil.example"
    device.id = bytes(32)
    assert not await register(house, there, user, device.create(await options_for(house, there, user)))


@pytest.mark.parametrize(
    ("issuer", "known"),
    [
        ("https://id.example.org", "id.example.org"),
        ("http://localhost:8080", "localhost"),
        ("https://127.0.0.1:8443", None),
        ("https://[::1]:8443", None),
    ],
)
async def test_addresses_have_no_passkeys(store: SqlStore, issuer: str, known: str | None) -> None:
    """A relying party is a name; where the issuer is an address, pages do not offer passkeys at all."""
    house = make_house(store, issuer=issuer)
    assert passkeys.rp_id(house.server) == known
    shown = await house.browser().get("/oauth2/login")
    assert ("data-passkey" in shown.text) is (known is not None)
    assert ("script-src" in shown.headers["content-security-policy"]) is (known is not None)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    where=st.sampled_from(
        [
            "",
            "id",
            "rawId",
            "type",
            "response",
            "clientDataJSON",
            "authenticatorData",
            "signature",
            "userHandle",
        ]
    ),
    value=json_values,
)
async def test_malformed_answers_prove_nothing(house: House, where: str, value: Any) -> None:
    """Whatever stands in the place of any part, the answer is no proof and no error."""
    async with house.server.store.writing() as tx:
        user = await tx.users.named("ada")
    user = user or await house.user()
    device = Authenticator(origin=house.server.settings.origin, rp="id.example.org", user=user.id.encode())
    answer: Any = json.loads(device.get(asked(house)))
    if where == "":
        answer = value
    elif where in answer:
        answer[where] = value
    else:
        answer["response"][where] = value
    assert await check(house, json.dumps(answer)) is None


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "null", "1", "[" * 10_000, "x" * 100_000, "{}", '{"response":1}']
)
async def test_what_is_no_answer_proves_nothing(house: House, answer: str) -> None:
    """No JSON, no object, too deep or too long."""
    user = await house.user()
    assert await check(house, answer) is None
    assert not await register(house, await session_of(house, user), user, answer)
