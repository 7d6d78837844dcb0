"""``wardgate apps``: list, suspend and restore applications."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.options import DATA_DIR, DataDir, Json
from wardgate.cli.output import print_json, print_table
from wardgate.cli.store import with_store
from wardgate.domain.consumer import Application

app = App(name="apps", help="List, suspend and restore applications.")

_Name = Annotated[str, Parameter(help="The application's name or id.")]


@app.command(name="list")
def list_(*, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """List applications with their subscriptions."""
    from wardgate.control import applications

    records = with_store(data_dir, applications.list_applications)
    if json_:
        shapes = [
            {
                **_json(record.application),
                "subscriptions": [
                    {"environment": environment, "api": each.api, "plan": each.plan}
                    for environment, each in record.subscriptions
                ],
            }
            for record in records
        ]
        print_json({"applications": shapes})
        return
    if not records:
        print("no applications; add them to wardgate.yaml and `wardgate apply` it", file=sys.stderr)
        return
    rows = [
        (
            record.application.id,
            record.application.name,
            record.application.owner or "-",
            record.application.status,
            ", ".join(
                f"{each.api} ({each.plan or 'no plan'}, {environment})"
                for environment, each in record.subscriptions
            )
            or "-",
        )
        for record in records
    ]
    print_table(("ID", "NAME", "OWNER", "STATUS", "SUBSCRIPTIONS"), rows)


@app.command
def suspend(name: _Name, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Refuse every request of an application until it is restored."""
    from wardgate.control import applications

    _changed(with_store(data_dir, lambda store: applications.suspend(store, name)), json_=json_)


@app.command
def restore(name: _Name, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Serve a suspended application again."""
    from wardgate.control import applications

    _changed(with_store(data_dir, lambda store: applications.restore(store, name)), json_=json_)


def _changed(application: Application, *, json_: bool) -> None:
    if json_:
        print_json(_json(application))
    else:
        print(f"{application.name} is {application.status}")


def _json(application: Application) -> dict[str, Any]:
    return {
        "id": application.id,
        "name": application.name,
        "owner": application.owner,
        "status": application.status,
    }
