"""``wardgate access``: ask for access, and grant or refuse it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.controlling import (
    Cidrs,
    Expires,
    LimitTexts,
    Roles,
    Scopes,
    control_fields,
    limits_in,
    moment,
)
from wardgate.cli.options import ENVIRONMENT, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_age, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="access", help="Ask for access, and grant or refuse it.")

_Id = Annotated[str, Parameter(help="The request's id, as `wardgate access list` shows it: acr_01...")]
_Reason = Annotated[str, Parameter(help="Why; who asked is told.")]


@app.command
def request(
    application: Annotated[str, Parameter(help="The application's name or id.")],
    api: Annotated[str, Parameter(help="The API: orders/v1.")],
    /,
    *,
    plan: Annotated[str | None, Parameter(help="The plan, if the API offers any.")] = None,
    message: Annotated[str, Parameter(help="What it is for, for who decides.")] = "",
    environment: Environment = ENVIRONMENT,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Ask for a subscription. It waits for an approval, unless its plan needs none."""
    with client_for(where) as client:
        found = client.add_access_request(
            application=application, environment=environment, api=api, plan=plan, message=message
        )
    _told(found, json_=json_)


@app.command(name="list")
def list_(
    *,
    status: Annotated[
        Literal["pending", "approved", "rejected", "withdrawn"] | None, Parameter(help="Only these.")
    ] = None,
    application: Annotated[str | None, Parameter(help="Only this application's, by name or id.")] = None,
    api: Annotated[str | None, Parameter(help="Only for this API: orders/v1.")] = None,
    environment: Annotated[str | None, Parameter(help="Only in this environment.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List requests, oldest first."""
    with client_for(where) as client:
        found = list(
            client.list_access_requests(
                status=status, application=application, api=api, environment=environment, limit=MOST
            )
        )
    if json_:
        print_json({"access_requests": found})
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
                shown_age(each["requested_at"], now),
                each["requested_by"],
            )
            for each in found
        ]
        print_table(("ID", "STATUS", "APPLICATION", "API", "PLAN", "ENVIRONMENT", "ASKED", "BY"), rows)
    else:
        print("no requests for access", file=sys.stderr)


@app.command
def show(request_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one request."""
    with client_for(where) as client:
        found = client.show_access_request(request_id)
    if json_:
        print_json(found)
        return
    print_fields(
        [
            ("id", found["id"]),
            ("status", found["status"]),
            ("subscription", found["subscription"]),
            ("application", found["application"]),
            ("api", found["api"]),
            ("plan", found["plan"] or "-"),
            ("environment", found["environment"]),
            ("project", found["project"]),
            ("asked", f"{shown_time(found['requested_at'])} by {found['requested_by']}"),
            ("message", found["message"] or "-"),
            ("decided", f"{shown_time(found['decided_at'])} {found['decided_by']}".strip()),
            ("reason", found["reason"] or "-"),
            *control_fields(found["controls"], found["expires_at"]),
        ]
    )


@app.command
def approve(
    request_id: _Id,
    /,
    *,
    plan: Annotated[str | None, Parameter(help="Another plan than was asked for.")] = None,
    limit: LimitTexts = None,
    cidr: Cidrs = None,
    scope: Scopes = None,
    role: Roles = None,
    expires: Expires = None,
    reason: _Reason = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Grant a request, and set what holds for it in the same step."""
    with client_for(where) as client:
        found = client.approve_access_request(
            request_id,
            if_match=client.show_access_request(request_id),
            plan=plan,
            controls={
                "limits": limits_in(limit),
                "cidrs": cidr or [],
                "scopes": scope or [],
                "roles": role or [],
            },
            expires_at=moment(expires),
            reason=reason,
        )
    _told(found, json_=json_)


@app.command
def reject(request_id: _Id, /, *, reason: _Reason, where: Where = HERE, json_: Json = False) -> None:
    """Refuse a request. The application may ask again."""
    with client_for(where) as client:
        found = client.reject_access_request(
            request_id, if_match=client.show_access_request(request_id), reason=reason
        )
    _told(found, json_=json_)


@app.command
def withdraw(request_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Take a request back."""
    with client_for(where) as client:
        found = client.withdraw_access_request(request_id, if_match=client.show_access_request(request_id))
    _told(found, json_=json_)


def _told(found: models.AccessRequest, *, json_: bool) -> None:
    if json_:
        print_json(found)
    else:
        print(f"{found['id']} is {found['status']}: {found['application']} to {found['api']}")
