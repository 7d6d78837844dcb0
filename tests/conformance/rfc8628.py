"""RFC 8628: the device authorization grant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import (
    answered,
    bad,
    other_method,
    page,
    tokens,
    unauthorized,
)
from tests.conformance.changes import (
    Change,
    by,
    change,
    content_type,
    first_sent,
    header,
    in_query,
    later,
    twice,
    with_,
    without,
)
from tests.conformance.exchange import Answer, Request
from tests.conformance.framework import registered_for
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound

from wardgate.domain.oauth import DEVICE_CODE
from wardgate.identity.user_code import normal_user_code


@sound("a device begins", answered)
async def begin(house: House) -> Request:
    client = await house.client(grant_types=(DEVICE_CODE, "refresh_token"), redirect_uris=())
    return Request(
        path="/oauth2/device_authorization",
        form=(("scope", "read"),),
        headers=house.basic(client),
        facts={"client": client},
    )


async def decide(house: House, begun: dict[str, Any], client: str, status: Any = "approved") -> None:
    """The person answers."""
    user = await house.user()
    grant = await house.side.grant(client, user.id, kind="device_code")
    digest = house.side.server.digest(normal_user_code(begun["user_code"]) or "")
    async with house.side.store.writing() as tx:
        code = await tx.device_codes.by_user_code(digest)
        assert code is not None
        granted = grant.id if status == "approved" else ""
        assert await tx.device_codes.decide(code.digest, status, granted, house.side.clock())


async def polling(house: House) -> Request:
    """A device's request; nobody has answered yet."""
    started = await begin.make(house)
    begun = (await house.send(started)).document
    form = (("grant_type", DEVICE_CODE), ("device_code", begun["device_code"]))
    facts = {**started.facts, "begun": begun}
    return Request(path="/oauth2/token", form=form, headers=started.headers, facts=facts)


@sound("a device gets tokens once the person agreed", tokens)
async def approved(house: House) -> Request:
    request = await polling(house)
    await decide(house, request.facts["begun"], request.facts["client"].id)
    return request


def unless(text: str, *, answer: str = "", polls: int = 0) -> Change:
    """A device's request that differs in what the person did."""

    async def changed(house: House, request: Request) -> Request:
        request = await polling(house)
        if answer:
            await decide(house, request.facts["begun"], request.facts["client"].id, answer)
        for _ in range(polls):
            assert (await house.send(request)).document["error"] == "authorization_pending"
        return request

    return Change(text, changed)


@change("by another client")
async def by_another(house: House, request: Request) -> Request:
    other = await house.client(grant_types=(DEVICE_CODE,), redirect_uris=())
    return replace(request, headers=house.basic(other))


@change("with the user code in the place of the device code")
async def user_code(house: House, request: Request) -> Request:
    return request.with_(device_code=request.facts["begun"]["user_code"])


@change("after the link with the code in it was opened, and nothing else done")
async def link_opened(house: House, request: Request) -> Request:
    request = await polling(house)
    cookie = await house.browser(await house.user())
    code = request.facts["begun"]["user_code"]
    opened = Request(path="/oauth2/device", method="GET", query=(("user_code", code),), headers=cookie)
    assert (await house.send(opened)).status == 200
    return request


@change("after the code was entered, and the question not answered")
async def code_entered(house: House, request: Request) -> Request:
    request = await polling(house)
    assert (await house.send(await _entering(house, request))).status == 200
    return request


async def _entering(house: House, request: Request) -> Request:
    cookie = await house.browser(await house.user())
    return Request(
        path="/oauth2/device",
        form=(("user_code", request.facts["begun"]["user_code"]),),
        headers=(*cookie, ("Origin", "https://id.example.com")),
    )


def shows_the_question(answer: Answer, request: Request) -> None:
    """The person sees what asks for access."""
    assert answer.status == 200
    assert 'value="allow"' in answer.text


@sound("a person enters the code the device shows", shows_the_question)
async def entering(house: House) -> Request:
    return await _entering(house, await polling(house))


def says_connected(answer: Answer, request: Request) -> None:
    """The person has let the device in."""
    assert answer.status == 200
    assert "connected" in answer.text


@sound("a person lets the device in", says_connected)
async def deciding(house: House) -> Request:
    asked = await entering.make(house)
    shown = await house.send(asked)
    handle = shown.text.partition('name="request" value="')[2].partition('"')[0]
    cookies = f"{dict(asked.headers)['Cookie']}; {shown.cookies}"
    return asked.saying((("request", handle), ("decision", "allow"))).header("Cookie", cookies)


@change("after ten wrong codes")
async def guessing(house: House, request: Request) -> Request:
    for number in range(11):
        await house.send(request.with_(user_code=f"BBBB-BBB{'BCDFGHJKLMN'[number]}"))
    return request


@change("in a browser where another person is signed in")
async def another_person(house: House, request: Request) -> Request:
    kept = dict(request.headers)["Cookie"].partition("; ")[2]
    cookie = dict(await house.browser(await house.user()))["Cookie"]
    return request.header("Cookie", f"{cookie}; {kept}")


ROWS = (
    Row(
        "rfc8628-3.1-client-authenticates",
        "A confidential client authenticates.",
        begin,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc8628-3.1-registered",
        "A client uses only grants it is registered for.",
        begin,
        registered_for("by a client not registered for it", grant_types=("client_credentials",)),
        bad("unauthorized_client"),
    ),
    Row(
        "rfc8628-3.1-scope",
        "A scope the client may not have is refused.",
        begin,
        with_(scope="admin"),
        bad("invalid_scope"),
    ),
    Row("rfc8628-3.1-post", "Requests are sent by POST.", begin, by("GET"), other_method("POST")),
    Row(
        "rfc8628-3.1-form", "The body is a URL-encoded form.", begin, content_type("application/json"), bad()
    ),
    Row("rfc8628-3.1-once", "No parameter stands twice.", begin, twice("scope"), bad()),
    Row("rfc8628-3.1-in-body", "Parameters are in the body.", begin, in_query("scope"), bad()),
    Row(
        "rfc8628-3.4-device-code-required",
        "`device_code` is required.",
        approved,
        without("device_code"),
        bad(),
    ),
    Row(
        "rfc8628-3.4-grant-type-required", "`grant_type` is required.", approved, without("grant_type"), bad()
    ),
    Row(
        "rfc8628-3.4-client-authenticates",
        "A confidential client authenticates when it polls.",
        approved,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc8628-3.4-same-client",
        "A device code is bound to the client that began.",
        approved,
        by_another,
        bad("invalid_grant"),
    ),
    Row(
        "rfc8628-3.4-device-code-known",
        "A device code that never was is refused.",
        approved,
        with_("a device code that never was", device_code="wgdc_" + "A" * 43),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8628-3.4-user-code-is-no-device-code",
        "What the person sees gets no tokens.",
        approved,
        user_code,
        bad("invalid_grant"),
    ),
    Row(
        "rfc8628-3.5-pending",
        "While nobody has answered the device hears so.",
        approved,
        unless("before the person answered"),
        bad("authorization_pending"),
    ),
    Row(
        "rfc8628-3.5-slow-down",
        "A device that asks too often is slowed.",
        approved,
        unless("twice within the interval", polls=1),
        bad("slow_down"),
    ),
    Row(
        "rfc8628-3.5-access-denied",
        "The device hears that the person refused.",
        approved,
        unless("after the person refused", answer="denied"),
        bad("access_denied"),
    ),
    Row("rfc8628-3.5-expired", "A device code expires.", approved, later(601), bad("expired_token")),
    Row(
        "rfc8628-3.5-once",
        "A device code is used once.",
        approved,
        first_sent("used before"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc8628-5.4-link-grants-nothing",
        "Opening a link with the code in it lets nobody in.",
        approved,
        link_opened,
        bad("authorization_pending"),
    ),
    Row(
        "rfc8628-3.3-question-answered",
        "The person is shown what asks, and says yes, before anybody is let in.",
        approved,
        code_entered,
        bad("authorization_pending"),
    ),
    Row(
        "rfc8628-3.3-user-code-known",
        "A user code that is not waiting is refused.",
        entering,
        with_(user_code="BBBB-BBBB"),
        page(400),
    ),
    Row("rfc8628-3.3-user-code-expires", "A user code expires.", entering, later(601), page(400)),
    Row(
        "rfc8628-5.1-guessing",
        "Guessing user codes is slowed, so that none is found.",
        entering,
        guessing,
        page(429),
    ),
    Row(
        "rfc8628-5.4-from-own-page",
        "The answer comes from the page that showed what it is about.",
        deciding,
        header("Origin", "https://evil.example"),
        page(403),
    ),
    Row(
        "rfc8628-5.4-same-person",
        "The answer comes from whom the page was shown to.",
        deciding,
        another_person,
        page(400),
    ),
    Row(
        "rfc8628-3.3-answer-once",
        "An answer is given once.",
        deciding,
        first_sent("answered before"),
        page(400),
    ),
)
DOCUMENT = Document("RFC 8628", "OAuth 2.0 Device Authorization Grant", ROWS)
