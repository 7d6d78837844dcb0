"""Devices without a browser (RFC 8628): two codes, patience, one use."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.token_side import ISSUER, Side, read

from wardgate.domain.oauth import DEVICE_CODE
from wardgate.identity import device_authorization
from wardgate.identity.errors import OAuthError
from wardgate.identity.user_code import ALPHABET, new_user_code, normal_user_code

PATH = "/oauth2/device_authorization"
GRANTS = (DEVICE_CODE, "refresh_token")


async def begin(side: Side, **form: str) -> dict[str, Any]:
    """The answer a device gets when it begins."""
    call = side.call(form, client="app", path=PATH)
    return read(await device_authorization.handle(side.server, call))


def form(answer: dict[str, Any]) -> dict[str, str]:
    """A device's request."""
    return {"grant_type": DEVICE_CODE, "device_code": answer["device_code"]}


async def decide(side: Side, answer: dict[str, Any], *, agreed: bool = True) -> str:
    """The person answers; returns the grant."""
    side.count += 1
    user = await side.user(f"user{side.count}")
    grant = await side.grant("app", user.id, kind=DEVICE_CODE) if agreed else None
    typed = normal_user_code(answer["user_code"])
    assert typed is not None
    async with side.store.writing() as tx:
        code = await tx.device_codes.by_user_code(side.server.digest(typed))
        assert code is not None
        status: Any = "approved" if agreed else "denied"
        assert await tx.device_codes.decide(code.digest, status, grant.id if grant else "", side.clock())
    return grant.id if grant else ""


async def test_a_device_gets_two_codes_and_where_to_go(side: Side) -> None:
    """RFC 8628 section 3.2; what it asked for waits with them."""
    await side.client(grant_types=GRANTS)
    answer = await begin(side, scope="read")
    assert answer["verification_uri"] == f"{ISSUER}/oauth2/device"
    assert answer["verification_uri_complete"] == f"{ISSUER}/oauth2/device?user_code={answer['user_code']}"
    assert (answer["expires_in"], answer["interval"]) == (600, 5)
    async with side.store.reading() as tx:
        code = await tx.device_codes.find(side.server.digest(answer["device_code"]))
    assert code is not None
    assert code.document == {"scopes": ["read"], "resources": [], "authorization_details": []}


async def test_tokens_come_once_the_person_agreed(side: Side) -> None:
    """Pending until then; used by one request afterwards."""
    await side.client(grant_types=GRANTS)
    answer = await begin(side)
    assert (await side.refused(form(answer), client="app")).error == "authorization_pending"
    grant = await decide(side, answer)
    tokens = await side.token(form(answer), client="app")
    assert (await side.claims(tokens["access_token"]))["gid"] == grant
    assert tokens["refresh_token"].startswith("wgrt_")
    assert (await side.refused(form(answer), client="app")).error == "invalid_grant"


async def test_who_asks_too_often_is_slowed_down_for_good(side: Side) -> None:
    """RFC 8628 section 3.5: five seconds more each time."""
    await side.client(grant_types=GRANTS)
    answer = await begin(side)
    errors = []
    for wait in (0, 5, 3, 10, 5, 15):
        side.clock.forward(wait)
        errors.append((await side.refused(form(answer), client="app")).error)
    slow, pending = "slow_down", "authorization_pending"
    assert errors == [pending, pending, slow, pending, slow, pending]


async def test_a_refusal_and_a_late_request_are_final(side: Side) -> None:
    """access_denied; expired_token."""
    await side.client(grant_types=GRANTS)
    answer = await begin(side)
    await decide(side, answer, agreed=False)
    assert (await side.refused(form(answer), client="app")).error == "access_denied"
    answer = await begin(side)
    await decide(side, answer)
    side.clock.forward(600)
    assert (await side.refused(form(answer), client="app")).error == "expired_token"


@pytest.mark.every_database
async def test_fifty_requests_with_an_approved_code_have_one_winner(side: Side) -> None:
    """One atomic statement uses it."""
    await side.client(grant_types=GRANTS)
    answer = await begin(side)
    await decide(side, answer)
    await side.keys.sign({}, typ="JWT")

    async def use() -> str:
        try:
            await side.token(form(answer), client="app")
        except OAuthError as error:
            return error.error
        return "tokens"

    found = await asyncio.gather(*(use() for _ in range(50)))
    assert sorted(found) == ["invalid_grant"] * 49 + ["tokens"]


async def test_a_device_code_is_its_clients(side: Side) -> None:
    """And what is none is refused."""
    await side.client(grant_types=GRANTS)
    await side.client("other", grant_types=GRANTS)
    answer = await begin(side)
    for code in (answer["device_code"], "x", "wgdc_" + "A" * 43):
        error = await side.refused({"grant_type": DEVICE_CODE, "device_code": code}, client="other")
        assert error.error == "invalid_grant"
    assert (await side.refused({"grant_type": DEVICE_CODE}, client="app")).error == "invalid_request"


@pytest.mark.parametrize(
    ("settings", "asked", "error"),
    [
        ({"grant_types": ("client_credentials",)}, {}, "unauthorized_client"),
        ({}, {"scope": "admin"}, "invalid_scope"),
        ({}, {"resource": "urn:unknown"}, "invalid_target"),
        ({}, {"authorization_details": "{}"}, "invalid_authorization_details"),
    ],
)
async def test_a_device_asks_for_what_its_client_may_have(
    side: Side, settings: dict[str, Any], asked: dict[str, str], error: str
) -> None:
    """Refused before anything is stored."""
    await side.client(**{"grant_types": GRANTS, **settings})
    found = await side.refused(asked, device_authorization.handle, client="app", path=PATH)
    assert found.error == error


async def test_two_devices_never_wait_under_one_user_code(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code that is taken is made anew; where none is free the device is told to come later."""
    await side.client(grant_types=GRANTS)
    codes = iter(["BCDF-GHJK", "BCDF-GHJK", "BCDF-GHJL", *["BCDF-GHJK"] * 5])
    monkeypatch.setattr(device_authorization, "new_user_code", lambda random: next(codes))
    assert (await begin(side))["user_code"] == "BCDF-GHJK"
    assert (await begin(side))["user_code"] == "BCDF-GHJL"
    error = await side.refused({}, device_authorization.handle, client="app", path=PATH)
    assert (error.error, error.status) == ("temporarily_unavailable", 503)


@given(st.integers(1, 2**32))
def test_a_user_code_is_read_however_it_is_typed(seed: int) -> None:
    """RFC 8628 section 6.1: case, spaces and dashes do not matter."""
    shown = new_user_code(secrets.token_bytes)
    plain = shown.replace("-", "")
    assert len(shown) == 9
    assert set(plain) <= set(ALPHABET)
    for typed in (shown, plain, shown.lower(), " ".join(plain), f" {plain[:4]} . {plain[4:]} "):
        assert normal_user_code(typed) == plain
    for wrong in (plain[:-1], plain + "B", "A" + plain[1:], "", "B" * 65):
        assert normal_user_code(wrong) is None
