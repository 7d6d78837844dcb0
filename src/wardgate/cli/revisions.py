"""``wardgate revisions``: list, show and verify them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from wardgate.cli.apis import parts
from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

app = App(name="revisions", help="List, show and verify revisions of APIs.")

_Api = Annotated[str, Parameter(help="The API: orders/v1.")]


@app.command(name="list")
def list_(api: _Api, /, *, where: Where = HERE, json_: Json = False) -> None:
    """List the revisions of an API, newest first."""
    with client_for(where) as client:
        found = list(client.list_revisions(api=api, limit=MOST))
    if json_:
        print_json({"revisions": found})
        return
    rows = [
        (
            str(each["number"]),
            each["hash"][:12],
            shown_time(each["created_at"]),
            each["actor"],
            ", ".join(each["environments"]) or "-",
            each["note"] or "-",
        )
        for each in found
    ]
    print_table(("NUMBER", "HASH", "MADE", "BY", "IN FORCE", "NOTE"), rows)


@app.command(name="show")
def show(
    api: _Api,
    number: Annotated[int, Parameter(help="Its number.")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Show a revision; with --json whole, its OpenAPI document included."""
    with client_for(where) as client:
        found = client.show_revision(*parts(api), str(number))
    if json_:
        print_json(found)
        return
    names = ("api", "number", "hash", "actor", "note", "key", "signature")
    texts: dict[str, object] = {**found}
    print_fields([*((name, str(texts[name])) for name in names), ("made", shown_time(found["created_at"]))])


@app.command
def verify(
    api: Annotated[str, Parameter(help="The API: orders/v1; by default all you may see.")] = "",
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Check revisions against their hashes and signatures: status 1 when one is not what it was."""
    with client_for(where) as client:
        found = client.verify_revisions(api=api or None)
    if json_:
        print_json(found)
    for each in found["revisions"] if not json_ else ():
        if not (each["content"] and each["signature"]):
            what = "its content" if not each["content"] else "its signature"
            print(f"{each['api']} {each['number']}: {what} is not what it was")
    if not json_:
        print(
            f"{len(found['revisions'])} revisions, {'all' if found['sound'] else 'not all'} as they were signed"
        )
    return 0 if found["sound"] else 1
