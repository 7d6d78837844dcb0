"""``controls``, ``expires`` and ``status`` of a subscription: what was set for it beside its plan."""

from __future__ import annotations

from datetime import UTC, datetime

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import NAME, SCOPE, SCOPE_WORDS
from wardgate.control.document.plans import read_limits
from wardgate.control.errors import InvalidError
from wardgate.control.restrict import network
from wardgate.domain.consumer import Controls
from wardgate.domain.document import NEVER
from wardgate.openapi.tree import Scalar

_DATE_WORDS = "a date such as 2027-01-31, a time such as 2027-01-31T12:00:00Z, or never"


def read_controls(fields: Fields) -> Controls | None:
    """What stands under ``controls``; ``None`` where nothing does. All of it together replaces what was set before."""
    inner = fields.child("controls", ("limits", "cidrs", "scopes", "roles"))
    if inner is None:
        return None
    return Controls(
        limits=read_limits(inner),
        cidrs=_networks(inner),
        scopes=inner.texts("scopes", SCOPE, SCOPE_WORDS),
        roles=inner.texts("roles", NAME, "the name of a role"),
    )


def read_expiry(fields: Fields) -> float | None:
    """The Unix seconds of ``expires``; ``NEVER`` for ``never``, and ``None`` where it is not there."""
    text = fields.text("expires", None)
    if text is None:
        return None
    if text == "never":
        return NEVER
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        fields.problem("expires", f"{text!r} is no point in time", f"Write {_DATE_WORDS}")
        return None


def expiry_text(at: float) -> str:
    """What :func:`read_expiry` reads as ``at``, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _networks(fields: Fields) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node, path in fields.items("cidrs"):
        value = node.value if isinstance(node, Scalar) else None
        try:
            found[network(value if isinstance(value, str) else "")] = None
        except InvalidError as error:
            fields.report.add(node.line, path, error.message, error.remedy)
    return tuple(found)
