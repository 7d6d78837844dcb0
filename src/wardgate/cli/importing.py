"""``wardgate import``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wardgate.cli.errors import CommandError
from wardgate.cli.options import Json


def import_document(
    document: Annotated[Path, Parameter(help="The OpenAPI 3.x or Swagger 2.0 description, YAML or JSON.")],
    /,
    *,
    upstream: Annotated[str, Parameter(help="Where the API itself is, such as http://127.0.0.1:9000.")],
    name: Annotated[
        str | None, Parameter(help="The API's name; by default from the description's title.")
    ] = None,
    base_path: Annotated[
        str | None, Parameter(help="Where the gateway mounts it; by default /NAME/vN.")
    ] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="The file to write; by default standard output.")
    ] = None,
    json_: Json = False,
) -> None:
    """Make a Wardgate document from an OpenAPI description, taking its security over operation by operation.

    The description stays where it is: the document refers to it. Apply the result with `wardgate apply -f FILE`.
    """
    from wardgate.control.document.upstreams import target_problem  # heavy
    from wardgate.openapi import import_document as convert

    trouble = target_problem(upstream)
    if trouble is not None:
        raise CommandError(
            "import_invalid", f"the upstream cannot be used: {trouble}. Write http://host:port"
        )
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError("document_unreadable", f"{document} cannot be read ({reason})") from error
    folder = output.parent if output is not None else Path()
    try:
        made = convert(text, _reference(document, folder), upstream, name, base_path)
    except ValueError as error:
        raise CommandError("import_invalid", str(error)) from error
    if json_:
        _write(output, made)
        print(json.dumps({"file": str(output) if output is not None else None, "document": made}))
    elif output is None:
        sys.stdout.write(made)
    else:
        _write(output, made)
        print(f"wrote {output}; apply it with: wardgate apply -f {output}")


def _reference(document: Path, folder: Path) -> str:
    """How a settings file in ``folder`` names ``document``."""
    reference = os.path.relpath(document, folder)
    return reference if reference.startswith("..") else f"./{reference}"


def _write(output: Path | None, text: str) -> None:
    if output is None:
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError("output_unwritable", f"{output} cannot be written ({error.strerror})") from error
