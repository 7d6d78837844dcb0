"""Revisions of APIs: listed, shown, verified."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field

from wardgate.control import revisions
from wardgate.domain.codec import encode_api, encode_plan
from wardgate.web.admin_api.apis import ApiName, ApiVersion
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("revisions")

Number = Annotated[int, Path(ge=1, le=999_999_999)]


class RevisionLine(Model):
    """A revision without its content."""

    number: int
    hash: str = Field(description="SHA-256 over all it holds.")
    created_at: float
    actor: str
    note: str
    key: str = Field(description="The instance key it is signed with.")
    environments: list[str] = Field(description="Where it is in force.")


class RevisionShown(Thing):
    """A revision, whole. Names of variables and secrets are left in."""

    api: str
    number: int
    hash: str
    created_at: float
    actor: str
    note: str
    key: str
    signature: str = Field(description="Ed25519, in hex.")
    resolved: dict[str, Any] = Field(description="The API as gateways are given it.")
    source: dict[str, Any] = Field(description="Its settings as written.")
    openapi_name: str
    openapi_text: str
    plans: list[dict[str, Any]] = Field(description="Those it offers.")


class RevisionVerdict(Model):
    """Whether a revision is what it was when it was signed."""

    api: str
    number: int
    content: bool = Field(description="Its content fits its hash.")
    signature: bool = Field(description="Its signature is this installation's.")


class Verified(Thing):
    """Every verdict; ``sound`` when all are good."""

    sound: bool
    revisions: list[RevisionVerdict]


@operations.get("/revisions", permission="apis.view", refuses=(404,))
async def list_revisions(
    ask: Ask, page: Paging, api: Annotated[str, Query(max_length=200, description="orders/v1")]
) -> Page[RevisionLine]:
    """The revisions of an API, newest first."""
    found = await revisions.list_revisions(ask.store, api)
    return page.of(found, key=lambda each: (-each.info.number,), show=_line)


@operations.get("/revisions/{name}/{version}/{number}", permission="apis.view")
async def show_revision(ask: Ask, name: ApiName, version: ApiVersion, number: Number) -> RevisionShown:
    """One revision, whole."""
    found = await revisions.show(ask.store, f"{name}/{version}", number)
    return RevisionShown(
        api=found.api_id,
        number=found.number,
        hash=found.hash,
        created_at=found.created_at,
        actor=found.actor,
        note=found.note,
        key=found.key_id,
        signature=found.signature.hex(),
        resolved=encode_api(found.entry.api),
        source=dict(found.entry.source),
        openapi_name=found.entry.openapi_name,
        openapi_text=found.entry.openapi_text,
        plans=[encode_plan(plan) for plan in found.plans],
    )


@operations.get("/revisions:verify", permission="apis.view", refuses=(404,))
async def verify_revisions(
    ask: Ask,
    api: Annotated[str | None, Query(max_length=200, description="By default every API one may see.")] = None,
) -> Verified:
    """Check revisions against their hashes and signatures."""
    found = await revisions.verify(ask.store, api)
    return Verified(
        sound=all(each.check.sound for each in found),
        revisions=[
            RevisionVerdict(
                api=each.api,
                number=each.number,
                content=each.check.content,
                signature=each.check.signature,
            )
            for each in found
        ],
    )


def _line(line: revisions.RevisionLine) -> RevisionLine:
    return RevisionLine(
        number=line.info.number,
        hash=line.info.hash,
        created_at=line.info.created_at,
        actor=line.info.actor,
        note=line.info.note,
        key=line.info.key_id,
        environments=list(line.environments),
    )
