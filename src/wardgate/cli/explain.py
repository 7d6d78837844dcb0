"""``wardgate explain``: which step decides a request, and why."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_json, print_table

_LONGEST_KEY = 4096


def explain(
    *,
    path: Annotated[str, Parameter(help="Path and query as a client would send them.")],
    method: Annotated[str, Parameter(help="The request's method.")] = "GET",
    key: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="An API key, or - to read it from standard input (better: arguments show in process lists).",
        ),
    ] = None,
    host: Annotated[str, Parameter(help="The Host asked for.")] = "localhost",
    header: Annotated[
        list[str] | None, Parameter(negative=(), help="A header, `Name: value`; may be given again.")
    ] = None,
    address: Annotated[str, Parameter(help="The client's address.")] = "127.0.0.1",
    plain_http: Annotated[bool, Parameter(negative=(), help="As if the request came without TLS.")] = False,
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Show which step decides a request, and why. Nothing is forwarded, counted or spent."""
    from wardgate.domain.secret import Secret
    from wardgate.gateway.explain import Question
    from wardgate.gateway.explain import explain as ask
    from wardgate.storage.layout import database_path
    from wardgate.storage.masterkey import load_master_key
    from wardgate.storage.reader import SqliteSource

    if not database_path(data_dir).exists():
        raise CommandError("store_not_found", f"There is no store in {data_dir}", "Name it with --data-dir")
    source = SqliteSource(database_path(data_dir), environment, load_master_key(data_dir))
    if key == "-":
        key = sys.stdin.readline(_LONGEST_KEY).strip()
    question = Question(
        method=method.upper(),
        target=path,
        host=host,
        headers=tuple(_header(text) for text in header or []),
        key=Secret(key) if key is not None else None,
        client=address,
        tls=not plain_http,
    )
    found = asyncio.run(ask(source, environment, question))
    if json_:
        print_json(asdict(found))
        return DONE if found.verdict == "forwarded" else REFUSED
    rows = [(step.phase, step.step, step.outcome, step.why) for step in found.steps]
    print_table(("PHASE", "STEP", "OUTCOME", "WHY"), rows)
    if found.verdict == "forwarded":
        print(f"forwarded to {found.upstream}" if found.upstream else "answered by the gateway")
        return DONE
    print(f"refused: {found.status} {found.reason}")
    return REFUSED


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise CommandError("header_invalid", f"Header {text!r} has no colon", "Write it as 'Name: value'")
    return name.strip(), value.strip()
