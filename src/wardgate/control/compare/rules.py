"""How comparators are written down: each names the fields it knows, and a field that none knows weakens.

A comparator is asked only when a field of its differs. One that then finds nothing to say is mistrusted: what nobody can
explain counts as a weakening, so that neither a new field nor a gap in a comparator slips past the gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from wardgate.domain.api import Api
from wardgate.domain.codec import CodecError, encode
from wardgate.domain.difference import REDACTED, Difference

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Where a comparison stands: the place as people are told it, and the APIs around it, if there are any."""

    place: str
    before: Api | None = None
    after: Api | None = None

    def within(self, place: str) -> At:
        """The same comparison, further in."""
        return At(place=place, before=self.before, after=self.after)

    def found(
        self, kind: str, before: Any, after: Any, sentence: str, *, weakens: bool = False
    ) -> Difference:
        """A difference at this place."""
        return Difference(
            kind=kind,
            place=self.place,
            before=shown(before),
            after=shown(after),
            weakens=weakens,
            sentence=sentence,
        )


Comparator = Callable[[At, Any, Any], Iterator[Difference]]


@dataclass(frozen=True, slots=True)
class Aspect:
    """The fields of one class that ``compare`` knows, given both objects whole."""

    fields: tuple[str, ...]
    compare: Comparator


def differences(at: At, before: Any, after: Any, aspects: Sequence[Aspect]) -> Iterator[Difference]:
    """All in which two objects of one class differ; nothing when they are equal."""
    changed = {
        each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name)
    }
    if not changed:
        return
    for aspect in aspects:
        mine = changed.intersection(aspect.fields)
        if mine:
            found = list(aspect.compare(at, before, after))
            yield from found or [unknown(at, name, before, after) for name in sorted(mine)]
    known = {name for aspect in aspects for name in aspect.fields}
    for name in sorted(changed - known):
        yield unknown(at, name, before, after)


def unknown(at: At, name: str, before: Any, after: Any) -> Difference:
    """The difference in a field nobody can explain."""
    return at.found(
        "unknown_changed",
        getattr(before, name, None),
        getattr(after, name, None),
        f"{words(name)} changed, and nothing here knows what that means",
        weakens=True,
    )


def words(name: str) -> str:
    """A field's name in a sentence."""
    return f"`{name}`"


def shown(value: Any) -> Any:
    """``value`` in its JSON form."""
    try:
        return encode(value)
    except CodecError:
        return REDACTED


def told(value: Any) -> str:
    """``value`` in a sentence."""
    if value is None or value in ("", (), [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (tuple, list, set, frozenset)):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def neutral(*names: str) -> Aspect:
    """Fields whose change weakens nothing: how requests travel and what people are told, not who may do what."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        for name in names:
            old, new = getattr(before, name), getattr(after, name)
            if old != new:
                yield at.found(
                    f"{name}_changed", old, new, f"{words(name)} goes from {told(old)} to {told(new)}"
                )

    return Aspect(names, compare)


def nested(name: str, aspects: Sequence[Aspect]) -> Aspect:
    """An object with comparators of its own, whose coming and going weakens nothing."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        if old is None or new is None:
            verb = "set" if old is None else "no longer set"
            yield at.found(f"{name}_changed", old, new, f"{words(name)} is {verb}")
        else:
            yield from differences(at.within(f"{at.place} {name}"), old, new, aspects)

    return Aspect((name,), compare)


def protects(name: str, sentence: str) -> Aspect:
    """A flag that protects: switching it off weakens."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        off = not getattr(after, name)
        text = f"{sentence} is switched {'off' if off else 'on'}"
        yield at.found(f"{name}_{'off' if off else 'on'}", off, not off, text, weakens=off)

    return Aspect((name,), compare)


def exposes(name: str, sentence: str) -> Aspect:
    """A flag that exposes: switching it on weakens."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        on = bool(getattr(after, name))
        text = f"{sentence} is switched {'on' if on else 'off'}"
        yield at.found(f"{name}_{'on' if on else 'off'}", not on, on, text, weakens=on)

    return Aspect((name,), compare)


def bound(name: str, sentence: str, *, unit: str = "") -> Aspect:
    """A number that bounds: raising it weakens; ``None`` is no bound at all."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        yield from bounded(at, name, getattr(before, name), getattr(after, name), sentence, unit=unit)

    return Aspect((name,), compare)


def bounded(
    at: At, name: str, old: float | None, new: float | None, sentence: str, *, unit: str = ""
) -> Iterator[Difference]:
    """How the bound ``name`` changed."""
    low, high = (math.inf if value is None else value for value in (old, new))
    raised = high > low
    kind = f"{name}_{'removed' if new is None else 'raised' if raised else 'lowered'}"
    tail = f" {unit}" if unit else ""
    told_old, told_new = ("no bound" if value is None else f"{value:g}{tail}" for value in (old, new))
    yield at.found(kind, old, new, f"{sentence} goes from {told_old} to {told_new}", weakens=raised)


def elements(
    at: At, kind: str, old: Collection[str], new: Collection[str], thing: str, *, weakens: str
) -> Iterator[Difference]:
    """What was added to a set and what was removed; ``weakens`` is ``added``, ``removed``, ``both`` or ``never``. Where only
    the order differs, it says so."""
    gone = [item for item in old if item not in new]
    came = [item for item in new if item not in old]
    if gone:
        yield at.found(
            f"{kind}_removed",
            gone,
            None,
            f"{thing} {told(gone)} removed",
            weakens=weakens in ("removed", "both"),
        )
    if came:
        yield at.found(
            f"{kind}_added", None, came, f"{thing} {told(came)} added", weakens=weakens in ("added", "both")
        )
    if not gone and not came:
        yield at.found(f"{kind}_reordered", tuple(old), tuple(new), f"{thing}: another order")


def replaced(
    name: str, sentence: Callable[[Any, Any], str], *, weakens: Callable[[Any, Any], bool]
) -> Aspect:
    """One value for another: ``sentence`` says what that means, and ``weakens`` whether it is weaker, both given the two."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        yield at.found(f"{name}_changed", old, new, sentence(old, new), weakens=weakens(old, new))

    return Aspect((name,), compare)


def listed(name: str, thing: str, *, weakens: str, kind: str = "") -> Aspect:
    """A list of texts, as :func:`elements` compares them; ``kind`` is by default the field's name."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        yield from elements(at, kind or name, old, new, thing, weakens=weakens)

    return Aspect((name,), compare)


def keyed(
    before: Iterable[T],
    after: Iterable[T],
    by: Callable[[T], str],
    *,
    gone: Callable[[str, T], Difference],
    came: Callable[[str, T], Difference],
    stays: Callable[[str, T, T], Iterable[Difference]],
) -> Iterator[Difference]:
    """How things that are known ``by`` a name differ: those that are gone, then those that came, or stay and are others."""
    known, there = {by(each): each for each in before}, {by(each): each for each in after}
    for name, old in known.items():
        if name not in there:
            yield gone(name, old)
    for name, new in there.items():
        if name not in known:
            yield came(name, new)
        elif known[name] != new:
            yield from stays(name, known[name], new)


def changed_unproven(name: str, sentence: str) -> Aspect:
    """A setting no value of which can be proven stricter than another: any change weakens."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        yield at.found(
            f"{name}_changed",
            old,
            new,
            f"{sentence} goes from {told(old)} to {told(new)}, which cannot be proven stricter",
            weakens=True,
        )

    return Aspect((name,), compare)
