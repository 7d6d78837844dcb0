"""The password grant (RFC 6749 section 4.3): legacy, for clients an operator opted in; RFC 9700 section 2.4 forbids it.

The client sees the person's password, and no second factor can be asked for: whoever has one cannot use it.
"""

from __future__ import annotations

import secrets

from wardgate.domain.oauth import Grant
from wardgate.identity import rar, resource, scopes, trail
from wardgate.identity.for_person import first_refresh, prepare_for, reply_with
from wardgate.identity.http import Reply
from wardgate.identity.people.signin import second_factors, sign_in_with_password
from wardgate.identity.token_request import TokenRequest, invalid_grant

_ONE_FACTOR = "urn:wardgate:acr:1"


async def answer(request: TokenRequest) -> Reply:
    """Tokens for a name and a password. Raises OAuthError."""
    server, form = request.server, request.form
    name, password = request.required("username"), request.required("password")
    asked = scopes.for_client(request.client, form.get("scope"))
    targets = await resource.targets(server, request.known, form.all("resource"))
    details = rar.parse(request.client, form.get("authorization_details"))
    user = await sign_in_with_password(server, request.call, name, password)
    if user is None:
        raise invalid_grant("name or password")
    async with server.store.writing() as tx:
        if await second_factors(tx, user):
            # Told in the same words as a wrong password.
            raise invalid_grant("the user has a second factor")
        now = server.clock()
        grant = Grant(
            id=secrets.token_hex(16),
            environment=server.settings.environment,
            client=request.client.id,
            subject=user.id,
            scopes=asked,
            kind="password",
            created_at=now,
            resources=targets,
            authorization_details=details,
            auth_time=int(now),
            acr=_ONE_FACTOR,
            amr=("pwd",),
            jkt=request.binding.jkt,
            x5t=request.binding.x5t,
        )
        await tx.grants.add(grant)
        tokens = await prepare_for(request, tx, grant, granted=asked, audiences=targets, details=details)
        refresh_token = await first_refresh(request, tx, tokens)
        who, after = trail.person(user.id, request.call), {"amr": grant.amr, "client": request.client.id}
        await trail.tell(server, tx, "login.succeed", user.id, actor=who, after=after)
    return await reply_with(request, tokens, refresh_token=refresh_token)
