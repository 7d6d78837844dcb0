"""Signing on as an operator: the client that ``wardgate login`` is, and where it learns of it.

An environment lets operators sign on once an owner said so. Before, there is no such client and nothing to find.
"""

from __future__ import annotations

from dataclasses import replace

from wardgate.control.authority import require
from wardgate.control.errors import NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.lookup import environment_named
from wardgate.domain.audit import AuditEvent
from wardgate.domain.consumer import Application
from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.domain.operator import ADMIN_SCOPE, CLI_CLIENT
from wardgate.identity.http import Call, Reply, json_reply
from wardgate.identity.manage_clients import remove_client
from wardgate.identity.operator_tokens import admin_audience
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

#: Where it is found (RFC 9728 section 3): the control plane as a protected resource.
METADATA_PATH = "/.well-known/oauth-protected-resource/admin"
#: The application whose clients those of all environments are.
APPLICATION = "wardgate-cli"
_DAY = 86400


async def enable_sign_on(server: Server) -> Client:
    """Afterwards people sign on to the control plane at this environment's server, with ``wardgate login``: by device grant
    (RFC 8628), or by authorization code with PKCE on a loopback address (RFC 8252). What they may do is what they hold.

    Raises:
        ForbiddenError: the actor does not look after operators.
        NotFoundError: there is no such environment.
    """
    now = server.clock()
    async with server.store.writing() as tx:
        require(tx.actor, "operators.edit")
        client = _client(server, await _client_id(server, tx), now)
        known = await tx.clients.get(client.id)
        if known is not None and replace(known, created_at=now, application="") == client:
            return known
        application = await tx.applications.find(APPLICATION)
        if application is None:
            application = Application(id=new_id("app", now), name=APPLICATION)
            await tx.applications.add([application], at=now)
            await tx.feed.append("application", application.id, at=now)
        client = replace(client, application=application.id)
        await (tx.clients.add(client) if known is None else tx.clients.replace(client))
        await _tell(server, tx, "sign_on.enable", now)
    return client


async def disable_sign_on(server: Server) -> None:
    """Afterwards nobody signs on there, and whoever did is out.

    Raises:
        ForbiddenError: the actor does not look after operators.
        NotFoundError: nobody could.
    """
    now = server.clock()
    async with server.store.writing() as tx:
        require(tx.actor, "operators.edit")
        client = await tx.clients.get(await _client_id(server, tx))
        if client is None:
            raise NotFoundError(
                "sign_on",
                server.settings.environment,
                "`wardgate operators enable-sign-on` lets operators sign on there",
            )
        await remove_client(tx, client, now)
        await _tell(server, tx, "sign_on.disable", now)


async def metadata(server: Server, call: Call) -> Reply:
    """The control plane's metadata (RFC 9728 section 2), with the client to sign on as; 404 where nobody can."""
    async with server.store.reading() as tx:
        client = await tx.clients.get(await _client_id(server, tx))
    if client is None or client.status != "active":
        return json_reply({"error": "not_found"}, status=404)
    return json_reply(
        {
            "resource": admin_audience(server),
            "authorization_servers": [server.settings.issuer],
            "scopes_supported": [ADMIN_SCOPE],
            "bearer_methods_supported": ["header"],
            "wardgate_client_id": client.id,
        }
    )


async def _client_id(server: Server, tx: Transaction) -> str:
    place = await environment_named(tx, server.settings.environment)
    return f"{CLI_CLIENT}-{place.tag}"


def _client(server: Server, client_id: str, now: float) -> Client:
    return Client(
        id=client_id,
        application="",
        environment=server.settings.environment,
        name="Wardgate command line",
        authentication="none",
        grant_types=(DEVICE_CODE, "authorization_code", "refresh_token"),
        redirect_uris=("http://127.0.0.1/callback", "http://[::1]/callback"),
        scopes=(ADMIN_SCOPE,),
        audiences=(admin_audience(server),),
        refresh_idle_lifetime=7 * _DAY,
        refresh_lifetime=30 * _DAY,
        created_at=now,
    )


async def _tell(server: Server, tx: Transaction, action: str, now: float) -> None:
    place = server.settings.environment
    await tx.audit.record(AuditEvent(action=action, target=place, environment=place), at=now)


ROUTES = (Route(("GET",), METADATA_PATH, metadata, kind="document"),)
