"""Documents: what `wardgate.yaml` says, planned, applied and given back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, cast

from fastapi import Query
from pydantic import Field, StringConstraints

from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.document import export
from wardgate.control.document.uploaded import MOST_FILES, load_uploaded
from wardgate.control.export import export_document
from wardgate.domain.audit import by
from wardgate.identity.declared_clients import DeclaredClients, client_problem
from wardgate.identity.federation.declared import DeclaredProviders, provider_problem
from wardgate.identity.people.manage_roles import narrowing
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.differences import DifferenceShown, shown
from wardgate.web.admin_api.models import Line, Model, Prose, Thing
from wardgate.web.admin_api.operations import Operations

operations = Operations("documents")

FileName = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Files = Annotated[
    dict[FileName, str],
    Field(
        max_length=MOST_FILES,
        description="Texts by the names of their files, with `/` between folders: settings, and the OpenAPI documents "
        "they refer to.",
    ),
]


class UploadedDocument(Model):
    """A document, and how it is to be applied."""

    files: Files
    document: FileName = Field(
        default=".", description="The file of settings, or the folder of them, among `files`."
    )
    environment: Line | None = Field(default=None, description="By default the server's own.")
    prune: bool = Field(default=False, description="Remove what the document does not name.")


class DocumentToApply(UploadedDocument):
    """A document, and why it is applied."""

    note: Prose = Field(default="", description="Why, kept with each new revision.")


class UnseenSecret(Model):
    """What was made with a secret that nobody was shown."""

    kind: Literal["webhook", "client"]
    id: str
    name: str = Field(description="What the document calls it.")
    command: str = Field(description="What makes it another secret, and shows that one, once.")


class DocumentResult(Model):
    """What is, or would be, changed: lines for people, the numbers of new revisions by API, the ids of promotions that wait
    for somebody's decision, and what was made with a secret that nobody was shown. A plan has by meaning what differs,
    besides."""

    environment: str
    changes: list[str]
    revisions: dict[str, int]
    waiting: list[str]
    differences: list[DifferenceShown]
    unseen: list[UnseenSecret]
    held: list[str] = Field(
        description="Ids of clients that wait, suspended, until another person restores them with a reason."
    )


class ExportedDocument(Thing):
    """The files of a document that makes an environment what it is."""

    environment: str
    files: dict[str, str]


@operations.get("/documents", permission="applications.view", refuses=(404,))
async def export_documents(
    ask: Ask,
    environment: Annotated[
        str | None, Query(max_length=100, description="By default the server's own.")
    ] = None,
) -> ExportedDocument:
    """An environment's configuration as files that can be applied."""
    place = environment or ask.environment
    return ExportedDocument(environment=place, files=export(await export_document(ask.store, place)))


@operations.post(
    "/documents:plan", permission="apis.view", status=200, together=False, action="document.plan"
)
async def plan_document(ask: Ask, body: UploadedDocument) -> DocumentResult:
    """Say what applying a document would change. Nothing is changed."""
    return await _brought(ask, body, "", dry_run=True)


@operations.post(
    "/documents:apply", permission="apis.edit", status=200, together=False, action="document.apply"
)
async def apply_documents(ask: Ask, body: DocumentToApply) -> DocumentResult:
    """Bring an environment to what a document says: all of it, or nothing when anything in it is wrong."""
    return await _brought(ask, body, body.note, dry_run=False)


async def _brought(ask: Ask, body: UploadedDocument, note: str, *, dry_run: bool) -> DocumentResult:
    place = body.environment or ask.environment
    document = await asyncio.to_thread(
        load_uploaded, body.files, body.document, client_problem, provider_problem
    )
    result: ApplyResult = await apply_document(
        ask.store,
        document,
        place,
        by(ask.actor),
        note,
        body.prune,
        dry_run=dry_run,
        around_roles=lambda tx, now: narrowing(cast("Any", tx), now),
        federation=DeclaredProviders(ask.server),
        registrar=DeclaredClients(ask.store),
        clock=ask.clock,
    )
    return DocumentResult(
        environment=place,
        changes=list(result.changes),
        revisions=dict(result.revisions),
        waiting=list(result.waiting),
        differences=shown(result.differences),
        unseen=[
            UnseenSecret(kind=each.kind, id=each.id, name=each.name, command=each.command)
            for each in result.unseen
        ],
        held=list(result.held),
    )
