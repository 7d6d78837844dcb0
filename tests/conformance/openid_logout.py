"""OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import page
from tests.conformance.changes import change, twice, with_, without
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound

from wardgate.identity import issue
from wardgate.identity.subjects import subject_of


def back(answer: Answer, request: Request) -> None:
    """At the client's own page, with its state."""
    assert answer.status == 303
    assert answer.location == "https://app.example.com/bye?state=st-1"


@sound("a client signs its person out, by an id token, and gets them back", back)
async def logout(house: House) -> Request:
    client = await house.client(post_logout_redirect_uris=("https://app.example.com/bye",))
    user = await house.user()
    grant = await house.grant(client, user)
    subject = subject_of(house.side.server, client, user.id)
    text = await issue.id_token(house.side.server, client, grant, subject=subject, claims={})
    return Request(
        path="/oauth2/logout",
        method="GET",
        query=(
            ("id_token_hint", text),
            ("post_logout_redirect_uri", "https://app.example.com/bye"),
            ("state", "st-1"),
        ),
        headers=await house.browser(user),
        facts={"client": client, "user": user},
    )


@change("`client_id` of another client")
async def logout_of_another(house: House, request: Request) -> Request:
    return request.with_(client_id=(await house.client()).id)


@change("by a client that did not register it")
async def not_registered_for_logout(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], post_logout_redirect_uris=()))
    return request


ROWS = (
    Row(
        "logout-3-redirect-registered",
        "A browser is sent to a registered post-logout URI alone.",
        logout,
        with_(post_logout_redirect_uri="https://evil.example/"),
        page(said="not one the client registered"),
    ),
    Row(
        "logout-3-redirect-exact",
        "A post-logout URI is compared character by character.",
        logout,
        with_(post_logout_redirect_uri="https://app.example.com/bye/"),
        page(said="not one the client registered"),
    ),
    Row(
        "logout-3-none-registered",
        "A browser is sent to a registered post-logout URI alone.",
        logout,
        not_registered_for_logout,
        page(said="not one the client registered"),
    ),
    Row(
        "logout-2-client-agrees",
        "`client_id` is the client of the hint.",
        logout,
        logout_of_another,
        page(said="another client"),
    ),
    Row(
        "logout-4-hint-ours",
        "A hint is an id token of this server.",
        logout,
        with_(id_token_hint="garbage"),
        page(said="id_token_hint"),
    ),
    Row(
        "logout-2-redirect-needs-client",
        "A post-logout URI needs somebody whose it is.",
        logout,
        without("id_token_hint"),
        page(said="whose it is"),
    ),
    Row(
        "logout-2-once",
        "No parameter stands twice.",
        logout,
        twice("post_logout_redirect_uri"),
        page(said="more than once"),
    ),
)
DOCUMENT = Document("OpenID Connect RP-Initiated Logout", "1.0", ROWS, also=("logout",))
