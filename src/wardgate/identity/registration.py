"""Dynamic client registration (RFC 7591) and its management (RFC 7592).

Open to everybody only where the settings say so; else it takes an initial access token, which registers one client. A
client that registers itself gets what needs nobody's trust: no legacy grants, no exchange of tokens, and scopes of its
own only as far as its initial access token says. It belongs to an application, which an operator sees and can suspend.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wardgate.control.held import in_first
from wardgate.control.ids import new_id
from wardgate.domain.audit import differing
from wardgate.domain.consumer import Application
from wardgate.domain.oauth import DEVICE_CODE, OIDC_SCOPES, Client, ClientSecret
from wardgate.domain.secret import Secret
from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity import trail
from wardgate.identity.client_gate import weakening
from wardgate.identity.client_metadata import MetadataError, check_client, plain, shows_secret
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call, Reply, json_reply
from wardgate.identity.intake import admit
from wardgate.identity.manage_clients import remove_client, settle_secrets
from wardgate.identity.people.lockout import Rule, count, prefix_of
from wardgate.identity.ports import Transaction
from wardgate.identity.registration_document import read_document, write_document
from wardgate.identity.routes import Route
from wardgate.identity.sector import check_sector
from wardgate.identity.server import Server
from wardgate.jose.encoding import decode_object
from wardgate.jose.errors import JoseError

#: What clients that register themselves may be registered for.
GRANTS = frozenset(("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE))
#: What a client is registered for that names no grants (RFC 7591 section 2); a refresh token it must ask for.
DEFAULT_GRANTS = ("authorization_code",)
#: Registrations an address may make without a token: ten, then slower and slower.
OPEN_RULE = Rule(free=10, longest=3600, window=86400)
#: Registration access tokens end with their client; the store wants a time.
_FOR_EVER = 20 * 366 * 86400.0
_MAX_DOCUMENT = 32 * 1024
#: Members of a read document that an update may send back (RFC 7592 section 2.2 wants some of them gone).
_NOT_SENT_BACK = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permit:
    """What a registration may be: whose application it joins (empty: its own), and which scopes it may name."""

    application: str = ""
    scopes: frozenset[str] = frozenset(OIDC_SCOPES)
    digest: bytes = field(default=b"", repr=False)


async def register(server: Server, call: Call) -> Reply:
    """A new client, its secret if it shows one, and the token to manage it with. Raises OAuthError."""
    permit = await _permit(server, call)
    now = server.clock()
    draft = Client(
        id=new_id("cl", now),
        application=permit.application,
        environment=server.settings.environment,
        name="",
        grant_types=DEFAULT_GRANTS,
        scopes=(),
        created_at=now,
    )
    client = await _checked(server, _document(call), draft, permit)
    token = new_secret("ra", server.random)
    async with server.store.writing() as tx:
        await _use_up(server, tx, call, permit)
        if not client.application:
            client = replace(client, application=await _new_application(tx, client, now))
        await tx.clients.add(client)
        secret = await settle_secrets(server.store, tx, client, now)
        document = {"client": client.id, "scopes": sorted(permit.scopes)}
        await tx.once.put("registration_client", server.digest(token), document, now + _FOR_EVER)
        after = {"name": client.name, "scopes": client.scopes, "redirect_uris": client.redirect_uris}
        actor = trail.nobody(call.address)
        await trail.tell(server, tx, "client.register", client.id, actor=actor, after=after)
    return json_reply(_information(server, client, token, secret), 201)


async def read(server: Server, call: Call) -> Reply:
    """The client as it is registered (RFC 7592 section 2.1). Raises OAuthError."""
    async with server.store.reading() as tx:
        client, token, _ = await _managed(server, tx, call)
    return json_reply(_information(server, client, token, None))


async def update(server: Server, call: Call) -> Reply:
    """The client with all its metadata replaced by what was sent (RFC 7592 section 2.2). Raises OAuthError.

    What the document leaves out is at its default afterwards; what no document can say stays.
    """
    async with server.store.reading() as tx:
        client, token, scopes = await _managed(server, tx, call)
        secrets = await tx.clients.secrets(client.id)
    document = dict(_document(call))
    if document.get("client_id") != client.id:
        raise OAuthError("invalid_client_metadata", "client_id is missing, or another client's")
    _check_secret(server, secrets, document.pop("client_secret", None))
    named = next((name for name in _NOT_SENT_BACK if name in document), None)
    if named is not None:
        raise OAuthError("invalid_client_metadata", f"{named} must not be sent (RFC 7592 section 2.2)")
    permit = _Permit(application=client.application, scopes=scopes)
    changed = await _checked(server, document, _blank(client), permit)
    async with server.store.writing() as tx:
        current, _, _ = await _managed(server, tx, call)
        changed = replace(changed, trusted=current.trusted, status=current.status)
        if weakening(current, changed) and not await in_first(tx, current.environment):
            raise OAuthError(
                "invalid_client_metadata",
                "token_endpoint_auth_method: a client that proves who it is cannot become one that does not",
            )
        await tx.clients.replace(changed)
        secret = await settle_secrets(server.store, tx, changed, server.clock())
        old, new = differing(current, changed)
        actor = trail.program(changed, call)
        await trail.tell(server, tx, "client.set", changed.id, actor=actor, before=old, after=new)
    return json_reply(_information(server, changed, token, secret))


def _check_secret(server: Server, secrets: Sequence[ClientSecret], sent: object) -> None:
    """A client may send its present secret back, and never one of its own choice (RFC 7592 section 2.2)."""
    if sent is None:
        return
    shown, now = server.digest(sent if isinstance(sent, str) else ""), server.clock()
    right = False
    for each in secrets:
        same = hmac.compare_digest(shown, each.digest)
        right = right or (same and (each.expires_at is None or now < each.expires_at))
    if not right:
        raise OAuthError(
            "invalid_client_metadata",
            "client_secret is this server's to choose: send the present one, or none",
        )


async def remove(server: Server, call: Call) -> Reply:
    """Afterwards the client is gone with everything it had (RFC 7592 section 2.3). Raises OAuthError."""
    async with server.store.writing() as tx:
        client, _, _ = await _managed(server, tx, call)
        await remove_client(tx, client, server.clock())
        await trail.tell(server, tx, "client.remove", client.id, actor=trail.program(client, call))
    return Reply(status=204, headers=(("cache-control", "no-store"), ("pragma", "no-cache")))


async def _permit(server: Server, call: Call) -> _Permit:
    """What the initial access token allows, or what everybody may. The token is used up only with the registration."""
    token = _bearer(call)
    if token is None:
        if not server.settings.open_registration:
            raise _unauthorized(server, "An initial access token is required")
        # OPEN_RULE is stricter, but counts with the registration; what is asked of the client's servers comes before.
        admit(server, call)
        return _Permit()
    digest = server.digest(token)
    record = None
    if is_secret(token, "ot"):
        async with server.store.reading() as tx:
            record = await tx.once.look("registration", digest)
    if (
        record is None
        or record.used_at is not None
        or server.clock() >= record.expires_at
        or record.document["environment"] != server.settings.environment
    ):
        raise _unauthorized(server, "The initial access token is not good", error="invalid_token")
    return _Permit(
        application=record.document["application"],
        scopes=frozenset((*OIDC_SCOPES, *record.document["scopes"])),
        digest=digest,
    )


async def _use_up(server: Server, tx: Transaction, call: Call, permit: _Permit) -> None:
    """One registration a token; without one, not too many an address."""
    now = server.clock()
    if permit.digest:
        if await tx.once.take("registration", permit.digest, now) is None:
            raise _unauthorized(server, "The initial access token is not good", error="invalid_token")
        if permit.application and await tx.applications.find(permit.application) is None:
            raise OAuthError("invalid_client_metadata", "The application of the initial access token is gone")
        return
    key = f"registration address {prefix_of(call.address)}"
    await count(server, tx, key, OPEN_RULE)


async def _new_application(tx: Transaction, client: Client, now: float) -> str:
    """An application called like the client, or nearly so where that name is taken."""
    name = client.name.strip()[:80].strip()
    if await tx.applications.find(name) is not None:
        name = f"{name} ({client.id[-8:]})"
    # People read this when they are asked for consent, and nobody but the client said so.
    owner = f"not verified: {', '.join(client.contacts) or 'no contact given'}"[:300]
    application = Application(id=new_id("app", now), name=name, owner=owner)
    await tx.applications.add([application], at=now)
    await tx.feed.append("application", application.id, at=now)
    return application.id


def _document(call: Call) -> Mapping[str, Any]:
    """The JSON object that was sent. Raises OAuthError ``invalid_client_metadata``."""
    kind = (call.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" or len(call.body) > _MAX_DOCUMENT:
        raise OAuthError(
            "invalid_client_metadata",
            f"Send one JSON object of up to {_MAX_DOCUMENT} bytes, as application/json",
        )
    try:
        return decode_object(call.body)
    except JoseError:
        raise OAuthError(
            "invalid_client_metadata", "The body is no JSON object with each member once"
        ) from None


async def _checked(server: Server, document: Mapping[str, Any], base: Client, permit: _Permit) -> Client:
    """A client of the document that keeps every rule and asks for no more than it may. Raises OAuthError."""
    try:
        client, native = read_document(document, base)
        if not client.name:
            client = replace(client, name=client.id)
        if "scope" not in document:
            client = replace(client, scopes=tuple(scope for scope in OIDC_SCOPES if scope in permit.scopes))
        _check_modest(client, permit)
        check_client(client, native=native)
        await check_sector(server.fetch, client)
    except MetadataError as error:
        raise OAuthError(error.error, plain(str(error))) from None
    return client


def _check_modest(client: Client, permit: _Permit) -> None:
    """No grant and no scope that takes an operator's trust."""
    grant = next((each for each in client.grant_types if each not in GRANTS), None)
    if grant is not None:
        raise MetadataError(
            "grant_types", f"clients that register themselves may have {', '.join(sorted(GRANTS))}"
        )
    if any(scope not in permit.scopes for scope in client.scopes):
        raise MetadataError("scope", "the registration does not allow one of these scopes")


def _blank(client: Client) -> Client:
    """The client with what a document can say at its defaults, so that an update replaces it all."""
    return Client(
        id=client.id,
        application=client.application,
        environment=client.environment,
        name="",
        grant_types=DEFAULT_GRANTS,
        audiences=client.audiences,
        token_format=client.token_format,
        access_lifetime=client.access_lifetime,
        id_token_lifetime=client.id_token_lifetime,
        refresh_idle_lifetime=client.refresh_idle_lifetime,
        refresh_lifetime=client.refresh_lifetime,
        trusted=client.trusted,
        status=client.status,
        created_at=client.created_at,
    )


async def _managed(server: Server, tx: Transaction, call: Call) -> tuple[Client, str, frozenset[str]]:
    """The client of the address, whose registration access token was shown; that token; and what it may have.

    Whatever is wrong, the answer is one and the same: nobody learns here which clients there are.
    """
    token, named = _bearer(call), call.query.get("client_id")
    if token is not None and is_secret(token, "ra"):
        record = await tx.once.look("registration_client", server.digest(token))
        client = None if record is None else await tx.clients.get(record.document["client"])
        if (
            record is not None
            and client is not None
            and client.id == named
            and client.environment == server.settings.environment
            and client.status == "active"
        ):
            return client, token, frozenset(record.document["scopes"])
    raise _unauthorized(server, "The registration access token is not good here", error="invalid_token")


def _bearer(call: Call) -> str | None:
    """The token of the Authorization header; ``None`` where there is none, empty where it is no single one."""
    values = call.header_values("authorization")
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if len(values) == 1 and scheme.lower() == "bearer" else ""


def _unauthorized(server: Server, why: str, *, error: str = "") -> OAuthError:
    said = f' error="{error}", error_description="{why}"' if error else ""
    challenge = (("www-authenticate", f'Bearer realm="{server.settings.issuer}"{"," if said else ""}{said}'),)
    return OAuthError(error or "invalid_token", why, status=401, headers=challenge)


def _information(server: Server, client: Client, token: str, secret: Secret | None) -> dict[str, Any]:
    """The client information response (RFC 7591 section 3.2.1). A secret is in it once, when it is made."""
    document = write_document(client)
    if secret is not None:
        document["client_secret"] = secret.reveal().decode()
    if shows_secret(client):
        document["client_secret_expires_at"] = 0
    document["registration_access_token"] = token
    document["registration_client_uri"] = server.settings.url(f"/oauth2/register/{client.id}")
    return document


ROUTES = (
    Route(("POST",), "/oauth2/register", register),
    Route(("GET",), "/oauth2/register/{client_id}", read),
    Route(("PUT",), "/oauth2/register/{client_id}", update),
    Route(("DELETE",), "/oauth2/register/{client_id}", remove),
)
