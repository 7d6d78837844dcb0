"""``wardgate plan``, ``wardgate apply`` and ``wardgate export``."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from wardgate.cli.connect import HERE, Where, client_for
from wardgate.cli.differenceviews import CHANGED, WEAKER, print_differences, status_of
from wardgate.cli.errors import DONE, CommandError
from wardgate.cli.options import ENVIRONMENT, Environment, Json
from wardgate.cli.output import print_json, printable
from wardgate.cli.store import with_store
from wardgate.storage.layout import database_path

if TYPE_CHECKING:
    from wardgate.client import models
    from wardgate.domain.difference import Difference
    from wardgate.identity.ports import Store, Transaction


_File = Annotated[
    Path, Parameter(name=["--file", "-f"], help="The document: a YAML file, or a folder of them.")
]


def apply(
    *,
    file: _File,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Show what would change and change nothing.")
    ] = False,
    prune: Annotated[bool, Parameter(negative=(), help="Remove what the document does not name.")] = False,
    note: Annotated[str, Parameter(help="Why, kept with each new revision.")] = "",
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Bring an environment to what a document says: all of it, or nothing when anything in it is wrong.

    A running gateway serves the new state within milliseconds, without a restart. The status is 0 when it is in force, and
    3 when all is but settings of another environment, or clients, which wait for another person. What --dry-run shows,
    `wardgate plan` shows with a status that tells it.
    """
    result = _brought(file, where, environment, note, prune=prune, dry_run=dry_run, json_=json_)
    waits = result["waiting"] or result["held"]
    return WEAKER if waits and not dry_run else DONE


def plan(
    *,
    file: _File,
    prune: Annotated[
        bool, Parameter(negative=(), help="As if what the document does not name were removed.")
    ] = False,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Say what applying a document would change, and which of it weakens security (lines with !). Nothing is changed.

    The status is 0 if nothing would change, 2 if something would, 3 if something would be weaker, and 1 on an error.
    """
    result = _brought(file, where, environment, "", prune=prune, dry_run=True, json_=json_)
    found = result["differences"]
    return status_of(found) if found or not result["changes"] else CHANGED


def _brought(
    file: Path, where: Where, environment: str, note: str, *, prune: bool, dry_run: bool, json_: bool
) -> models.DocumentResult:
    """What came, or would come, of applying the document; it is printed."""
    if not file.exists():
        raise CommandError("document_not_found", f"{file} does not exist", "Name the document with -f")
    bring = _send if where.server else _bring
    result = bring(file, where, environment, note, prune=prune, dry_run=dry_run)
    if json_:
        print_json({"dry_run": dry_run, **result})
    else:
        _tell(result, environment, dry_run=dry_run)
    return result


def _tell(result: models.DocumentResult, environment: str, *, dry_run: bool) -> None:
    for line in result["changes"]:
        print(printable(line))
    weak = [each for each in result["differences"] if each["weakens"]]
    print_differences(weak)
    count = len(result["changes"])
    what = f"{count} change{'s' if count != 1 else ''}" if count else "no change"
    what += " to make (dry run)" if dry_run else ""
    print(f"{environment}: {what}{', weakening security' if weak else ''}", file=sys.stderr)
    for new in result["unseen"]:
        text = f"{new['kind']} {printable(new['name'])} has a secret that nobody was shown; for one that you know"
        print(f"{text}: {new['command']}", file=sys.stderr)
    for client in result["held"]:
        text = f"{client} weakens security, and waits for another person"
        print(f"{text}: wardgate clients restore {client} --reason WHY", file=sys.stderr)
    for promotion in result["waiting"]:
        text = "weakens what another environment serves, and waits for another person"
        print(f"{promotion} {text}: wardgate promotions show {promotion}", file=sys.stderr)


def _send(
    file: Path, where: Where, environment: str, note: str, *, prune: bool, dry_run: bool
) -> models.DocumentResult:
    """Has a server do it."""
    from wardgate.control.document.bundle import bundle

    files, document = bundle(file)
    with client_for(where) as client:
        if dry_run:
            return client.plan_document(files=files, document=document, environment=environment, prune=prune)
        return client.apply_documents(
            files=files, document=document, environment=environment, prune=prune, note=note
        )


def _shown(found: Sequence[Difference]) -> list[models.DifferenceShown]:
    return [
        {
            "kind": each.kind,
            "place": each.place,
            "before": None if each.before is None else json.dumps(each.before, ensure_ascii=False),
            "after": None if each.after is None else json.dumps(each.after, ensure_ascii=False),
            "weakens": each.weakens,
            "sentence": each.sentence,
        }
        for each in found
    ]


def _bring(
    file: Path, where: Where, environment: str, note: str, *, prune: bool, dry_run: bool
) -> models.DocumentResult:
    """Does it to this machine's store, where files that the document names are what they are for its gateways."""
    from wardgate.control.apply import apply_document
    from wardgate.control.document import load  # heavy
    from wardgate.domain.settings import ServerSettings
    from wardgate.identity.declared_clients import DeclaredClients, client_problem
    from wardgate.identity.federation.declared import DeclaredProviders, provider_problem
    from wardgate.identity.people.manage_roles import narrowing
    from wardgate.web.identity_server import build_server

    if dry_run and not database_path(where.data_dir).exists():
        # Nothing is made where there is no store yet: what a new one would become is seen in one that is thrown away.
        with TemporaryDirectory(prefix="wardgate-") as place:
            new = replace(where, data_dir=Path(place) / "data")
            with_store(new.data_dir, _nothing, create=True)
            return _bring(file, new, environment, note, prune=prune, dry_run=True)
    document = load(file, client_problem=client_problem, provider_problem=provider_problem)
    settings = ServerSettings(data_dir=str(where.data_dir), issuer="https://unnamed.invalid")
    result = with_store(
        where.data_dir,
        lambda store: apply_document(
            store,
            document,
            environment,
            _user(),
            note,
            prune,
            dry_run=dry_run,
            around_roles=lambda tx, now: narrowing(cast("Transaction", tx), now),
            federation=DeclaredProviders(build_server(settings, cast("Store", store))),
            registrar=DeclaredClients(cast("Store", store)),
        ),
        create=not dry_run,
    )
    return {
        "environment": environment,
        "changes": list(result.changes),
        "revisions": dict(result.revisions),
        "waiting": list(result.waiting),
        "differences": _shown(result.differences),
        "unseen": [
            {"kind": each.kind, "id": each.id, "name": each.name, "command": each.command}
            for each in result.unseen
        ],
        "held": list(result.held),
    }


async def _nothing(store: object) -> None:
    """A new store is all that is wanted."""


def export(
    *,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"], help="Folder to write wardgate.yaml and the OpenAPI documents to."
        ),
    ] = None,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Write an environment's configuration as a document that `wardgate apply` takes.

    Without -o the settings go to standard output, without the OpenAPI documents they refer to.
    """
    from wardgate.control.document import dump
    from wardgate.control.document import export as files_of
    from wardgate.control.document.dump import SETTINGS_NAME
    from wardgate.control.export import export_document

    if where.server:
        with client_for(where) as client:
            files = client.export_documents(environment=environment)["files"]
        settings = files[SETTINGS_NAME]
    else:
        document = with_store(where.data_dir, lambda store: export_document(store, environment))
        files, settings = files_of(document), dump(document)
    if output is not None:
        _write(output, files)
    if json_:
        print_json({"environment": environment, "files": files})
    elif output is None:
        sys.stdout.write(settings)
    else:
        print(f"wrote {len(files)} file{'s' if len(files) != 1 else ''} to {output}", file=sys.stderr)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Writes what was exported below ``folder``, whatever a server calls its files. Raises CommandError."""
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
            raise CommandError(
                "output_refused",
                f"The server names a file {printable(name)!r}, which is not below {folder}",
                "Nothing was written; look at what it says with --json",
            )
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            "output_unwritable",
            f"{error.filename or folder} cannot be written ({error.strerror})",
            "Name another folder with -o",
        ) from error


def _user() -> str:
    """Who runs this command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
