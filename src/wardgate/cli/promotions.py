"""``wardgate promote``, ``promotions``, ``rollback``, ``withdraw``, ``diff`` and ``drift``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.differenceviews import WEAKER, print_count, print_differences, status_of
from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table, printable, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="promotions", help="List, show, approve, reject and cancel promotions.")

_Id = Annotated[
    str, Parameter(help="The promotion's id, as `wardgate promotions list` shows it: promo_01...")
]
_Api = Annotated[str, Parameter(help="The API: orders/v1, or a revision of it: orders/v1@3.")]
_Reason = Annotated[str, Parameter(help="Why; kept with it and in the audit trail.")]
_Status = Literal["pending", "scheduled", "done", "rejected", "cancelled", "failed"]


def _moment(type_: type, tokens: Sequence[Any]) -> float:
    text = str(tokens[0].value)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(f"{text!r} is no time with an offset: write it like 2030-01-31T08:00:00+01:00")
    return at.timestamp()


def promote(
    api: _Api,
    /,
    *,
    to: Annotated[str, Parameter(help="The environment it is to be in force in.")],
    reason: _Reason = "",
    at: Annotated[
        float | None,
        Parameter(
            converter=_moment, n_tokens=1, help="When, such as 2030-01-31T08:00:00+01:00; by default at once."
        ),
    ] = None,
    skip: Annotated[
        bool, Parameter(negative=(), help="Though it is not in force in the environment before.")
    ] = False,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Bring a revision to the next environment: by default what the one before has in force.

    The status is 0 if it is in force or scheduled, and 3 if it weakens something: then it waits for another person.
    """
    name, revision = _parts(api)
    with client_for(where) as client:
        found = client.request_promotion(
            api=name, environment=to, revision=revision, reason=reason, at=at, skip=skip
        )
    return _outcome(found, json_=json_)


def rollback(
    api: _Api,
    /,
    *,
    environment: Annotated[str, Parameter(name="--in", help="The environment.")],
    reason: _Reason,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Put a revision that was in force before back in force: by default the one before the present one.

    The status is 0 if it is in force, and 3 if it never was there and weakens something: then it waits for another person.
    """
    name, revision = _parts(api)
    with client_for(where) as client:
        found = client.rollback_api(api=name, environment=environment, revision=revision, reason=reason)
    return _outcome(found, json_=json_)


def withdraw(
    api: Annotated[str, Parameter(help="The API: orders/v1.")],
    /,
    *,
    environment: Annotated[str, Parameter(name="--from", help="The environment, other than the first.")],
    reason: _Reason,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Take an API out of an environment. Its revisions stay: `wardgate rollback` brings it back."""
    with client_for(where) as client:
        found = client.withdraw_api(api=api, environment=environment, reason=reason)
    return _outcome(found, json_=json_)


def diff(
    before: Annotated[str, Parameter(help="orders/v1@3, production, or orders/v1@production.")],
    after: Annotated[str, Parameter(help="What is compared with it, written likewise.")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Compare revisions and environments by what they mean. Lines with ! weaken security.

    The status is 0 if nothing differs, 2 if something does, and 3 if something is weaker in AFTER.
    """
    with client_for(where) as client:
        found = client.show_differences(before=before, after=after)
    if json_:
        print_json(found)
    else:
        print_differences(found["differences"])
        print_count(found["differences"])
    return status_of(found["differences"])


def drift(
    *,
    environment: Annotated[str | None, Parameter(help="Only this environment.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Check every deployment: signatures of revisions, what variables make of them, and which environment is behind.

    The status is 0 if all is as it should be, else 1. An environment that is behind is no drift.
    """
    with client_for(where) as client:
        found = list(client.list_drift(environment=environment, limit=MOST))
    if json_:
        print_json({"deployments": found})
    else:
        print_table(
            ("ENVIRONMENT", "API", "REVISION", "NEWEST", "STATE"),
            [
                (
                    each["environment"],
                    each["api"],
                    str(each["revision"]),
                    str(each["newest"]),
                    "; ".join(drift["sentence"] for drift in each["drifts"])
                    or (f"behind (revision {each['before']} is next)" if each["behind"] else "ok"),
                )
                for each in found
            ],
        )
    return REFUSED if any(each["drifts"] for each in found) else DONE


@app.command(name="list")
def list_(
    *,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    api: Annotated[str | None, Parameter(help="Only this API's: orders/v1.")] = None,
    status: Annotated[_Status | None, Parameter(help="Only those.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List promotions, rollbacks and withdrawals, newest first."""
    with client_for(where) as client:
        found = list(client.list_promotions(environment=environment, api=api, status=status, limit=MOST))
    if json_:
        print_json({"promotions": found})
    elif found:
        print_table(
            ("ID", "STATUS", "KIND", "WHAT", "ENVIRONMENT", "BY", "ASKED"),
            [
                (
                    each["id"],
                    each["status"],
                    each["kind"],
                    _what(each),
                    each["environment"],
                    each["requested_by"],
                    shown_time(each["requested_at"]),
                )
                for each in found
            ],
        )
    else:
        print("no promotions; ask for one with: wardgate promote API --to ENVIRONMENT", file=sys.stderr)


@app.command
def show(promotion_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one promotion; if it is open, with what it would change now."""
    with client_for(where) as client:
        found = client.show_promotion(promotion_id)
    if json_:
        print_json(found)
        return
    promotion = found["promotion"]
    fields = [
        ("id", promotion["id"]),
        ("kind", promotion["kind"]),
        ("status", promotion["status"]),
        ("what", _what(promotion)),
        ("environment", promotion["environment"]),
        ("asked by", f"{promotion['requested_by']}, {shown_time(promotion['requested_at'])}"),
        ("reason", promotion["reason"]),
        ("scheduled", shown_time(promotion["scheduled_at"])),
        ("done", shown_time(promotion["done_at"])),
    ]
    fields += [
        ("approved by" if each["approved"] else "rejected by", f"{each['by']}: {each['reason']}")
        for each in promotion["decisions"]
    ]
    fields += [
        (name, text)
        for name, text in (("failure", promotion["failure"]), ("obstacle", found["obstacle"]))
        if text
    ]
    print_fields(fields)
    print_differences(found["differences"] or promotion["weakenings"])
    if found["changed"]:
        print(f"what it weakens changed since it was asked for; this is {found['seen'] or 'nothing'}")


@app.command
def approve(
    promotion_id: _Id,
    /,
    *,
    reason: _Reason,
    seen: Annotated[
        str,
        Parameter(help="What `promotions show` says it weakens now, if that changed since it was asked for."),
    ] = "",
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Agree to what somebody else asked for. Refused if it weakens something else by now than you saw."""
    with client_for(where) as client:
        state = client.show_promotion(promotion_id)
        found = client.approve_promotion(promotion_id, reason=reason, seen=seen, if_match=state)
    return _outcome(found, json_=json_)


@app.command
def reject(promotion_id: _Id, /, *, reason: _Reason, where: Where = HERE, json_: Json = False) -> int:
    """Decide against a promotion."""
    with client_for(where) as client:
        state = client.show_promotion(promotion_id)
        found = client.reject_promotion(promotion_id, reason=reason, if_match=state)
    return _outcome(found, json_=json_)


@app.command
def cancel(promotion_id: _Id, /, *, reason: _Reason = "", where: Where = HERE, json_: Json = False) -> int:
    """Take back what is pending or scheduled."""
    with client_for(where) as client:
        state = client.show_promotion(promotion_id)
        found = client.cancel_promotion(promotion_id, reason=reason, if_match=state)
    return _outcome(found, json_=json_)


def _outcome(found: models.PromotionShown, *, json_: bool) -> int:
    promotion = found["promotion"]
    if json_:
        print_json(found)
    else:
        print_differences(found["differences"])
        print(
            printable(
                f"{promotion['id']}: {_what(promotion)}, {promotion['environment']}: {promotion['status']}"
            )
        )
        if promotion["status"] == "pending":
            text = f"it weakens security; another person approves it with: wardgate promotions approve {promotion['id']}"
            print(f"{text} --reason WHY", file=sys.stderr)
    return WEAKER if promotion["status"] == "pending" else DONE


def _what(promotion: models.PromotionSummary) -> str:
    if not promotion["api"]:
        return "settings"
    revision = promotion["revision"]
    return promotion["api"] if revision is None else f"{promotion['api']}@{revision}"


def _parts(api: str) -> tuple[str, int | None]:
    """``orders/v1@3`` as its name and number. Raises CommandError."""
    name, at, number = api.partition("@")
    if not at:
        return name, None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise CommandError(
            "revision_invalid", f"{number!r} is no number of a revision", "Write it like orders/v1@3"
        )
    return name, int(number)
