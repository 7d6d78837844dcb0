"""``wardgate explain``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from wardgate.cli.environments import existing_environment
from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.keys import read_key
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_json, print_table, printable

if TYPE_CHECKING:
    from wardgate.gateway.explain import Explanation, Question

_LONGEST_TOKEN = 16 * 1024 + 2


def explain(
    *,
    method: Annotated[str, Parameter(help="The request's method.")] = "GET",
    path: Annotated[str, Parameter(help="Its path, with a query if it has one: /orders/v1/items/7.")],
    key: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="The API key it carries, or - to read it from standard input (better: arguments show in process lists).",
        ),
    ] = None,
    token: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="The OAuth 2.0 access token it carries, or - to read it from standard input, after the key if that is "
            "read there too (better: arguments show in process lists).",
        ),
    ] = None,
    issuer: Annotated[
        str, Parameter(help="The issuer `wardgate serve` was started with; a token of its own names it.")
    ] = "",
    host: Annotated[str, Parameter(help="Its Host.")] = "localhost",
    header: Annotated[
        list[str] | None, Parameter(negative=(), help="A header, as 'Name: value'; may be given again.")
    ] = None,
    address: Annotated[str, Parameter(help="The client's address.")] = "127.0.0.1",
    plain: Annotated[bool, Parameter(negative=(), help="It comes over plain HTTP instead of TLS.")] = False,
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Show step by step what the gateway would do with a request, and why, without sending or counting it.

    The status is 0 if it would be forwarded, else 1.
    """
    from wardgate.domain.secret import Secret
    from wardgate.gateway.explain import Question  # heavy

    question = Question(
        method=method,
        target=path,
        host=host,
        headers=_headers(header or ()),
        key=None if key is None else Secret(read_key(key)),
        token=None if token is None else Secret(_read_token(token)),
        issuer=issuer,
        client=_address(address),
        tls=not plain,
    )
    found = _ask(data_dir, environment, question)
    if json_:
        print_json(asdict(found))
    else:
        _print(found)
    return DONE if found.verdict == "forwarded" else REFUSED


def _ask(data_dir: Path, environment: str, question: Question) -> Explanation:
    from wardgate.gateway.explain import explain as answer
    from wardgate.gateway.ports import StoreUnavailableError
    from wardgate.storage.layout import database_path
    from wardgate.storage.masterkey import load_master_key
    from wardgate.storage.reader import SqliteSource

    database = database_path(data_dir)
    if not database.exists():
        raise CommandError("store_not_found", f"There is no store in {data_dir}", "Name it with --data-dir")
    existing_environment(data_dir, environment)
    source = SqliteSource(database, environment, load_master_key(data_dir))
    try:
        return asyncio.run(answer(source, environment, question))
    except StoreUnavailableError as error:
        raise CommandError(
            "store_unavailable", str(error), "Start `wardgate serve` once: it makes the store"
        ) from error
    finally:
        source.close()


def _read_token(option: str) -> str:
    """The token given to ``--token``: its value, or the next line of standard input for ``-``."""
    if option != "-":
        return option
    line = sys.stdin.readline(_LONGEST_TOKEN).strip()
    if not line:
        raise CommandError(
            "token_missing",
            "Standard input holds no token",
            "Write the token to it, as in: ... --token - < file",
        )
    return line


def _headers(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    headers = []
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise CommandError(
                "header_invalid", f"--header {text!r} is no header", "Write it as 'Name: value'"
            )
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def _address(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise CommandError(
            "address_invalid", f"--address {text!r} is no IP address", "Write one such as 192.0.2.7"
        ) from error


def _print(found: Explanation) -> None:
    print_table(
        ("PHASE", "STEP", "OUTCOME", "WHY"),
        [(step.phase, step.step, step.outcome, step.why) for step in found.steps],
    )
    print()
    if found.verdict == "forwarded":
        print(printable(f"forwarded to {found.upstream}"))
    elif found.status:
        print(printable(f"refused with {found.status}: {found.reason}"))
    else:
        print(printable(f"answered by the gateway: {found.reason}"))
