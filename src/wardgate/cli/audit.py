"""``wardgate audit``: what happened at the control plane, and whether the trail of it is whole."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, Where, client_for
from wardgate.cli.errors import DONE, REFUSED
from wardgate.cli.options import SECONDS, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

if TYPE_CHECKING:
    from wardgate.client import Client

app = App(name="audit", help="List, verify and export the audit trail.")

_Action = Annotated[str, Parameter(help="key.revoke, or `key.` for all about keys.")]
_Since = Annotated[float | None, SECONDS, Parameter(help="How long ago it may be, such as 24h.")]
_HEAD = ("SEQ", "AT", "WHO", "ADDRESS", "ACTION", "TARGET", "ENVIRONMENT", "OUTCOME")
#: Records of one request of an export.
_AT_A_TIME = 10_000


@app.command(name="list")
def list_(
    *,
    actor: Annotated[str, Parameter(help="Who, by id or name.")] = "",
    action: _Action = "",
    target: Annotated[str, Parameter(help="What it happened to, such as a key's id or orders/v1.")] = "",
    environment: Annotated[str, Parameter(help="Where.")] = "",
    outcome: Annotated[str, Parameter(help="done, refused or failed.")] = "",
    since: _Since = None,
    limit: Annotated[int, Parameter(help="How many of the newest.")] = 50,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List what happened, the newest last."""
    wanted: dict[str, Any] = {"actor": actor, "action": action, "target": target}
    wanted |= {"environment": environment, "outcome": outcome}
    given = {name: value for name, value in wanted.items() if value}
    if since is not None:
        given["since"] = time.time() - since
    found: list[Any] = []
    with client_for(where) as client:
        for entry in client.list_audit_entries(limit=min(max(limit, 1), 200), **given):
            found.append(entry)
            if len(found) >= limit:
                break
    found.reverse()
    if json_:
        print_json({"entries": found})
    elif found:
        print_table(_HEAD, [_row(each) for each in found])
    else:
        print("nothing of that kind happened", file=sys.stderr)


@app.command
def show(
    seq: Annotated[int, Parameter(help="The number `wardgate audit list` shows.")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Show all that is kept of one entry."""
    with client_for(where) as client:
        lines = client.export_audit(after=seq - 1, limit=1).splitlines()
    entry = json.loads(lines[0]) if lines else None
    if entry is None or entry["seq"] != seq:
        print(f"there is no entry {seq}", file=sys.stderr)
        return REFUSED
    if json_:
        print_json(entry)
    else:
        fields = dict(zip((each.lower() for each in _HEAD), _row(entry), strict=True))
        fields |= {"project": entry["project"], "token": entry["token"], "note": entry["note"]}
        for name in ("before", "after"):
            fields[name] = json.dumps(entry[name], ensure_ascii=False) if entry[name] else ""
        fields["hash"] = entry["hash"]
        print_fields([(name, value or "-") for name, value in fields.items()])
    return DONE


@app.command
def verify(
    *,
    head: Annotated[
        str | None, Parameter(help="What `wardgate audit head` said earlier, kept somewhere else.")
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Find anything that was changed, removed, exchanged or added behind the server's back; the status is then 1."""
    with client_for(where) as client:
        verdict = client.verify_audit(head=head) if head is not None else client.verify_audit()
    if json_:
        print_json(verdict)
    elif verdict["intact"]:
        since = f" since {shown_time(verdict['since'])}" if verdict["since"] is not None else ""
        print(
            f"{verdict['links']} links{since}, all as they were written; the trail ends at {verdict['head']}"
        )
        if head is None:
            print(
                "compare with a head kept elsewhere: wardgate audit verify --head SEQ:HASH", file=sys.stderr
            )
        elif not verdict["compared"]:
            print("the head given is older than what is kept: it could not be compared", file=sys.stderr)
    else:
        print(f"link {verdict['problem_seq']}: {verdict['problem_text']} ({verdict['problem']})")
        print(f"{verdict['links']} links before it are as they were written")
    return DONE if verdict["intact"] else REFUSED


@app.command
def export(
    *,
    after: Annotated[int, Parameter(help="Only what came after this entry.")] = 0,
    action: _Action = "",
    since: _Since = None,
    where: Where = HERE,
) -> None:
    """Write the trail to standard output, oldest first, one JSON object a line."""
    given: dict[str, Any] = {"action": action} if action else {}
    if since is not None:
        given["since"] = time.time() - since
    with client_for(where) as client:
        while lines := _page(client, after, given):
            sys.stdout.write("\n".join(lines) + "\n")
            after = json.loads(lines[-1])["seq"]
            if len(lines) < _AT_A_TIME:
                break


@app.command
def head(*, where: Where = HERE, json_: Json = False) -> None:
    """Say where the trail ends. Kept elsewhere, it shows later that nothing was undone."""
    with client_for(where) as client:
        found = client.show_audit_head()
    if json_:
        print_json(found)
    else:
        print(found["head"])


def _page(client: Client, after: int, given: dict[str, Any]) -> list[str]:
    text: str = client.export_audit(after=after, limit=_AT_A_TIME, **given)
    return text.split("\n")[:-1]


def _row(entry: Any) -> tuple[str, ...]:
    actor = entry["actor"]
    who = actor["name"] if actor["kind"] in ("user", "local") else f"{actor['kind']} {actor['name']}"
    return (
        str(entry["seq"]),
        shown_time(entry["at"]),
        who,
        entry["address"] or "-",
        entry["action"],
        entry["target"] or "-",
        entry["environment"] or "-",
        entry["outcome"],
    )
