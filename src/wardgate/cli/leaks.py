"""``wardgate leaks``: credentials that were found in public."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import Json
from wardgate.cli.output import print_json, print_table, shown_time

app = App(name="leaks", help="List credentials that were found in public.")


@app.command(name="list")
def list_(
    *,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List credentials that were found in public, newest first: where, and what was done about it."""
    with client_for(where) as client:
        found = list(client.list_leaks(environment=environment, limit=MOST))
    if json_:
        print_json({"leaks": found})
    elif found:
        rows = [
            (
                shown_time(each["at"]),
                each["kind"],
                each["credential"],
                each["environment"] or "-",
                each["action"],
                each["source"],
                each["url"] or "-",
            )
            for each in found
        ]
        print_table(("FOUND", "KIND", "ID", "ENVIRONMENT", "DONE", "BY", "AT"), rows)
    else:
        print("nothing was found in public", file=sys.stderr)
