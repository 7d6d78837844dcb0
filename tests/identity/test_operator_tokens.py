"""Signing on to the control plane, and tokens of the authorization server that do not open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.token_side import ISSUER, Side, read

from wardgate.control.errors import ForbiddenError, NotFoundError
from wardgate.control.operators import grants
from wardgate.control.operators.authenticate import AuthenticationError, authenticate
from wardgate.domain.actor import Actor
from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.domain.operator import ADMIN_SCOPE
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.identity import device_authorization, issue, manage_clients, operator_sign_on
from wardgate.identity.issue import Binding
from wardgate.identity.operator_tokens import signed_on
from wardgate.identity.user_code import normal_user_code

ADMIN = f"{ISSUER}/admin"


async def who(side: Side, token: str) -> Actor:
    """Whom the control plane takes the token's bearer for."""
    return await authenticate(side.store, token, "192.0.2.1", side.clock(), signed_on=signed_on(side.server))


async def owner(side: Side, name: str = "ada") -> str:
    """A person who is an owner; their id."""
    user = await side.user(name)
    await grants.grant(side.store, kind="user", name=user.id, role="owner", clock=side.clock)
    return user.id


async def signed(
    side: Side,
    client: Client,
    user: str,
    *,
    scopes: tuple[str, ...] = (ADMIN_SCOPE,),
    audiences: tuple[str, ...] = (ADMIN,),
    kind: str = "device_code",
    **more: Any,
) -> str:
    """The text of an access token of the client for a person."""
    grant = await side.grant(client.id, user, kind=kind)
    spec = issue.spec_of(
        client,
        grant,
        subject=user,
        scopes=scopes,
        audiences=audiences,
        roles=(),
        binding=more.pop("binding", issue.UNBOUND),
        authorization_details=(),
    )
    prepared = issue.prepare(side.server, replace(spec, **more))
    async with side.store.writing() as tx:
        await issue.keep(side.server, tx, prepared)
    return await issue.text_of(side.server, prepared)


async def test_a_person_signs_on_by_device_grant(side: Side) -> None:
    """The whole of RFC 8628: codes, the person's yes, a token that opens the control plane, and a refreshed one."""
    user = await owner(side)
    client = await operator_sign_on.enable_sign_on(side.server)
    begin = {"scope": ADMIN_SCOPE, "resource": ADMIN, "client_id": client.id}
    answer = read(await device_authorization.handle(side.server, side.call(begin)))
    typed = normal_user_code(answer["user_code"])
    grant = await side.grant(client.id, user, kind="device_code", scopes=(ADMIN_SCOPE,), resources=(ADMIN,))
    async with side.store.writing() as tx:
        code = await tx.device_codes.by_user_code(side.server.digest(typed or ""))
        assert code is not None
        await tx.device_codes.decide(code.digest, "approved", grant.id, side.clock())
    form = {"grant_type": DEVICE_CODE, "device_code": answer["device_code"], "client_id": client.id}
    tokens = await side.token(form)
    actor = await who(side, tokens["access_token"])
    assert (actor.kind, actor.id, actor.permissions) == ("user", user, BUILTIN_ROLES["owner"])
    again = await side.token(
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": client.id}
    )
    assert (await who(side, again["access_token"])).id == user


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_both_forms_of_access_tokens_are_read(side: Side, token_format: str) -> None:
    """A client of the installation's own that has the scope signs people on too."""
    user = await owner(side)
    client = await side.client(
        "console", scopes=(ADMIN_SCOPE,), audiences=(ADMIN,), token_format=token_format
    )
    assert (await who(side, await signed(side, client, user))).id == user


REFUSED: dict[str, Mapping[str, Any]] = {
    "without the scope": {"scopes": ("orders.read",)},
    "for the whole gateway": {"audiences": (ISSUER,)},
    "for an API besides": {"audiences": (ADMIN, f"{ISSUER}/orders/v1")},
    "for another environment's control plane": {"audiences": ("https://other.example.com/admin",)},
    "bound to a key": {"binding": Binding(jkt="a" * 43)},
    "bound to a certificate": {"binding": Binding(x5t="a" * 43)},
    "held by somebody who acts for the person": {"actors": ("cl_other",)},
    "got with the person's password": {"kind": "password"},
    "asserted by a program": {"kind": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
    "expired": {"expires_by": 1.0},
}


@pytest.mark.parametrize("what", REFUSED)
async def test_other_tokens_of_the_same_server_do_not_open_it(side: Side, what: str) -> None:
    """An owner's tokens that are for something else, or may be somebody else's, stand for nobody."""
    user = await owner(side)
    client = await side.client("console", scopes=(ADMIN_SCOPE,), audiences=(ADMIN,))
    with pytest.raises(AuthenticationError):
        await who(side, await signed(side, client, user, **REFUSED[what]))


async def test_tokens_taken_back_and_of_people_put_out_are_refused(side: Side) -> None:
    """Suspending the client or the person ends what they had at once."""
    user = await owner(side)
    await owner(side, "bob")
    client = await operator_sign_on.enable_sign_on(side.server)
    token = await signed(side, client, user)
    await manage_clients.suspend(side.store, client.id)
    side.clock.forward(60)
    with pytest.raises(AuthenticationError):
        await who(side, token)
    await manage_clients.restore(side.store, client.id)
    side.clock.forward(60)
    assert (await who(side, token)).id == user
    async with side.store.writing() as tx:
        found = await tx.users.get(user)
        assert found is not None
        await tx.users.replace(replace(found, status="suspended"))
    with pytest.raises(AuthenticationError):
        await who(side, token)


async def test_nobody_signs_on_where_it_was_not_enabled(side: Side) -> None:
    """The metadata tells of the client while there is one, and disabling ends what people had."""
    user = await owner(side)
    call = side.call({}, path=operator_sign_on.METADATA_PATH)
    assert (await operator_sign_on.metadata(side.server, call)).status == 404
    client = await operator_sign_on.enable_sign_on(side.server)
    assert await operator_sign_on.enable_sign_on(side.server) == client
    found = read(await operator_sign_on.metadata(side.server, call))
    assert (found["resource"], found["wardgate_client_id"]) == (ADMIN, "wardgate-cli-dev")
    token = await signed(side, client, user)
    await operator_sign_on.disable_sign_on(side.server)
    side.clock.forward(60)
    with pytest.raises(AuthenticationError):
        await who(side, token)
    with pytest.raises(NotFoundError):
        await operator_sign_on.disable_sign_on(side.server)


async def test_only_who_looks_after_operators_makes_clients_that_sign_them_on(side: Side) -> None:
    """Whoever could make or change such a client would be whoever signs in with it: an admin may neither."""
    client = await operator_sign_on.enable_sign_on(side.server)
    await side.application("acme")
    admin = Actor(kind="user", id="usr_x", name="x", permissions=BUILTIN_ROLES["admin"])
    store = side.store.acting(admin)
    server = replace(side.server, store=store)
    settings = {"scopes": (ADMIN_SCOPE,), "redirect_uris": ("https://evil.example.com/",)}
    tried = (
        manage_clients.add(store, application="acme", environment="development", settings=settings),
        manage_clients.update(store, client.id, {"redirect_uris": ("https://evil.example.com/",)}),
        manage_clients.update(store, client.id, {"scopes": ()}),
        manage_clients.suspend(store, client.id),
        manage_clients.registration_token(store, environment="development", scopes=(ADMIN_SCOPE,)),
        operator_sign_on.enable_sign_on(server),
        operator_sign_on.disable_sign_on(server),
    )
    for each in tried:
        with pytest.raises(ForbiddenError) as error:
            await each
        assert error.value.permission == "operators.edit"
