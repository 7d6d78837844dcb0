"""What workers and the authority say to each other: JSON-able dicts, read strictly.

A worker sends ``limits.ask`` (reports and wishes, decided together) and ``limits.return`` (reports only); the authority
answers an ask with ``limits.reply`` and calls unused tokens back with ``limits.recall``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast, get_args

from wardgate.domain.limit import PERIOD_SECONDS, Limit, LimitKind, Period, Plan, WhenAway
from wardgate.limits.window import zone

Message = dict[str, Any]

ASK = "limits.ask"
RETURN = "limits.return"
REPLY = "limits.reply"
RECALL = "limits.recall"

_KINDS = get_args(LimitKind)
_PERIODS = get_args(Period)
_AVERAGE_SECONDS = {**PERIOD_SECONDS, "month": 2629746, "year": 31556952}


class LimitMessageError(ValueError):
    """A message between worker and authority that cannot be read; its text names the field."""


@dataclass(slots=True)
class Item:
    """One counter's part of an ask or return, as the authority reads it.

    ``used`` tokens were spent with ``tat`` as the worker's own theoretical arrival time after the last of them; ``back``
    tokens come back unspent; ``want`` more are wished for, at least one of them at once if ``need``. ``window`` names
    the quota window the tokens belong to. ``last`` is the newest spike admission and ``done`` gives the worker's slots
    up.
    """

    key: str
    limit: Limit | None = None
    used: int = 0
    tat: float = 0.0
    back: int = 0
    want: int = 0
    need: bool = False
    window: str = ""
    last: float | None = None
    done: bool = False


def period_seconds(limit: Limit) -> float:
    """The length of ``limit.per`` in seconds (months and years: their Gregorian average).

    Raises:
        ValueError: the limit has no period.
    """
    if limit.per is None:
        raise ValueError(f"a limit of kind {limit.kind} needs 'per'")
    return float(_AVERAGE_SECONDS[limit.per])


def step_of(limit: Limit) -> float:
    """Seconds one token of a ``rate`` or ``spike`` limit takes to come back."""
    return period_seconds(limit) / limit.amount


def burst_of(limit: Limit) -> int:
    """How many requests of a ``rate`` limit may come at once."""
    return limit.amount if limit.burst is None else limit.burst


def softened(limit: Limit) -> Limit | None:
    """The rate that callers past the quota ``limit`` are held to; ``None`` where they are refused."""
    if limit.soften is None:
        return None
    return Limit(kind="rate", amount=limit.soften.amount, per=limit.soften.per, when_away=limit.when_away)


def softened_key(key: str) -> str:
    """The counter key of the rate past the quota that is counted under ``key``."""
    return f"{key}|softened"


def keys_of(subscription_id: str, plan: Plan) -> list[str]:
    """The counter key of each limit of ``plan``, in order.

    A key names what is counted but not how much: raising an amount keeps the count. Limits alike in kind, period
    and time zone are told apart by their order among themselves, so adding another kind moves nothing.
    """
    seen: dict[str, int] = {}
    keys = []
    for limit in plan.limits:
        shape = f"{limit.kind}|{limit.per or ''}|{limit.timezone if limit.kind == 'quota' else ''}"
        index = seen.get(shape, 0)
        seen[shape] = index + 1
        keys.append(f"{subscription_id}|{plan.name}|{index}|{shape}")
    return keys


def encode_limit(limit: Limit) -> list[Any]:
    """The compact form of ``limit``."""
    return [limit.kind, limit.amount, limit.per, limit.burst, limit.queue, limit.timezone, limit.when_away]


def decode_limit(data: object) -> Limit:
    """The limit written by :func:`encode_limit`.

    Raises:
        LimitMessageError: a field is missing or out of range.
    """
    if not isinstance(data, list) or len(data) != 7:
        raise LimitMessageError(f"a limit is a list of seven fields, not {data!r}")
    try:
        return _limit(*data)
    except TypeError as error:
        raise LimitMessageError(f"a limit's fields are numbers and strings: {data!r}") from error


@lru_cache(maxsize=1024, typed=True)
def _limit(kind: Any, amount: Any, per: Any, burst: Any, queue: Any, zone_name: Any, away: Any) -> Limit:
    if kind not in _KINDS:
        raise LimitMessageError(f"limit kind {kind!r} is unknown; use one of {', '.join(_KINDS)}")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        raise LimitMessageError(f"limit amount {amount!r} must be a whole number from 1")
    if per not in _PERIODS and not (per is None and kind == "concurrency"):
        raise LimitMessageError(f"limit period {per!r} of kind {kind} must be one of {', '.join(_PERIODS)}")
    if burst is not None and (not isinstance(burst, int) or burst < 1):
        raise LimitMessageError(f"limit burst {burst!r} must be a whole number from 1")
    if queue is not None and (not isinstance(queue, (int, float)) or queue < 0):
        raise LimitMessageError(f"limit queue {queue!r} must be seconds from 0")
    if away not in get_args(WhenAway):
        raise LimitMessageError(f"limit when_away {away!r} must be one of deny, allow, local")
    if kind == "quota":
        try:
            zone(zone_name)
        except ValueError as error:
            raise LimitMessageError(str(error)) from error
    return Limit(
        kind=kind, amount=amount, per=per, burst=burst, queue=queue, timezone=zone_name, when_away=away
    )


def decode_items(message: Mapping[str, Any], field: str) -> list[Item]:
    """The items under ``field`` of an ask or return.

    Raises:
        LimitMessageError: the message has another shape.
    """
    raw = message.get(field)
    if not isinstance(raw, list):
        raise LimitMessageError(f"{message.get('kind')}: {field!r} must be a list")
    return [_item(entry) for entry in raw]


def _item(entry: object) -> Item:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        raise LimitMessageError("every limits item is an object with a string 'key'")
    data = cast("dict[str, Any]", entry)
    limit = data.get("limit")
    used, back, want = data.get("used", 0), data.get("back", 0), data.get("want", 0)
    for count in (used, back, want):
        if type(count) is not int or count < 0:
            raise LimitMessageError(
                f"limits item {data['key']!r}: used, back and want are whole numbers from 0, not {count!r}"
            )
    last = data.get("last")
    return Item(
        data["key"],
        None if limit is None else decode_limit(limit),
        used,
        float(data.get("tat", 0.0)),
        back,
        want,
        bool(data.get("need", False)),
        str(data.get("window", "")),
        None if last is None else float(last),
        bool(data.get("done", False)),
    )
