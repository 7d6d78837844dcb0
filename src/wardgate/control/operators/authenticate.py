"""Who presents a token to the control plane, and what that lets them do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wardgate.control.errors import UnauthenticatedError
from wardgate.control.operators.holding import holdings_of
from wardgate.control.ports import Store, Transaction
from wardgate.domain import apikey
from wardgate.domain.actor import Actor
from wardgate.domain.operator import AdminToken, OwnerKind, ServiceAccount, is_token

#: Seconds between two notes of when a token was last used.
USE_INTERVAL = 60.0
#: Nothing that is longer is looked at.
_LONGEST = 16 * 1024

#: Whom an access token of the authorization server stands for: the id of a user and that of the token, or ``None`` for
#: a token that is not for the control plane or no good (``identity/operator_tokens.py``).
SignedOn = Callable[[str], Awaitable[tuple[str, str] | None]]


class AuthenticationError(UnauthenticatedError):
    """What was presented opens nothing. It never tells why."""

    def __init__(self) -> None:
        super().__init__(
            "This needs an access token that is good now",
            "Sign in with `wardgate login`, or present one issued by `wardgate admin-tokens issue`",
        )


async def authenticate(
    store: Store, bearer: str, address: str, now: float, *, signed_on: SignedOn | None = None
) -> Actor:
    """The operator whom ``bearer`` stands for, with what they hold at this moment, narrowed by the token.

    Changes of roles, groups and accounts hold from the next call on. ``address`` is where the request came from, ``now``
    in Unix seconds. ``signed_on`` reads access tokens of the authorization server; without it they are refused. That a
    token was used is noted once a minute.

    Raises:
        AuthenticationError: it is no token, is not known, has expired or was revoked, or its owner is suspended or gone.
    """
    if len(bearer) > _LONGEST:
        raise AuthenticationError
    if is_token(bearer):
        return await _by_token(store, bearer, address, now)
    found = None if signed_on is None else await signed_on(bearer)
    if found is None:
        raise AuthenticationError
    user, token = found
    async with store.reading() as tx:
        name = await _active_name(tx, "user", user)
        held = await holdings_of(tx, "user", user)
    return Actor(
        kind="user",
        id=user,
        name=name,
        address=address,
        token=token,
        permissions=held.permissions,
        projects=held.projects,
    )


async def _by_token(store: Store, text: str, address: str, now: float) -> Actor:
    digest = apikey.digest(text.encode(), store.master_key())
    async with store.reading() as tx:
        token = await tx.operators.token_by_digest(digest)
        if token is None or not is_good(token, now):
            raise AuthenticationError
        name = await _active_name(tx, token.kind, token.owner)
        held = (await holdings_of(tx, token.kind, token.owner)).narrowed(token.permissions, token.projects)
    if token.last_used_at is None or token.last_used_at <= now - USE_INTERVAL:
        async with store.writing() as tx:
            await tx.operators.used_token(token.id, at=now, address=address, before=now - USE_INTERVAL)
    return Actor(
        kind=token.kind,
        id=token.owner,
        name=name,
        address=address,
        token=token.id,
        permissions=held.permissions,
        projects=held.projects,
    )


def is_good(token: AdminToken, now: float) -> bool:
    """Whether the token itself counts at ``now``."""
    return token.revoked_at is None and now < token.expires_at


async def _active_name(tx: Transaction, kind: OwnerKind, owner: str) -> str:
    found = await (_account(tx, owner) if kind == "service" else tx.operators.person(owner))
    if found is None or found.status != "active":
        raise AuthenticationError
    return found.name


async def _account(tx: Transaction, account_id: str) -> ServiceAccount | None:
    """The service account with that id: another may have it as its name."""
    return next((each for each in await tx.operators.service_accounts() if each.id == account_id), None)
