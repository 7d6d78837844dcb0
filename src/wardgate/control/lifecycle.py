"""The life cycle of an API: which step may follow which, and what each allows."""

from __future__ import annotations

from wardgate.control.errors import ConflictError
from wardgate.control.ports_apis import ApiRecord
from wardgate.domain.standing import Lifecycle

#: To what an API may go without being forced to.
_STEPS: dict[Lifecycle, tuple[Lifecycle, ...]] = {
    "created": ("published",),
    "published": ("deprecated",),
    "deprecated": ("published", "retired"),
    "retired": (),
}


def check_step(api: str, old: Lifecycle, new: Lifecycle, *, force: bool = False) -> None:
    """Returns when an API may go from ``old`` to ``new``.

    Raises:
        ConflictError: it may not, or with ``force`` only.
    """
    if new == old or force or new in _STEPS[old]:
        return
    if new == "retired":
        remedy = "Deprecate it first, so that its consumers are told; or retire it with `--force`"
    elif new == "created":
        remedy = "Deprecate it instead; an API that was offered cannot be as if it never was"
    elif old == "retired":
        remedy = "Publish it with `--force`, if it is to serve again"
    else:
        remedy = "Publish it first"
    raise ConflictError("lifecycle_step", f"The API {api} is {old} and cannot become {new}", remedy)


def check_subscribable(record: ApiRecord) -> None:
    """Returns when an API takes new subscriptions.

    Raises:
        ConflictError: its life cycle does not allow it.
    """
    lifecycle = record.standing.lifecycle
    if lifecycle == "published":
        return
    remedy = {
        "created": "Publish it first",
        "deprecated": f"Subscribe to its successor{_successor(record)}",
        "retired": f"Subscribe to its successor{_successor(record)}",
    }[lifecycle]
    raise ConflictError(
        "api_not_subscribable", f"The API {record.api} is {lifecycle} and takes no new subscriptions", remedy
    )


def _successor(record: ApiRecord) -> str:
    return f", {record.standing.successor}" if record.standing.successor else ""
