"""Groups that may call, and conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.rules import Aspect, At, differences, told
from wardgate.domain.api import Acl
from wardgate.domain.difference import Difference

_EVERYBODY = Acl()


def _acl(at: At, before: Any, after: Any) -> Iterator[Difference]:
    old: Acl = before.acl or _EVERYBODY
    new: Acl = after.acl or _EVERYBODY
    if old == new:
        yield at.found("acl_changed", before.acl, after.acl, "the same groups are written otherwise")
    yield from differences(at, old, new, LIST)


def _allow(at: At, old: Acl, new: Acl) -> Iterator[Difference]:
    wider = bool(old.allow) and (not new.allow or not set(new.allow) <= set(old.allow))
    yield at.found(
        f"acl_allow_{'widened' if wider else 'narrowed'}",
        old.allow,
        new.allow,
        f"{_who(new)} may call, instead of {_who(old)}",
        weakens=wider,
    )


def _deny(at: At, old: Acl, new: Acl) -> Iterator[Difference]:
    freed = [group for group in old.deny if group not in new.deny]
    sentence = f"the groups {told(new.deny)} are refused"
    if freed:
        sentence = f"the groups {told(freed)} are no longer refused"
    yield at.found(
        f"acl_deny_{'narrowed' if freed else 'widened'}", old.deny, new.deny, sentence, weakens=bool(freed)
    )


#: The fields of one list.
LIST: tuple[Aspect, ...] = (Aspect(("allow",), _allow), Aspect(("deny",), _deny))


def _who(acl: Acl) -> str:
    return f"the groups {told(acl.allow)}" if acl.allow else "every group"


def _condition(at: At, before: Any, after: Any) -> Iterator[Difference]:
    old, new = before.condition, after.condition
    if not old:
        yield at.found("condition_added", None, new, f"the condition {new} must hold")
    elif not new:
        yield at.found(
            "condition_removed", old, None, f"the condition {old} need not hold any more", weakens=True
        )
    else:
        yield at.found(
            "condition_changed",
            old,
            new,
            f"the condition {old} becomes {new}, which cannot be proven stricter",
            weakens=True,
        )


ACL = Aspect(("acl",), _acl)
CONDITION = Aspect(("condition",), _condition)
