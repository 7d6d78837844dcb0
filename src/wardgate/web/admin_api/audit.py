"""The audit trail: listed, verified, exported."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import StreamingResponse

from wardgate.control import audit
from wardgate.control.errors import InvalidError
from wardgate.domain.audit import AuditFilter, AuditRecord
from wardgate.domain.chain import Head, ProblemCode
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page, Seconds
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("audit")

_Short = Annotated[str, Query(max_length=200)]
_Time = Annotated[float | None, Query(ge=0, le=253402300799, description="Unix seconds (UTC).")]


class AuditActor(Model):
    """Who did something. ``id`` never changes; ``name`` is what they were called then."""

    kind: Literal["user", "service", "local", "system", "anonymous"]
    id: str
    name: str


class AuditEntry(Model):
    """One link of the trail: something that was done, refused or failed."""

    seq: int
    at: Seconds
    actor: AuditActor
    address: str = Field(description="Where the request came from; empty for none.")
    token: str = Field(description="Id of the access token used; empty for none.")
    action: str
    target: str
    outcome: Literal["done", "refused", "failed"]
    environment: str
    project: str
    before: dict[str, Any]
    after: dict[str, Any]
    note: str
    previous: str = Field(description="The hash of the link before, in hexadecimal.")
    hash: str


class AuditHead(Model):
    """Where the trail ends now. Keep it where those who administer the server cannot write."""

    head: str = Field(description="SEQ:HASH")


class AuditVerdict(Model):
    """What verifying found: nothing wrong, or the first thing that is."""

    intact: bool
    links: int = Field(description="How many links are right, from the first on.")
    head: str = Field(description="SEQ:HASH of the last link that is right.")
    since: float | None = Field(description="The time of the first link, Unix seconds.")
    compared: bool = Field(description="Whether the head given lies within the trail.")
    problem: ProblemCode | None
    problem_seq: int | None
    problem_text: str


def _wanted(
    actor: _Short = "",
    action: Annotated[
        str, Query(max_length=200, description="`key.revoke`, or `key.` for all about keys.")
    ] = "",
    target: Annotated[str, Query(max_length=500)] = "",
    outcome: _Short = "",
    environment: _Short = "",
    project: _Short = "",
    since: _Time = None,
    until: _Time = None,
) -> AuditFilter:
    for text in (actor, action, target, outcome, environment, project):
        if "\x00" in text:
            raise InvalidError("filter", "A filter holds the character NUL", "Leave it out")
    return AuditFilter(
        actor=actor,
        action=action,
        target=target,
        outcome=outcome,
        environment=environment,
        project=project,
        since=since,
        until=until,
    )


@operations.get("/audit", permission="audit.view")
async def list_audit_entries(
    ask: Ask,
    page: Paging,
    actor: _Short = "",
    action: Annotated[
        str, Query(max_length=200, description="`key.revoke`, or `key.` for all about keys.")
    ] = "",
    target: Annotated[str, Query(max_length=500)] = "",
    outcome: _Short = "",
    environment: _Short = "",
    project: _Short = "",
    since: _Time = None,
    until: _Time = None,
) -> Page[AuditEntry]:
    """What happened, newest first. ``actor`` is an id or a name."""
    wanted = _wanted(actor, action, target, outcome, environment, project, since, until)
    before = None if page.after is None else int(page.after[0])
    found = await audit.records(ask.store, wanted, before=before, limit=page.limit + 1)
    shown = found[: page.limit]
    return page.made([_shown(each) for each in shown], shown[-1].seq if len(found) > page.limit else None)


@operations.get("/audit/head", permission="audit.view", action="audit.head")
async def show_audit_head(ask: Ask) -> AuditHead:
    """Where the trail ends now."""
    return AuditHead(head=str(await audit.head(ask.store)))


@operations.get("/audit/verification", permission="audit.view", action="audit.verify")
async def verify_audit(
    ask: Ask,
    head: Annotated[str | None, Query(max_length=100, description="SEQ:HASH, as kept from earlier.")] = None,
) -> AuditVerdict:
    """Whether anything in the trail was changed, removed, exchanged or added behind the server's back."""
    verdict = await audit.verify(ask.store, head=None if head is None else _head(head))
    problem = verdict.problem
    return AuditVerdict(
        intact=verdict.intact,
        links=verdict.links,
        head=str(verdict.head),
        since=verdict.since,
        compared=verdict.compared,
        problem=None if problem is None else problem.code,
        problem_seq=None if problem is None else problem.seq,
        problem_text="" if problem is None else problem.text,
    )


@operations.get("/audit/export", permission="audit.view", produces="application/jsonl", action="audit.export")
async def export_audit(
    ask: Ask,
    after: Annotated[int, Query(ge=0, le=2**62, description="Only links after this one.")] = 0,
    action: Annotated[
        str, Query(max_length=200, description="`key.revoke`, or `key.` for all about keys.")
    ] = "",
    since: _Time = None,
    until: _Time = None,
    limit: Annotated[int, Query(ge=1, le=1_000_000, description="Lines at most.")] = 100_000,
) -> StreamingResponse:
    """The trail as JSON lines, oldest first, as far as it goes at this moment."""
    wanted = _wanted(action=action, since=since, until=until)
    # Before anything is sent: whether the actor may, and where it ends now.
    last = (await audit.head(ask.store)).seq

    async def lines() -> AsyncIterator[bytes]:
        sent = 0
        async for record in audit.export(ask.store, wanted, after=after):
            if record.seq > last or sent == limit:
                return
            sent += 1
            yield json.dumps(audit.as_json(record), ensure_ascii=False).encode() + b"\n"

    return StreamingResponse(lines(), media_type="application/jsonl")


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise InvalidError(
            "head", f"The head cannot be read: {error}", "Give what `wardgate audit head` said"
        ) from None


def _shown(record: AuditRecord) -> AuditEntry:
    return AuditEntry.model_validate(audit.as_json(record))
