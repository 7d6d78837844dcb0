"""Device codes (RFC 8628 sections 3.4 and 3.5): the device asks until the person has answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wardgate.domain.tokenform import is_secret
from wardgate.identity import resource
from wardgate.identity.errors import OAuthError
from wardgate.identity.for_person import PersonTokens, first_refresh, prepare_for, reply_with
from wardgate.identity.http import Reply
from wardgate.identity.ports import DeviceCode, Transaction
from wardgate.identity.presented_token import live_grant
from wardgate.identity.token_request import TokenRequest, invalid_grant

#: Seconds the interval grows by with each request that comes too soon (section 3.5).
SLOWER = 5.0
#: Seconds a request may come early: a device's clock and the network are not exact.
_EARLY = 0.5


@dataclass(slots=True)
class _Poll:
    """A device's request, within one transaction. ``refusal`` is raised once what was noted is committed."""

    request: TokenRequest
    tx: Transaction
    digest: bytes
    targets: tuple[str, ...]
    found: DeviceCode | None = None
    refusal: OAuthError | None = None
    tokens: PersonTokens | None = None
    refresh_token: str = ""

    @property
    def code(self) -> DeviceCode:
        """The code, once it was found."""
        if self.found is None:
            raise invalid_grant("no device code was found")
        return self.found


async def answer(request: TokenRequest) -> Reply:
    """Tokens, once the person agreed. Raises OAuthError, ``authorization_pending`` until then."""
    server, text = request.server, request.required("device_code")
    if not is_secret(text, "dc"):
        raise invalid_grant("no device code of this server")
    targets = await resource.targets(server, request.known, request.form.all("resource"))
    async with server.store.writing() as tx:
        state = _Poll(request, tx, server.digest(text), targets)
        for step in STEPS:
            await step(state)
            if state.refusal is not None:
                break
    if state.refusal is not None:
        raise state.refusal
    if state.tokens is None:
        raise invalid_grant("no tokens were made")
    return await reply_with(request, state.tokens, refresh_token=state.refresh_token)


async def find_code(state: _Poll) -> None:
    """The code as stored; it is this client's."""
    state.found = await state.tx.device_codes.find(state.digest)
    if state.found is None or state.found.client != state.request.client.id:
        raise invalid_grant("unknown device code, or another client's")


async def check_expiry(state: _Poll) -> None:
    """A code is good for some minutes."""
    if state.request.server.clock() >= state.code.expires_at:
        raise OAuthError("expired_token", "The device code expired; begin again")


async def check_answer(state: _Poll) -> None:
    """What the person said. While they have not, each request counts, and one that comes too soon slows the next."""
    code, now = state.code, state.request.server.clock()
    if code.status == "denied":
        raise OAuthError("access_denied", "The person refused")
    if code.status == "pending":
        too_soon = code.polled_at > 0 and now < code.polled_at + code.interval - _EARLY
        await state.tx.device_codes.poll(code.digest, now, code.interval + (SLOWER if too_soon else 0.0))
        if too_soon:
            state.refusal = OAuthError("slow_down", "Wait five seconds longer between requests from now on")
        else:
            state.refusal = OAuthError("authorization_pending", "The person has not answered yet")


async def take_code(state: _Poll) -> None:
    """An approved code is used by one request only."""
    if not await state.tx.device_codes.take(state.digest, state.request.server.clock()):
        raise invalid_grant("the device code was used before")


async def prepare_tokens(state: _Poll) -> None:
    """Decides what the tokens say, and stores what must be stored with the code being used."""
    request = state.request
    grant = await live_grant(request.server, state.tx, state.code.grant)
    if grant is None or grant.client != request.client.id:
        raise invalid_grant("the grant was taken back")
    state.tokens = await prepare_for(
        request,
        state.tx,
        grant,
        granted=grant.scopes,
        audiences=resource.within(request.server, grant.resources, state.targets),
        details=grant.authorization_details,
    )
    state.refresh_token = await first_refresh(request, state.tx, state.tokens)


STEPS: tuple[Callable[[_Poll], Awaitable[None]], ...] = (
    find_code,
    check_expiry,
    check_answer,
    take_code,
    prepare_tokens,
)
