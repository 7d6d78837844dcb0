"""``wardgate environments``: their order, settings, variables and secrets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.controlling import limits_text
from wardgate.cli.errors import CommandError
from wardgate.cli.options import SECONDS, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time
from wardgate.cli.overriding import AuditDays, PlanTexts, RollupDays, overridden, retained

if TYPE_CHECKING:
    from wardgate.client import Client, models

_SUMMARY = "List, add, order and remove environments; set their hosts, variables and secrets."
app = App(name="environments", help=_SUMMARY)
variable = App(name="variable", help="Set what `${NAME}` means in an environment.")
secret = App(name="secret", help="Set what `${secret:NAME}` means in an environment. Nobody reads it back.")
app.command(variable)
app.command(secret)

#: A secret has at most so many bytes.
_LONGEST = 16 * 1024

_Environment = Annotated[str, Parameter(help="The environment.")]
_Name = Annotated[str, Parameter(help="The name: letters, digits and _.")]
_Note = Annotated[str, Parameter(help="Why; kept in the audit trail.")]


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List environments in the order of promotion."""
    with client_for(where) as client:
        _print_all(list(client.list_environments(limit=MOST)), json_=json_)


@app.command
def show(name: _Environment, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show what belongs to an environment. Secrets are named, never shown."""
    with client_for(where) as client:
        found = client.show_environment(name)
        secrets = [each["name"] for each in client.list_environment_secrets(name, limit=MOST)]
    if json_:
        print_json({**found, "secrets": secrets})
        return
    variables = [f"{key}={value}" for key, value in found["variables"].items()]
    plans = [f"{plan}: {limits_text(limits)}" for plan, limits in found["plans"].items()]
    print_fields(
        list(
            {
                "name": found["name"],
                "tag": found["tag"],
                "production": "yes" if found["production"] else "no",
                "hosts": ", ".join(found["hosts"]) or "every host",
                "variables": ", ".join(variables) or "none",
                "secrets": ", ".join(secrets) or "none",
                "plans with other limits": ", ".join(plans) or "none",
                "retention": f"{found['retention']['rollups']} days of figures, {found['retention']['audit']} of the trail",
                "token endpoint": found["token_endpoint"] or "built in",
                "leaked keys": found["leaks"],
            }.items()
        )
    )


@app.command
def add(
    name: _Environment,
    /,
    *,
    tag: Annotated[str, Parameter(help="Stands in its keys for ever; by default the name.")] = "",
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add an environment with nothing in it, the last in the order."""
    with client_for(where) as client:
        found = client.add_environment(name=name, tag=tag, note=note)
    print_json(found) if json_ else print(f"added {name}")


@app.command
def order(
    *names: Annotated[str, Parameter(help="Every environment, first to last.")],
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Put the environments in another order. What is applied goes to the first."""
    with client_for(where) as client:
        found = client.order_environments(names=list(names), note=note)
    _print_all(found["environments"], json_=json_)


@app.command
def production(name: _Environment, /, *, note: _Note = "", where: Where = HERE, json_: Json = False) -> None:
    """Make this the environment for production."""
    with client_for(where) as client:
        found = client.mark_production_environment(name, if_match=client.show_environment(name), note=note)
    print_json(found) if json_ else print(f"{name} is for production")


@app.command(name="set")
def set_(
    name: _Environment,
    /,
    *,
    host: Annotated[
        list[str] | None,
        Parameter(help="A host of its gateways; given again for each. `none` for every host."),
    ] = None,
    token_endpoint: Annotated[
        str | None, Parameter(help="Who answers token requests there; `off` for Wardgate.")
    ] = None,
    plan: PlanTexts = None,
    retain_rollups: RollupDays = None,
    retain_audit: AuditDays = None,
    leaks: Annotated[
        str | None, Parameter(help="What is done about a leaked key: notify, rotate or revoke.")
    ] = None,
    leak_overlap: Annotated[
        float | None, SECONDS, Parameter(help="Time that a leaked key stays good beside the one rotated to.")
    ] = None,
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Change settings. What weakens something waits for a second person, but in the first environment: status 3."""
    if leaks not in (None, "notify", "rotate", "revoke"):
        raise CommandError("leaks_invalid", f"{leaks!r} is no such policy", "Use notify, rotate or revoke")
    with client_for(where) as client:
        present = client.show_environment(name)
        found = client.set_environment(
            name,
            if_match=present,
            hosts=None if host is None else [] if host == ["none"] else host,
            plans=overridden(present["plans"], plan),
            retention=retained(present["retention"], retain_rollups, retain_audit),
            token_endpoint="" if token_endpoint == "off" else token_endpoint,
            leaks=leaks,  # type: ignore[arg-type]
            leak_overlap=None if leak_overlap is None else int(leak_overlap),
            note=note,
        )
    return _outcome(found["waiting"], f"set {name}", found, json_=json_)


@app.command
def remove(name: _Environment, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete an environment that is empty, with its settings, secrets and plans."""
    with client_for(where) as client:
        client.remove_environment(name, if_match=client.show_environment(name))
    print_json({"removed": name}) if json_ else print(f"removed {name}")


@variable.command(name="set")
def set_variable(
    environment: _Environment,
    name: _Name,
    value: Annotated[str, Parameter(help="What it stands for.", allow_leading_hyphen=True)],
    /,
    *,
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Set a variable; what is deployed is bound anew at once. What weakens something waits for a second person: status 3."""
    with client_for(where) as client:
        known = name in client.show_environment(environment)["variables"]
        found = client.set_environment_variable(
            environment,
            name,
            if_match=client.show_environment_variable(environment, name) if known else None,
            value=value,
            note=note,
        )
    return _outcome(found["waiting"], f"set {name} in {environment}", found, json_=json_)


@variable.command(name="unset")
def unset_variable(
    environment: _Environment, name: _Name, /, *, where: Where = HERE, json_: Json = False
) -> None:
    """Delete a variable that nothing deployed names."""
    with client_for(where) as client:
        client.unset_environment_variable(
            environment, name, if_match=client.show_environment_variable(environment, name)
        )
    print_json({"removed": name}) if json_ else print(f"removed {name} from {environment}")


@secret.command(name="list")
def list_secrets(environment: _Environment, /, *, where: Where = HERE, json_: Json = False) -> None:
    """List the secrets of an environment, without their values."""
    with client_for(where) as client:
        found = list(client.list_environment_secrets(environment, limit=MOST))
    if json_:
        print_json({"secrets": found})
    else:
        rows = [(each["name"], shown_time(each["updated_at"]), each["by"]) for each in found]
        print_table(("NAME", "SET", "BY"), rows)


@secret.command(name="set")
def set_secret(
    environment: _Environment,
    name: _Name,
    /,
    *,
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Set a secret to the line on standard input; on a terminal it is asked for without being shown."""
    value = _value(name)
    with client_for(where) as client:
        found = client.set_environment_secret(
            environment, name, if_match=_known_secret(client, environment, name), value=value, note=note
        )
    print_json(found) if json_ else print(f"set {name} in {environment}")


@secret.command(name="remove")
def remove_secret(
    environment: _Environment, name: _Name, /, *, where: Where = HERE, json_: Json = False
) -> None:
    """Delete a secret that nothing deployed names."""
    with client_for(where) as client:
        client.remove_environment_secret(
            environment, name, if_match=client.show_environment_secret(environment, name)
        )
    print_json({"removed": name}) if json_ else print(f"removed {name} from {environment}")


def _known_secret(client: Client, environment: str, name: str) -> models.SecretShown | None:
    there = any(each["name"] == name for each in client.list_environment_secrets(environment, limit=MOST))
    return client.show_environment_secret(environment, name) if there else None


def _value(name: str) -> str:
    if sys.stdin.isatty():
        import getpass

        value = getpass.getpass(f"{name}: ")
    else:
        value = sys.stdin.readline(_LONGEST + 2).rstrip("\r\n")
    if not value:
        raise CommandError("secret_missing", f"There is no value for {name}", "Write it to standard input")
    return value


def _outcome(waiting: str, done: str, found: object, *, json_: bool) -> int:
    if json_:
        print_json(found)
    elif waiting:
        print(
            f"{waiting}: it weakens security; another person approves it with: "
            f"wardgate promotions approve {waiting} --reason WHY"
        )
    else:
        print(done)
    return 3 if waiting else 0


def _print_all(found: list[models.EnvironmentShown], *, json_: bool) -> None:
    if json_:
        print_json({"environments": found})
        return
    rows = [
        (
            each["name"],
            each["tag"],
            "yes" if each["production"] else "-",
            ", ".join(each["hosts"]) or "-",
            str(len(each["variables"])),
        )
        for each in found
    ]
    print_table(("NAME", "TAG", "PRODUCTION", "HOSTS", "VARIABLES"), rows)
