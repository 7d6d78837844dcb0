"""Whose requests an API would answer that are another's now: below its base path, or on a host that is looked at first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wardgate.domain.api import Api
from wardgate.domain.difference import Difference

PLACE_TAKEN = "place_taken"


def places_taken(
    before: Api | None, after: Api, others: Iterable[Api], withdrawn: Iterable[Api] = ()
) -> Iterator[Difference]:
    """A weakening for each of ``others`` whose requests ``after`` would answer and ``before`` did not, and for each of
    ``withdrawn`` in whose place it would stand: what they asked for is not asked for any more."""
    for other in others:
        if _takes(after, other) and not (before is not None and _takes(before, other)):
            yield _found(after, other, f"it answers requests that {other.id} answers now")
    for other in withdrawn:
        if (
            other.id != after.id
            and _meets(after, other)
            and not (before is not None and _meets(before, other))
        ):
            yield _found(after, other, f"it stands where {other.id} was, which was withdrawn")


def places_entered(before: Api | None, after: Api, others: Iterable[Api]) -> Iterator[str]:
    """The names of those of ``others`` whose requests ``after`` answers, or beside which it stands at one place, told apart
    by ``versioning``; none if ``before`` stood where it stands."""
    if before is not None and (_path(before), set(_hosts(before))) == (_path(after), set(_hosts(after))):
        return
    for other in others:
        if _takes(after, other) or _beside(after, other):
            yield other.id


def _found(after: Api, other: Api, sentence: str) -> Difference:
    return Difference(
        kind=PLACE_TAKEN, place=after.id, before=other.id, after=after.id, weakens=True, sentence=sentence
    )


def _takes(api: Api, other: Api) -> bool:
    """Whether ``api`` is looked at first for something ``other`` answers: the longer base path goes before the shorter
    one, and the narrower host before any path."""
    if api.id == other.id:
        return False
    mine, others = _path(api), _path(other)
    for host in _hosts(api):
        for known in _hosts(other):
            if host == known:
                # One place of two is told apart by `versioning`.
                if mine != others and _below(mine, others):
                    return True
            elif _covers(known, host) and (_below(mine, others) or _below(others, mine)):
                return True
    return False


def _beside(api: Api, other: Api) -> bool:
    same = api.id != other.id and _path(api) == _path(other)
    return same and not set(_hosts(api)).isdisjoint(_hosts(other))


def _meets(api: Api, other: Api) -> bool:
    mine, others = _path(api), _path(other)
    near = _below(mine, others) or _below(others, mine)
    return near and any(
        _covers(host, known) or _covers(known, host) for host in _hosts(api) for known in _hosts(other)
    )


def _hosts(api: Api) -> tuple[str, ...]:
    return tuple(host.lower().rstrip(".") for host in api.hosts) or ("",)


def _path(api: Api) -> str:
    return api.base_path.rstrip("/") + "/"


def _below(path: str, other: str) -> bool:
    return path.startswith(other)


def _covers(pattern: str, host: str) -> bool:
    """Whether every host of ``host`` is one of ``pattern``: every host, ``*.suffix`` or one alone."""
    if pattern in ("", host):
        return True
    return pattern.startswith("*") and host.endswith(pattern[1:])
