"""RFC 7591: dynamic client registration."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.conformance.answers import answered, bad, challenged, other_method
from tests.conformance.changes import Change, by, change, content_type, first_sent, header, later, simple
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.identity.token_side import CALLBACK, Holder

from wardgate.identity import manage_clients


def saying(request: Request, document: Any) -> Request:
    """A request with a JSON document."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    facts = {**request.facts, "document": document}
    return replace(request.header("Content-Type", "application/json"), body=body, facts=facts)


async def _initial(house: House, **settings: Any) -> str:
    secret = await manage_clients.registration_token(
        house.side.store, environment="development", clock=house.side.clock, **settings
    )
    return secret.reveal().decode()


@sound("a client registers itself with an initial access token", answered)
async def registration(house: House) -> Request:
    headers = (("Authorization", f"Bearer {await _initial(house)}"),)
    document = {"client_name": house.name("Shop"), "redirect_uris": [CALLBACK]}
    return saying(Request(path="/oauth2/register", headers=headers), document)


@sound("a client registers itself where anybody may", answered)
async def open_registration(house: House) -> Request:
    document = {"client_name": house.name("Shop"), "redirect_uris": [CALLBACK]}
    request = Request(path="/oauth2/register", settings={"open_registration": True})
    return saying(request, document)


def metadata(text: str = "", /, **values: Any) -> Change:
    """Members of the document have other values; ``None`` leaves one out."""
    shown = text or ", ".join(f"`{name}` = `{json.dumps(value)}`" for name, value in values.items())

    def changed(request: Request) -> Request:
        said = {**request.facts["document"], **values}
        return saying(request, {name: value for name, value in said.items() if value is not None})

    return simple(shown, changed)


def body(text: str, content: bytes) -> Change:
    """Another body."""
    return simple(text, lambda request: saying(request, content))


def redirect(uri: str) -> Change:
    """Another redirect URI."""
    return metadata(f"redirect URI `{uri}`", redirect_uris=[uri])


@change("with an access token of the authorization server")
async def an_access_token(house: House, request: Request) -> Request:
    text = await house.access_token(await house.client(token_format="opaque"))
    return request.header("Authorization", f"Bearer {text}")


@change("with a sector document that does not list the redirect URI")
async def foreign_sector(house: House, request: Request) -> Request:
    url = "https://sector.example.com/uris.json"
    house.side.net.documents[url] = ["https://other.example.com/callback"]
    return await metadata("", subject_type="pairwise", sector_identifier_uri=url).make(house, request)


_PRIVATE = {"keys": [{**Holder().public, "d": "c2VjcmV0"}]}
_METADATA, _URI = bad("invalid_client_metadata"), bad("invalid_redirect_uri")

ROWS = (
    Row(
        "rfc7591-3-token-required",
        "Where registration is not open it takes an initial access token.",
        registration,
        header("Authorization"),
        challenged(401, ""),
    ),
    Row(
        "rfc7591-3-token-known",
        "An initial access token is one this server gave out.",
        registration,
        header("Authorization", "Bearer garbage"),
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7591-3-token-right-kind",
        "An initial access token is one this server gave out.",
        registration,
        an_access_token,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7591-3-token-once",
        "An initial access token registers one client.",
        registration,
        first_sent("used before"),
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7591-3-token-expires",
        "An initial access token ends.",
        registration,
        later(86401),
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7591-3-open-and-token-wrong",
        "A wrong token is refused even where none is needed.",
        open_registration,
        header("Authorization", "Bearer garbage"),
        challenged(401, "invalid_token"),
    ),
    Row("rfc7591-3-post", "Registrations are sent by POST.", registration, by("GET"), other_method("POST")),
    Row(
        "rfc7591-3.1-json",
        "The document is JSON.",
        registration,
        content_type("application/x-www-form-urlencoded"),
        _METADATA,
    ),
    Row(
        "rfc7591-3.1-object", "The document is one object.", registration, body("an array", b"[]"), _METADATA
    ),
    Row(
        "rfc7591-3.1-broken",
        "The document is JSON.",
        registration,
        body("half an object", b'{"client_name":'),
        _METADATA,
    ),
    Row(
        "rfc7591-3.1-members-once",
        "What can be read in two ways is refused.",
        registration,
        body("a member twice", b'{"client_name":"a","client_name":"b"}'),
        _METADATA,
    ),
    Row(
        "rfc7591-3.1-size",
        "The size has a bound.",
        registration,
        body("a document of 40 kB", b'{"client_name":"' + b"a" * 40_000 + b'"}'),
        _METADATA,
    ),
    Row(
        "rfc7591-2-redirect-required",
        "A client of redirecting grants has a redirect URI.",
        registration,
        metadata("without `redirect_uris`", redirect_uris=None),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-tls",
        "A redirect URI uses TLS.",
        registration,
        redirect("http://app.example.com/callback"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-fragment",
        "A redirect URI has no fragment.",
        registration,
        redirect(CALLBACK + "#x"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-wildcard",
        "A redirect URI is one URI.",
        registration,
        redirect("https://*.example.com/callback"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-relative",
        "A redirect URI is absolute.",
        registration,
        redirect("/callback"),
        _URI,
    ),
    Row(
        "rfc7591-5-redirect-script",
        "A redirect URI runs nothing in the browser.",
        registration,
        redirect("javascript:alert(1)"),
        _URI,
    ),
    Row(
        "rfc7591-5-redirect-data",
        "A redirect URI runs nothing in the browser.",
        registration,
        redirect("data:text/html,x"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-user",
        "A redirect URI is read in one way only.",
        registration,
        redirect("https://app.example.com@evil.example/"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-dots",
        "A redirect URI is read in one way only.",
        registration,
        redirect("https://app.example.com/a/../b"),
        _URI,
    ),
    Row(
        "rfc7591-3.2.2-redirect-type",
        "`redirect_uris` is a list of texts.",
        registration,
        metadata(redirect_uris=CALLBACK),
        _URI,
    ),
    Row(
        "rfc7591-2.1-grants-and-types-agree",
        "Grants and response types agree.",
        registration,
        metadata(grant_types=["client_credentials"], response_types=["code"]),
        _METADATA,
    ),
    Row(
        "rfc7591-2.1-grant-known",
        "An unknown grant is refused.",
        registration,
        metadata(grant_types=["authorization_code", "urn:example"]),
        _METADATA,
    ),
    Row(
        "rfc7591-5-no-legacy-grants",
        "A client gets no rights that take an operator's trust.",
        registration,
        metadata(grant_types=["authorization_code", "password"]),
        _METADATA,
    ),
    Row(
        "rfc7591-5-no-implicit",
        "A client gets no rights that take an operator's trust.",
        registration,
        metadata(grant_types=["implicit"], response_types=["token"]),
        _METADATA,
    ),
    Row(
        "rfc7591-5-no-exchange",
        "A client gets no rights that take an operator's trust.",
        registration,
        metadata(grant_types=["urn:ietf:params:oauth:grant-type:token-exchange"], response_types=[]),
        _METADATA,
    ),
    Row(
        "rfc7591-5-scope-bounded",
        "A client gets no scope that nobody gave it.",
        registration,
        metadata(scope="openid admin"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-jwks-or-uri",
        "`jwks` and `jwks_uri` exclude each other.",
        registration,
        metadata("`jwks` and `jwks_uri`", jwks=Holder().jwks, jwks_uri="https://app.example.com/jwks"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-no-private-keys",
        "`jwks` holds public keys.",
        registration,
        metadata("a private key in `jwks`", jwks=_PRIVATE),
        _METADATA,
    ),
    Row(
        "rfc7591-2-keys-needed",
        "A client that signs has keys.",
        registration,
        metadata(token_endpoint_auth_method="private_key_jwt"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-method-known",
        "An unknown method of authentication is refused.",
        registration,
        metadata(token_endpoint_auth_method="client_secret_jwt"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-public-client-credentials",
        "A public client has no grant that takes a secret.",
        registration,
        metadata(token_endpoint_auth_method="none", grant_types=["client_credentials"], response_types=[]),
        _METADATA,
    ),
    Row(
        "rfc7591-2.3-software-statement",
        "What would be decided by a software statement is not ignored.",
        registration,
        metadata("a software statement", software_statement="eyJhbGciOiJub25lIn0.e30."),
        _METADATA,
    ),
    Row(
        "rfc7591-2-encryption",
        "A demand for encryption is not ignored.",
        registration,
        metadata(id_token_encrypted_response_alg="RSA-OAEP"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-unsigned-requests",
        "Request objects are signed.",
        registration,
        metadata(request_object_signing_alg="none"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-id-token-alg",
        "Id tokens are signed.",
        registration,
        metadata(id_token_signed_response_alg="none"),
        _METADATA,
    ),
    Row(
        "rfc7591-5-sector",
        "A client of another sector is not believed to be of it.",
        registration,
        foreign_sector,
        _METADATA,
    ),
    Row(
        "rfc7591-5-logo",
        "Links people follow are `https`.",
        registration,
        metadata(logo_uri="javascript:alert(1)"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-name",
        "Names people read are one plain line.",
        registration,
        metadata("a name with a line break", client_name="Shop\nBank"),
        _METADATA,
    ),
    Row(
        "rfc7591-2-types",
        "Members have their types.",
        registration,
        metadata(client_name=["Shop"]),
        _METADATA,
    ),
)
DOCUMENT = Document("RFC 7591", "Dynamic Client Registration", ROWS)
