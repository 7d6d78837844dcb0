"""Cross-origin access: which pages' scripts may read an API's answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from wardgate.control.compare.rules import Aspect, At, differences, exposes, neutral, told
from wardgate.domain.api import Cors
from wardgate.domain.difference import Difference

_ALL = "*"
#: Methods that need no permission (Fetch, "CORS-safelisted method").
_SAFE = frozenset(("GET", "HEAD", "POST"))


def _opened(name: str, thing: str, *, free: frozenset[str] = frozenset()) -> Aspect:
    """A set that lets scripts do more the longer it is; ``*`` stands for all."""

    def compare(at: At, before: Cors, after: Cors) -> Iterator[Difference]:
        old: tuple[str, ...] = getattr(before, name)
        new: tuple[str, ...] = getattr(after, name)
        wider = not _covered(name, new, frozenset(old) | free)
        kind = "widened" if wider else "narrowed" if set(old) != set(new) else "reordered"
        sentence = f"{thing} go from {told(old)} to {told(new)}"
        if _ALL in new and wider:
            sentence = f"{thing}: every one, instead of {told(old)}"
        yield at.found(f"cors_{name}_{kind}", old, new, sentence, weakens=wider)

    return Aspect((name,), compare)


def _covered(name: str, wanted: Collection[str], allowed: frozenset[str]) -> bool:
    """Whether ``allowed`` lets through all of ``wanted``. Headers have no case, and ``*`` leaves out Authorization."""
    if name in ("headers", "expose"):
        wanted, allowed = {item.lower() for item in wanted}, frozenset(item.lower() for item in allowed)
        if _ALL in allowed:
            return name == "expose" or "authorization" not in wanted or "authorization" in allowed
    return _ALL in allowed or set(wanted) <= allowed


CORS: tuple[Aspect, ...] = (
    _opened("origins", "the origins whose scripts may read answers"),
    _opened("methods", "the methods scripts of other origins may use", free=_SAFE),
    _opened("headers", "the headers scripts of other origins may send"),
    _opened("expose", "the headers scripts of other origins may read"),
    exposes("credentials", "sending cookies and other credentials along from other origins"),
    neutral("max_age"),
)


def cors(at: At, before: Any, after: Any) -> Iterator[Difference]:
    """How the cross-origin access of two APIs differs."""
    old: Cors | None = before.cors
    new: Cors | None = after.cors
    inner = at.within(f"{at.place} cors")
    if new is None:
        yield inner.found("cors_off", old, None, "scripts of other origins may no longer read answers")
    elif old is None:
        who = "every origin" if _ALL in new.origins else told(new.origins)
        yield inner.found(
            "cors_on", None, new, f"scripts of {who} may read answers", weakens=bool(new.origins)
        )
    else:
        yield from differences(inner, old, new, CORS)
