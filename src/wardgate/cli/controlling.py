"""Options for what is set beside a plan: limits as people write them, networks, scopes, roles, expiry."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

from cyclopts import Parameter

from wardgate.cli.errors import CommandError
from wardgate.cli.output import shown_time
from wardgate.cli.values import parse_duration
from wardgate.domain.limit import LimitKind, Period

if TYPE_CHECKING:
    from wardgate.client import models

_LIMIT = re.compile(
    rf"(?P<kind>{'|'.join(get_args(LimitKind))}) (?P<amount>[0-9]{{1,15}})(?:/(?P<per>{'|'.join(get_args(Period))}))?"
    r"(?P<rest>(?: [a-z_]+=\S+)*)"
)
#: Names after a limit, as they are in the API.
_NUMBERS = {"burst": int, "queue": float}
_TEXTS = {"timezone": "timezone", "when_away": "when_away"}
#: The value of ``--expires never``.
NEVER = math.inf

LimitTexts = Annotated[
    list[str] | None,
    Parameter(
        negative=(),
        help="Limit such as 'rate 100/minute burst=20', 'quota 1000/day timezone=Europe/Berlin' or 'concurrency 5'; "
        "may be given again.",
    ),
]
Cidrs = Annotated[
    list[str] | None, Parameter(negative=(), help="Network it may be used from; may be given again.")
]
Scopes = Annotated[
    list[str] | None, Parameter(negative=(), help="Scope that tokens may use here, and no other; again.")
]
Roles = Annotated[
    list[str] | None, Parameter(negative=(), help="Role the application holds here; may be given again.")
]


def _expiry(type_: Any, tokens: Sequence[Any]) -> float:
    text = str(tokens[0].value)
    if text == "never":
        return NEVER
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return time.time() + parse_duration(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset: write it like 2030-01-31T08:00:00+01:00, or 90d")
    return at.timestamp()


Expires = Annotated[
    float | None,
    Parameter(
        converter=_expiry, n_tokens=1, help="When it ends: 90d from now, 2030-01-31T08:00:00+01:00, or never."
    ),
]


def moment(expires: float | None) -> float | None:
    """The Unix seconds of an option; ``None`` for never, and where it was not given."""
    return None if expires == NEVER else expires


def limits_in(texts: Sequence[str] | None) -> list[models.LimitSettingsInput]:
    """Limits as the API takes them.

    Raises:
        CommandError: one is not written as it must be.
    """
    return [_limit(text) for text in texts or ()]


def _limit(text: str) -> models.LimitSettingsInput:
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise CommandError(
            "limit_invalid",
            f"{text!r} is no limit",
            "Write it like 'rate 100/minute burst=20', 'quota 1000/day' or 'concurrency 5'",
        )
    found: Any = {"kind": match["kind"], "amount": int(match["amount"])}
    if match["per"]:
        found["per"] = match["per"]
    for part in match["rest"].split():
        name, _, value = part.partition("=")
        try:
            found |= _part(name, value)
        except ValueError:
            raise CommandError(
                "limit_invalid",
                f"{part!r} says nothing of a limit",
                "After the amount: burst=N, queue=SECONDS, timezone=ZONE, when_away=allow, soften=N/PERIOD",
            ) from None
    limit: models.LimitSettingsInput = found
    return limit


def _part(name: str, value: str) -> dict[str, Any]:
    if name in _NUMBERS:
        return {name: _NUMBERS[name](value)}
    if name in _TEXTS:
        return {_TEXTS[name]: value}
    amount, _, per = value.partition("/")
    if name != "soften" or not per:
        raise ValueError(name)
    return {"on_exceeded": "soften", "soften": {"amount": int(amount), "per": per}}


def limit_text(limit: models.LimitSettings) -> str:
    """A limit as it is written for ``--limit``."""
    per = "" if limit["per"] is None else f"/{limit['per']}"
    text = f"{limit['kind']} {limit['amount']}{per}"
    for name in ("burst", "queue"):
        value = limit[name]
        if value is not None:
            text += f" {name}={value:g}"
    if limit["timezone"] != "UTC":
        text += f" timezone={limit['timezone']}"
    if limit["soften"] is not None:
        text += f" soften={limit['soften']['amount']}/{limit['soften']['per']}"
    return text if limit["when_away"] == "deny" else f"{text} when_away={limit['when_away']}"


def limits_text(limits: Sequence[models.LimitSettings]) -> str:
    """Limits in one line, or ``-``."""
    return "; ".join(limit_text(limit) for limit in limits) or "-"


def control_fields(controls: models.ControlSettings, expires_at: float | None) -> list[tuple[str, str]]:
    """Controls as lines for people."""
    return [
        ("limits", limits_text(controls["limits"])),
        ("networks", ", ".join(controls["cidrs"]) or "any"),
        ("scopes", ", ".join(controls["scopes"]) or "any"),
        ("roles", ", ".join(controls["roles"]) or "-"),
        ("expires", "never" if expires_at is None else shown_time(expires_at)),
    ]
