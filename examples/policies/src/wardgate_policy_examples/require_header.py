"""``example.require_header``: refuses requests without a header, or with a value that is not in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wardgate.domain.rejection import Reason, Rejection, register
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import CompileContext, PolicyConfigError

MISSING = register(
    Reason(
        name="example_header_missing",
        status=400,
        title="Header required",
        detail="A header this API needs is missing, repeated, or has a value it does not take.",
        category="request",
        public="example_header_missing",
    )
)

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")


class RequireHeader:
    """The header ``name`` must stand exactly once; with ``values`` it must have one of them.

    It runs in ``authorize``, before limits: a request it refuses uses up nothing of its caller's plan.
    """

    name = "example.require_header"
    phase = "authorize"

    def validate(self, config: Mapping[str, Any]) -> None:
        """Raises PolicyConfigError for unknown or wrong settings."""
        for key in config:
            if key not in ("name", "values"):
                raise PolicyConfigError(key, f"unknown setting {key!r}", "Known settings: name, values")
        name = config.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PolicyConfigError(
                "name", "the header's name is missing or not valid", "Write `name: X-Tenant`"
            )
        values = config.get("values")
        if values is None:
            return
        if not isinstance(values, list) or not values:
            raise PolicyConfigError("values", "the values must be a list", "Write `values: [north, south]`")
        for value in values:
            if (
                not isinstance(value, str)
                or not value.isascii()
                or not value.isprintable()
                or not value.strip()
            ):
                raise PolicyConfigError(
                    "values", "each value must be printable ASCII text", "Put it in quotes"
                )

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step:
        """The step for one resource. What can be computed is computed here: a request pays for one look-up."""
        header = config["name"].lower().encode()
        listed = config.get("values")
        accepted = None if listed is None else frozenset(value.strip().encode() for value in listed)
        refused = Rejection(MISSING, note=f"header {config['name']}")

        def require_header(exchange: Exchange) -> Rejection | None:
            found = exchange.head.values(header)
            if len(found) != 1 or (accepted is not None and found[0] not in accepted):
                return refused
            return None

        return require_header
