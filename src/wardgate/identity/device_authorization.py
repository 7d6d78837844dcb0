"""The device authorization endpoint (RFC 8628 section 3.1): where a device without a browser begins."""

from __future__ import annotations

from wardgate.domain.oauth import DEVICE_CODE
from wardgate.domain.tokenform import new_secret
from wardgate.identity import rar, resource, scopes
from wardgate.identity.client_auth import authenticate
from wardgate.identity.errors import OAuthError
from wardgate.identity.form import check_form
from wardgate.identity.http import Call, Reply, json_reply, with_query
from wardgate.identity.intake import admit
from wardgate.identity.ports import DeviceCode, KnownClient
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.user_code import new_user_code, normal_user_code

#: Where the person goes; short enough to type.
VERIFICATION_PATH = "/oauth2/device"
_TRIES = 5


async def handle(server: Server, call: Call) -> Reply:
    """A device code for the client and a user code for the person. Raises OAuthError."""
    check_form(call)
    known = await authenticate(server, call)
    check_registered(known)
    admit(server, call, known)
    form = call.form
    document = {
        "scopes": list(scopes.for_client(known.client, form.get("scope"))),
        "resources": list(await resource.targets(server, known, form.all("resource"))),
        "authorization_details": [
            dict(each) for each in rar.parse(known.client, form.get("authorization_details"))
        ],
    }
    device_code = new_secret("dc", server.random)
    user_code = await store_code(server, known, device_code, document)
    address = server.settings.url(VERIFICATION_PATH)
    return json_reply(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": address,
            "verification_uri_complete": with_query(address, (("user_code", user_code),)),
            "expires_in": server.settings.device_lifetime,
            "interval": server.settings.device_interval,
        }
    )


def check_registered(known: KnownClient) -> None:
    """The client is registered for the grant."""
    if DEVICE_CODE not in known.client.grant_types:
        raise OAuthError("unauthorized_client", "The client is not registered for device authorization")


async def store_code(
    server: Server, known: KnownClient, device_code: str, document: dict[str, object]
) -> str:
    """Stores the request under both codes and returns the user code, which no other device has at the moment."""
    async with server.store.writing() as tx:
        for _ in range(_TRIES):
            user_code = new_user_code(server.random)
            digest = server.digest(normal_user_code(user_code) or "")
            if await tx.device_codes.by_user_code(digest) is None:
                break
        else:
            raise OAuthError("temporarily_unavailable", "Too many devices wait at the moment", status=503)
        now = server.clock()
        await tx.device_codes.add(
            DeviceCode(
                digest=server.digest(device_code),
                user_code=digest,
                environment=server.settings.environment,
                client=known.client.id,
                document=document,
                created_at=now,
                expires_at=now + server.settings.device_lifetime,
                interval=server.settings.device_interval,
            )
        )
    return user_code


ROUTES = (Route(("POST",), "/oauth2/device_authorization", handle),)
