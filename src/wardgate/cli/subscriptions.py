"""``wardgate subscriptions``: what applications may call, under which limits, and until when."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.controlling import (
    Cidrs,
    Expires,
    LimitTexts,
    Roles,
    Scopes,
    control_fields,
    limit_text,
    limits_in,
    moment,
)
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_age

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="subscriptions", help="See and control what applications may call.")

_Id = Annotated[
    str, Parameter(help="The subscription's id, as `wardgate subscriptions list` shows it: sub_01...")
]
_NONE = Parameter(negative=(), help="Remove what was set: limits, networks, scopes and roles.")


@app.command(name="list")
def list_(
    *,
    application: Annotated[str | None, Parameter(help="Only this application's, by name or id.")] = None,
    api: Annotated[str | None, Parameter(help="Only to this API: orders/v1.")] = None,
    environment: Annotated[str | None, Parameter(help="Only in this environment.")] = None,
    status: Annotated[
        Literal["active", "pending", "suspended", "rejected"] | None, Parameter(help="Only these.")
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List subscriptions, oldest first."""
    with client_for(where) as client:
        found = list(
            client.list_subscriptions(
                application=application, api=api, environment=environment, status=status, limit=MOST
            )
        )
    if json_:
        print_json({"subscriptions": found})
    elif found:
        now = time.time()
        rows = [
            (
                each["id"],
                each["status"],
                each["application"],
                each["api"],
                each["plan"] or "-",
                each["environment"],
                "yes" if any(each["controls"].values()) else "-",
                shown_age(each["expires_at"], now),
            )
            for each in found
        ]
        print_table(
            ("ID", "STATUS", "APPLICATION", "API", "PLAN", "ENVIRONMENT", "CONTROLLED", "EXPIRES"), rows
        )
    else:
        print("no subscriptions; ask for one with: wardgate access request APPLICATION API", file=sys.stderr)


@app.command
def show(subscription_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one subscription, and which limits hold for it: where each was set, and what it stands before."""
    with client_for(where) as client:
        found = client.show_subscription(subscription_id)
        limits = client.show_subscription_limits(subscription_id)
    if json_:
        print_json({"subscription": found, "limits": limits})
        return
    _print(found)
    for each in limits["limits"]:
        print(f"\n{limit_text(each['limit'])}  in force, set by the {each['origin']}")
        for shadow in each["shadows"]:
            print(f"  {limit_text(shadow['limit'])}  set by the {shadow['origin']}")


@app.command(name="set")
def set_(
    subscription_id: _Id,
    /,
    *,
    plan: Annotated[str | None, Parameter(help="Another plan of the API.")] = None,
    limit: LimitTexts = None,
    cidr: Cidrs = None,
    scope: Scopes = None,
    role: Roles = None,
    uncontrolled: Annotated[bool, _NONE] = False,
    expires: Expires = None,
    status: Annotated[Literal["active", "suspended"] | None, Parameter(help="Refuse it, or take it.")] = None,
    reason: Annotated[str, Parameter(help="Why; kept in the audit trail.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Change a subscription. What is not given stays; it is enforced at once."""
    with client_for(where) as client:
        present = client.show_subscription(subscription_id)
        controls: Any = dict(present["controls"])
        if uncontrolled:
            controls = {"limits": [], "cidrs": [], "scopes": [], "roles": []}
        for name, given in (("cidrs", cidr), ("scopes", scope), ("roles", role)):
            if given is not None:
                controls[name] = given
        if limit is not None:
            controls["limits"] = limits_in(limit)
        values: dict[str, Any] = {"reason": reason}
        if controls != present["controls"]:
            values["controls"] = controls
        if plan is not None:
            values["plan"] = plan
        if status is not None:
            values["status"] = status
        if expires is not None:
            values["expires_at"] = moment(expires)
        found = client.set_subscription(subscription_id, if_match=present, **values)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: models.Subscription) -> None:
    print_fields(
        [
            ("id", found["id"]),
            ("status", found["status"]),
            ("application", found["application"]),
            ("api", found["api"]),
            ("plan", found["plan"] or "-"),
            ("environment", found["environment"]),
            ("project", found["project"]),
            *control_fields(found["controls"], found["expires_at"]),
        ]
    )
