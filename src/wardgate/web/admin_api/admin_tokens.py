"""Access tokens of the control plane: one's own, and those of service accounts and others."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from wardgate.control.operators import tokens
from wardgate.domain.permission import PERMISSIONS
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import VOLATILE, Line, Model, Page, Seconds, ShownOnce, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("operators")

TokenId = Annotated[str, Path(pattern=r"^wat_[0-9a-z]{1,40}$", description="A token's id: wat_01h...")]


class AdminToken(Thing):
    """An access token of the control plane: never the token itself."""

    id: str
    kind: Literal["user", "service"]
    owner: str = Field(description="The owner's name.")
    name: str
    prefix: str
    last_four: str
    permissions: list[str] = Field(description="At most these, of what the owner holds at the moment.")
    projects: list[str] | None = Field(
        description="In these projects alone; null: wherever the owner holds them."
    )
    state: Annotated[Literal["active", "expired", "revoked"], VOLATILE]
    created_at: Seconds
    expires_at: Seconds
    revoked_at: Seconds | None
    last_used_at: Annotated[Seconds | None, VOLATILE]
    last_used_address: Annotated[str, VOLATILE]
    issued_by: str | None = Field(
        description="The id of who issued it, who is no second person for what is asked with it; null: not known."
    )
    issued_through: list[str] = Field(
        description="The ids of those who issued the access token it was issued with, if any, and those before."
    )


class IssuedAdminToken(Model):
    """A new token."""

    credential: AdminToken
    token: ShownOnce


class AdminTokenIssue(Model):
    """Which token to issue; one's own where nobody is named."""

    name: Line = Field(description="What it is for, like laptop.")
    user: Line | None = Field(default=None, description="The owner's name or id, if it is another user's.")
    service: Line | None = Field(
        default=None, description="The service account's name or id, if it is one's."
    )
    permissions: list[Line] | None = Field(
        default=None, max_length=len(PERMISSIONS), description="By default all that the owner holds now."
    )
    projects: list[Line] | None = Field(default=None, min_length=1, max_length=100)
    expires_at: Seconds | None = Field(
        default=None, description="By default in 90 days; in 366 at the latest."
    )


@operations.get("/admin-tokens", permission="self", refuses=(404,))
async def list_admin_tokens(
    ask: Ask,
    page: Paging,
    user: Annotated[str | None, Query(max_length=200, description="This user's.")] = None,
    service: Annotated[str | None, Query(max_length=200, description="This service account's.")] = None,
    everyone: Annotated[bool, Query(description="Everyone's.")] = False,
) -> Page[AdminToken]:
    """Access tokens, oldest first: one's own, unless somebody is named."""
    now = ask.clock()
    return page.of(
        await tokens.list_tokens(ask.store, user=user, service=service, everyone=everyone),
        key=lambda each: (each.token.created_at, each.token.id),
        show=lambda each: _shown(each, now),
    )


@operations.get("/admin-tokens/{token_id}", permission="self")
async def show_admin_token(ask: Ask, token_id: TokenId) -> AdminToken:
    """One access token."""
    return _shown(await tokens.show_token(ask.store, token_id), ask.clock())


@operations.post(
    "/admin-tokens", permission="self", location=lambda issued: f"/admin-tokens/{issued.credential.id}"
)
async def issue_admin_token(ask: Ask, body: AdminTokenIssue) -> IssuedAdminToken:
    """Issue an access token. Its text is shown this once."""
    record, secret = await tokens.issue_token(
        ask.store,
        name=body.name,
        user=body.user,
        service=body.service,
        permissions=body.permissions,
        projects=body.projects,
        expires_at=body.expires_at,
        clock=ask.clock,
    )
    return IssuedAdminToken(credential=_shown(record, ask.clock()), token=secret.reveal().decode())


@operations.post("/admin-tokens/{token_id}:revoke", permission="self", guard=show_admin_token, status=200)
async def revoke_admin_token(ask: Ask, token_id: TokenId) -> AdminToken:
    """End an access token for ever."""
    return _shown(await tokens.revoke_token(ask.store, token_id, clock=ask.clock), ask.clock())


def _shown(record: tokens.TokenRecord, now: float) -> AdminToken:
    token = record.token
    return AdminToken(
        id=token.id,
        kind=token.kind,
        owner=record.owner_name,
        name=token.name,
        prefix=token.prefix,
        last_four=token.last_four,
        permissions=sorted(token.permissions),
        projects=None if token.projects is None else sorted(token.projects),
        state=tokens.state_of(token, now),
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        last_used_at=token.last_used_at,
        last_used_address=token.last_used_address,
        issued_by=token.issued_by,
        issued_through=list(token.issued_through),
    )
