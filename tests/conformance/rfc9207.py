"""RFC 9207: issuer identification, as server (``iss`` in every response) and as client of foreign providers."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from tests.conformance.answers import page, posted, redirected, signed_in
from tests.conformance.changes import (
    Change,
    change,
    first_sent,
    header,
    later,
    sequence,
    twice,
    with_,
    without,
)
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.openid import form_post, silent
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import authorization, consent, implicit
from tests.identity.federation.foreign import ABROAD, SECRET
from tests.identity.token_side import ISSUER

from wardgate.identity.federation import manage_providers


async def provider(house: House) -> str:
    """The foreign provider, added once; its id."""
    async with house.side.store.reading() as tx:
        known = [each.id for each in await tx.providers.list("development") if each.issuer == ABROAD]
    if known:
        return known[0]
    made = await manage_providers.add(
        house.side.server,
        preset="generic",
        name="Abroad",
        issuer=ABROAD,
        client_id="wardgate-at-abroad",
        secret=SECRET,
        settings={"create": True},
    )
    return made.id


@sound("a person comes back from a foreign provider", signed_in)
async def callback(house: House) -> Request:
    name = await provider(house)
    begun = Request(path=f"/oauth2/federation/{name}/start", method="GET")
    sent_on = await house.send(begun)
    address = urlsplit(house.foreign.agree(sent_on.location))
    return Request(
        path=address.path,
        method="GET",
        query=tuple(parse_qsl(address.query)),
        headers=(("Cookie", sent_on.cookies),),
    )


@change("an error of another issuer instead of the code")
async def foreign_error(house: House, request: Request) -> Request:
    return request.without("code").with_(error="access_denied", iss="https://evil.example")


@change("in another browser")
async def other_browser(house: House, request: Request) -> Request:
    other = await callback.make(house)
    return replace(request, headers=other.headers)


def id_token(text: str, **claims: object) -> Change:
    """The provider's id token says something else."""

    async def changed(house: House, request: Request) -> Request:
        house.foreign.claims = dict(claims)
        return request

    return Change(text, changed)


async def honest(house: House, request: Request, answer: object) -> None:
    """The provider is itself again."""
    house.foreign.claims = {}


_HOST = header("Host", "evil.example")

ROWS = (
    Row(
        "rfc9207-2-error-in-query",
        "Error responses have `iss` too.",
        authorization,
        without("response_type"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9207-2-error-in-fragment",
        "Error responses have `iss` too.",
        implicit,
        with_(scope="admin"),
        redirected("invalid_scope", "fragment"),
    ),
    Row(
        "rfc9207-2-error-by-form",
        "Error responses have `iss` too.",
        form_post,
        with_(scope="openid admin"),
        posted("invalid_scope"),
    ),
    Row(
        "rfc9207-2-denied",
        "Error responses have `iss` too, also when the person refused.",
        consent,
        with_(decision="deny"),
        redirected("access_denied"),
    ),
    Row(
        "rfc9207-2-silent",
        "Error responses have `iss` too, also without a page.",
        silent,
        header("Cookie", text="in a browser where nobody is signed in"),
        redirected("login_required"),
    ),
    Row(
        "rfc9207-2-not-from-host",
        "`iss` is the issuer, whatever host the request names.",
        authorization,
        sequence(without("response_type"), _HOST),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9207-2.4-other-issuer",
        "A response of another issuer is refused.",
        callback,
        with_(iss="https://evil.example"),
        page(403),
    ),
    Row(
        "rfc9207-2.4-own-issuer",
        "A response that says it is our own is refused.",
        callback,
        with_(iss=ISSUER),
        page(403),
    ),
    Row(
        "rfc9207-2.4-by-character",
        "Issuers are compared character by character.",
        callback,
        with_(iss=ABROAD + "/"),
        page(403),
    ),
    Row(
        "rfc9207-2.4-iss-expected",
        "Without `iss` where it was announced a response is refused.",
        callback,
        without("iss"),
        page(403),
    ),
    Row("rfc9207-2.4-iss-once", "No parameter stands twice.", callback, twice("iss"), page(400)),
    Row(
        "rfc9207-2.4-error-of-other-issuer",
        "An error of another issuer is not believed.",
        callback,
        foreign_error,
        page(403),
    ),
    Row(
        "rfc9207-2.4-id-token-of-other",
        "The id token is of the issuer that answered.",
        callback,
        id_token("with an id token of another issuer", iss="https://evil.example"),
        page(403),
        honest,
        "nobody is signed in",
    ),
    Row(
        "rfc9207-4-id-token-for-others",
        "The id token is for this client.",
        callback,
        id_token("with an id token for another client", aud="another"),
        page(403),
        honest,
        "nobody is signed in",
    ),
    Row(
        "rfc9207-4-nonce",
        "The id token is of this sign-in.",
        callback,
        id_token("with an id token of another sign-in", nonce="another"),
        page(403),
        honest,
        "nobody is signed in",
    ),
    Row(
        "rfc9207-4-state-required", "A response belongs to a request.", callback, without("state"), page(400)
    ),
    Row(
        "rfc9207-4-state-known",
        "A response belongs to a request.",
        callback,
        with_(state="made-up"),
        page(400),
    ),
    Row(
        "rfc9207-4-browser",
        "A response comes back in the browser that asked.",
        callback,
        other_browser,
        page(403),
    ),
    Row("rfc9207-4-once", "A response is taken once.", callback, first_sent("taken before"), page(400)),
    Row("rfc9207-4-late", "A response comes in time.", callback, later(601), page(400)),
)
DOCUMENT = Document("RFC 9207", "Authorization Server Issuer Identification", ROWS)
