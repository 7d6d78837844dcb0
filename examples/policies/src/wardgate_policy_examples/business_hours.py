"""``example.business_hours``: refuses requests outside opening hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wardgate.domain.rejection import Reason, Rejection, register
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import CompileContext, PolicyConfigError

CLOSED = register(
    Reason(
        name="example_closed",
        status=403,
        title="Closed",
        detail="This resource is closed at this time. Retry-After says when it opens.",
        category="authorization",
        public="example_closed",
    )
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class BusinessHours:
    """Open from ``from`` to ``to`` (``HH:MM``) on ``days``, in ``timezone``.

    With ``to`` not after ``from`` a span ends on the next day. It runs in ``network``: closed is closed, whoever asks,
    and no credential needs to be looked up to say so.
    """

    name = "example.business_hours"
    phase = "network"

    def validate(self, config: Mapping[str, Any]) -> None:
        """Raises PolicyConfigError for unknown or wrong settings."""
        known = ("days", "from", "to", "timezone")
        for key in config:
            if key not in known:
                raise PolicyConfigError(
                    key, f"unknown setting {key!r}", f"Known settings: {', '.join(known)}"
                )
        for key in ("from", "to"):
            value = config.get(key)
            if not isinstance(value, str) or not _TIME.fullmatch(value):
                raise PolicyConfigError(
                    key, f"{key!r} must be a time of day", f'Write `{key}: "08:00"`, in quotes'
                )
        days = config.get("days", list(DAYS))
        if not isinstance(days, list) or not days or not all(day in DAYS for day in days):
            raise PolicyConfigError(
                "days", "the days must be a list of days", f"Use some of {', '.join(DAYS)}"
            )
        try:
            ZoneInfo(config.get("timezone", "UTC"))
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise PolicyConfigError(
                "timezone", "this is no time zone of the IANA database", "Use a name such as Europe/Berlin"
            ) from None

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step:
        """The step for one resource. It computes a span once and then compares two numbers per request."""
        hours = Hours(config)
        since = until = 0.0
        opened = False

        def business_hours(exchange: Exchange) -> Rejection | None:
            nonlocal since, until, opened
            now = exchange.directory.wall()
            if not since <= now < until:
                opened, until = hours.at(now)
                since = now
            return None if opened else Rejection(CLOSED, retry_after=until - now)

        return business_hours


class Hours:
    """The opening hours that a valid configuration describes."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._zone = ZoneInfo(config.get("timezone", "UTC"))
        self._days = frozenset(DAYS.index(day) for day in config.get("days", DAYS))
        self._begin, end = _minutes(config["from"]), _minutes(config["to"])
        self._length = (end - self._begin) % (24 * 60) or 24 * 60

    def at(self, now: float) -> tuple[bool, float]:
        """Whether it is open at ``now`` (Unix seconds), and until when that is certain."""
        today = datetime.fromtimestamp(now, self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        for offset in range(-1, 8):
            day = today + timedelta(days=offset)
            if day.weekday() not in self._days:
                continue
            begin = self._moment(day, self._begin)
            end = self._moment(day, self._begin + self._length)
            if now < begin:
                return False, begin
            if now < end:
                return True, end
        raise RuntimeError("a week has no opening day")

    @staticmethod
    def _moment(day: datetime, minutes: int) -> float:
        """Unix seconds of the wall-clock time ``minutes`` after midnight of ``day``."""
        return (day + timedelta(minutes=minutes)).timestamp()


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
