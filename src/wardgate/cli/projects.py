"""``wardgate projects``: APIs that are looked after together."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table

app = App(name="projects", help="List, show, set and remove projects, in which operators may hold roles.")

_Name = Annotated[str, Parameter(help="The project's name.")]


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List the projects whose APIs you may see."""
    with client_for(where) as client:
        found = list(client.list_projects(limit=MOST))
    if json_:
        print_json({"projects": found})
    else:
        print_table(("NAME", "DESCRIPTION"), [(each["name"], each["description"] or "-") for each in found])


@app.command
def show(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one project and the APIs in it."""
    with client_for(where) as client:
        found = client.show_project(name)
        apis = [each["api"] for each in client.list_apis(limit=MOST) if each["project"] == name]
    if json_:
        print_json({**found, "apis": apis})
    else:
        print_fields(
            [
                ("name", found["name"]),
                ("description", found["description"] or "-"),
                ("apis", ", ".join(apis) or "-"),
            ]
        )


@app.command(name="set")
def set_(
    name: _Name,
    /,
    *,
    description: Annotated[str, Parameter(help="What it is for.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add a project, or describe it anew."""
    with client_for(where) as client:
        there = any(each["name"] == name for each in client.list_projects(limit=MOST))
        found = client.set_project(
            name, description=description, if_match=client.show_project(name) if there else None
        )
    if json_:
        print_json(found)
    else:
        print(f"set {name}")


@app.command
def remove(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete a project without APIs, and the roles held in it."""
    with client_for(where) as client:
        client.remove_project(name, if_match=client.show_project(name))
    if json_:
        print_json({"removed": name})
    else:
        print(f"removed {name}")
