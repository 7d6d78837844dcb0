"""``wardgate webhooks``: who is told of what over HTTP."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import SECONDS, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_age, shown_time
from wardgate.domain.webhook import WebhookEvent

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="webhooks", help="Tell other programs of what happens, signed as Standard Webhooks says.")

_Id = Annotated[str, Parameter(help="The webhook's id, as `wardgate webhooks list` shows it: wh_01...")]
_Url = Annotated[str, Parameter(help="Where messages are sent, such as https://example.com/hooks.")]
_Events = Annotated[
    list[WebhookEvent] | None,
    Parameter(name="--event", negative=(), help="What it is told of, by default all; may be given again."),
]
_Environments = Annotated[
    list[str] | None,
    Parameter(
        name="--of", negative=(), help="Environment it is told of, by default all; may be given again."
    ),
]
_DAY = 86400.0


@app.command
def add(
    url: _Url,
    /,
    *,
    description: Annotated[str, Parameter(help="What it is for.")] = "",
    event: _Events = None,
    of: _Environments = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add a webhook. The secret its messages are signed with is written to standard output, this once."""
    with client_for(where) as client:
        made = client.add_webhook(url=url, description=description, events=event or [], environments=of or [])
    _show_secret(made, json_=json_)


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List webhooks, oldest first."""
    with client_for(where) as client:
        found = list(client.list_webhooks(limit=MOST))
    if json_:
        print_json({"webhooks": found})
    elif found:
        now = time.time()
        rows = [
            (
                each["id"],
                each["status"],
                each["url"],
                ", ".join(each["events"]) or "all",
                ", ".join(each["environments"]) or "all",
                shown_age(each["failing_since"], now),
            )
            for each in found
        ]
        print_table(("ID", "STATUS", "URL", "EVENTS", "ENVIRONMENTS", "FAILING"), rows)
    else:
        print("no webhooks; add one with: wardgate webhooks add URL", file=sys.stderr)


@app.command
def show(webhook_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one webhook and its newest deliveries."""
    with client_for(where) as client:
        found = client.show_webhook(webhook_id)
    if json_:
        print_json(found)
        return
    _print(found)
    if found["deliveries"]:
        print()
        now = time.time()
        rows = [
            (
                each["id"],
                each["event"],
                each["status"],
                str(each["attempts"]),
                shown_age(each["created_at"], now),
                each["last_error"] or "-",
            )
            for each in found["deliveries"]
        ]
        print_table(("DELIVERY", "EVENT", "STATUS", "TRIES", "MADE", "ERROR"), rows)


@app.command(name="set")
def set_(
    webhook_id: _Id,
    /,
    *,
    url: Annotated[str | None, Parameter(help="Where messages are sent.")] = None,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    event: _Events = None,
    of: _Environments = None,
    status: Annotated[
        Literal["active", "paused"] | None, Parameter(help="Tell it nothing, or tell it again.")
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Change a webhook. What is not given stays."""
    given = {
        "url": url,
        "description": description,
        "events": event,
        "environments": of,
        "status": status,
    }
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with client_for(where) as client:
        found = client.set_webhook(webhook_id, if_match=client.show_webhook(webhook_id), **values)
    if json_:
        print_json(found)
    else:
        _print(found)


@app.command(name="rotate-secret")
def rotate_secret(
    webhook_id: _Id,
    /,
    *,
    overlap: Annotated[
        float, SECONDS, Parameter(help="How long messages are signed with the old one as well, such as 24h.")
    ] = _DAY,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Replace the secret by a new one, written to standard output this once."""
    with client_for(where) as client:
        made = client.rotate_webhook_secret(
            webhook_id, if_match=client.show_webhook(webhook_id), overlap=overlap
        )
    _show_secret(made, json_=json_)


@app.command
def test(webhook_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Send a webhook.test; `wardgate webhooks show` tells how that went."""
    with client_for(where) as client:
        found = client.test_webhook(webhook_id, if_match=client.show_webhook(webhook_id))
    _delivery(found, json_=json_)


@app.command
def redeliver(
    delivery_id: Annotated[str, Parameter(help="The delivery's id, as `wardgate webhooks show` shows it.")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Send a message again."""
    with client_for(where) as client:
        found = client.redeliver_webhook(delivery_id)
    _delivery(found, json_=json_)


@app.command
def remove(webhook_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Remove a webhook, and what waited for it."""
    with client_for(where) as client:
        client.remove_webhook(webhook_id, if_match=client.show_webhook(webhook_id))
    if json_:
        print_json({"removed": webhook_id})
    else:
        print(f"{webhook_id} is removed")


def _show_secret(made: models.WebhookSecret, *, json_: bool) -> None:
    if json_:
        print_json(made)
        return
    print(made["secret"])
    print(f"{made['webhook']['id']}: keep the secret now, it is not shown again", file=sys.stderr)


def _delivery(found: models.WebhookDelivery, *, json_: bool) -> None:
    if json_:
        print_json(found)
    else:
        print(f"{found['id']} is {found['status']}")


def _print(found: models.Webhook) -> None:
    print_fields(
        [
            ("id", found["id"]),
            ("status", found["status"]),
            ("url", found["url"]),
            ("description", found["description"] or "-"),
            ("events", ", ".join(found["events"]) or "all"),
            ("environments", ", ".join(found["environments"]) or "all"),
            ("made", shown_time(found["created_at"])),
            ("failing", shown_time(found["failing_since"])),
            ("error", found["last_error"] or "-"),
        ]
    )
