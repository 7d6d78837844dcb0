"""``wardgate apply`` and ``wardgate export``."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from wardgate.cli.errors import CommandError
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_json, printable
from wardgate.cli.store import with_store
from wardgate.storage.layout import database_path

if TYPE_CHECKING:
    from wardgate.control.apply import ApplyResult
    from wardgate.domain.document import Document
    from wardgate.identity.ports import Transaction


def apply(
    *,
    file: Annotated[
        Path, Parameter(name=["--file", "-f"], help="The document: a YAML file, or a folder of them.")
    ],
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Show what would change and change nothing.")
    ] = False,
    prune: Annotated[bool, Parameter(negative=(), help="Remove what the document does not name.")] = False,
    note: Annotated[str, Parameter(help="Why, kept with each new revision.")] = "",
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Bring an environment to what a document says: all of it, or nothing when anything in it is wrong.

    A running gateway serves the new state within milliseconds, without a restart.
    """
    from wardgate.control.document import load  # heavy

    if not file.exists():
        raise CommandError("document_not_found", f"{file} does not exist", "Name the document with -f")
    document = load(file)
    result = _bring(document, data_dir, environment, note, prune=prune, dry_run=dry_run)
    if json_:
        print_json(
            {
                "environment": environment,
                "dry_run": dry_run,
                "changes": list(result.changes),
                "revisions": result.revisions,
            }
        )
        return
    for line in result.changes:
        print(printable(line))
    count = len(result.changes)
    what = f"{count} change{'s' if count != 1 else ''}" if count else "no change"
    print(f"{environment}: {what}{' to make (dry run)' if dry_run else ''}", file=sys.stderr)


def _bring(
    document: Document, data_dir: Path, environment: str, note: str, *, prune: bool, dry_run: bool
) -> ApplyResult:
    from wardgate.control.apply import ApplyResult, apply_document
    from wardgate.control.document import difference
    from wardgate.domain.document import Document
    from wardgate.identity.people.manage_roles import narrowing

    if dry_run and not database_path(data_dir).exists():
        return ApplyResult(changes=tuple(difference(Document(), document)), revisions={})
    return with_store(
        data_dir,
        lambda store: apply_document(
            store,
            document,
            environment,
            _user(),
            note,
            prune,
            dry_run=dry_run,
            around_roles=lambda tx, now: narrowing(cast("Transaction", tx), now),
        ),
        create=not dry_run,
    )


def export(
    *,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"], help="Folder to write wardgate.yaml and the OpenAPI documents to."
        ),
    ] = None,
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Write an environment's configuration as a document that `wardgate apply` takes.

    Without -o the settings go to standard output, without the OpenAPI documents they refer to.
    """
    from wardgate.control.document import dump
    from wardgate.control.document import export as files_of
    from wardgate.control.export import export_document

    document = with_store(data_dir, lambda store: export_document(store, environment))
    files = files_of(document)
    if output is not None:
        _write(output, files)
    if json_:
        print_json({"environment": environment, "files": files})
    elif output is None:
        sys.stdout.write(dump(document))
    else:
        print(f"wrote {len(files)} file{'s' if len(files) != 1 else ''} to {output}", file=sys.stderr)


def _write(folder: Path, files: dict[str, str]) -> None:
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
