"""RFC 7592: management of registered clients."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import answered, bad, challenged, other_method
from tests.conformance.changes import by, change, first_sent, header
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rfc7591 import body, metadata, redirect, registration, saying
from tests.conformance.rows import Document, Row, sound


async def _registered(house: House, method: str) -> Request:
    begun = await registration.make(house)
    made = (await house.send(begun)).document
    headers = (("Authorization", f"Bearer {made['registration_access_token']}"),)
    path = f"/oauth2/register/{made['client_id']}"
    return Request(path=path, method=method, headers=headers, body=b"", facts={"made": made})


@sound("a client reads itself", answered)
async def reading(house: House) -> Request:
    return await _registered(house, "GET")


@sound("a client replaces its metadata, and sends its secret back", answered)
async def update(house: House) -> Request:
    request = await _registered(house, "PUT")
    made = request.facts["made"]
    document = {name: made[name] for name in ("client_id", "client_secret", "client_name", "redirect_uris")}
    return saying(request, document)


@sound("a client removes itself", answered)
async def removal(house: House) -> Request:
    return await _registered(house, "DELETE")


@change("with the token of another client")
async def anothers_token(house: House, request: Request) -> Request:
    other = await _registered(house, request.method)
    return request.header(
        "Authorization", *(value for name, value in other.headers if name == "Authorization")
    )


@change("with an access token of the client")
async def access_token(house: House, request: Request) -> Request:
    async with house.side.store.reading() as tx:
        client = await tx.clients.get(request.facts["made"]["client_id"])
    assert client is not None
    return request.header("Authorization", f"Bearer {await house.access_token(client)}")


@change("after an operator suspended the client")
async def suspended(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        client = await tx.clients.get(request.facts["made"]["client_id"])
        assert client is not None
        await tx.clients.replace(replace(client, status="suspended"))
    return request


@change("after the client was removed")
async def removed(house: House, request: Request) -> Request:
    gone = replace(request, method="DELETE", body=b"")
    assert (await house.send(gone)).status == 204
    return request


@change("with the secret of another client")
async def anothers_secret(house: House, request: Request) -> Request:
    other = await _registered(house, "GET")
    return await metadata("", client_secret=other.facts["made"]["client_secret"]).make(house, request)


@change("with its registration access token in the document")
async def own_token(house: House, request: Request) -> Request:
    token = request.facts["made"]["registration_access_token"]
    return await metadata("", registration_access_token=token).make(house, request)


_TOKEN = challenged(401, "invalid_token")
_METADATA = bad("invalid_client_metadata")

ROWS = (
    Row(
        "rfc7592-2.1-token-required",
        "The registration access token is required.",
        reading,
        header("Authorization"),
        _TOKEN,
    ),
    Row(
        "rfc7592-2.1-token-right",
        "The registration access token is that of the client.",
        reading,
        anothers_token,
        _TOKEN,
    ),
    Row("rfc7592-2.1-token-right-kind", "No other token will do.", reading, access_token, _TOKEN),
    Row(
        "rfc7592-2.1-garbage",
        "No other token will do.",
        reading,
        header("Authorization", "Bearer garbage"),
        _TOKEN,
    ),
    Row("rfc7592-2.1-removed", "Nothing is said of a client that is gone.", reading, removed, _TOKEN),
    Row("rfc7592-2.1-suspended", "Nothing is said of a client that may not act.", reading, suspended, _TOKEN),
    Row(
        "rfc7592-2.2-token-right",
        "The registration access token is that of the client.",
        update,
        anothers_token,
        _TOKEN,
    ),
    Row(
        "rfc7592-2.2-client-id-required",
        "`client_id` is required.",
        update,
        metadata("without `client_id`", client_id=None),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-client-id-agrees",
        "`client_id` is that of the client.",
        update,
        metadata(client_id="another"),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-no-token-inside",
        "The document holds no `registration_access_token`.",
        update,
        own_token,
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-no-address-inside",
        "The document holds no `registration_client_uri`.",
        update,
        metadata(registration_client_uri="https://id.example.com/"),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-no-expiry-inside",
        "The document holds no `client_secret_expires_at`.",
        update,
        metadata(client_secret_expires_at=0),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-no-issue-time-inside",
        "The document holds no `client_id_issued_at`.",
        update,
        metadata(client_id_issued_at=1),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-secret-not-chosen",
        "A client does not choose its secret.",
        update,
        metadata(client_secret="chosen by myself"),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-secret-matches",
        "A secret that is sent back is the present one.",
        update,
        anothers_secret,
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-redirect-valid",
        "What is not valid at registration is not later.",
        update,
        redirect("http://app.example.com/callback"),
        bad("invalid_redirect_uri"),
    ),
    Row(
        "rfc7592-2.2-no-more-rights",
        "A client does not give itself rights.",
        update,
        metadata(scope="admin"),
        _METADATA,
    ),
    Row(
        "rfc7592-2.2-no-more-grants",
        "A client does not give itself rights.",
        update,
        metadata(grant_types=["authorization_code", "password"]),
        _METADATA,
    ),
    Row("rfc7592-2.2-json", "The document is JSON.", update, body("half an object", b"{"), _METADATA),
    Row(
        "rfc7592-2.3-token-right",
        "The registration access token is that of the client.",
        removal,
        anothers_token,
        _TOKEN,
    ),
    Row("rfc7592-2.3-once", "What is gone is gone.", removal, first_sent("sent before"), _TOKEN),
    Row(
        "rfc7592-2-method",
        "Another method is refused as such.",
        reading,
        by("POST"),
        other_method("GET, PUT, DELETE, HEAD"),
    ),
)
DOCUMENT = Document("RFC 7592", "Dynamic Client Registration Management", ROWS)
