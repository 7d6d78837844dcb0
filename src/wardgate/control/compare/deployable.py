"""Two states of an API as it is, or would be, deployed to an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wardgate.control.compare.apis import API
from wardgate.control.compare.flows import flows
from wardgate.control.compare.plans import plans
from wardgate.control.compare.rules import At, differences
from wardgate.control.compare.secrets import secrets_sent
from wardgate.control.compare.standing import CATALOGUE
from wardgate.domain.api import Api, ApiKeyScheme
from wardgate.domain.difference import Difference
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.standing import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """An API bound to an environment's settings, the plans it offers there with their overrides, its OpenAPI text, and who
    may find it (``None``: not looked at). Without ``served`` it is what another is measured by, and sends nothing anywhere
    now."""

    api: Api
    plans: tuple[Plan, ...] = ()
    openapi_text: str = ""
    catalogue: Catalogue | None = None
    served: bool = True

    @classmethod
    def of(
        cls,
        api: Api,
        known: Mapping[str, Plan] | Sequence[Plan],
        settings: EnvironmentSettings | None = None,
        *,
        openapi_text: str = "",
        catalogue: Catalogue | None = None,
        served: bool = True,
    ) -> Deployable:
        """The state with those of the plans known that ``api`` offers, as ``settings`` override them."""
        by_name = known if isinstance(known, Mapping) else {plan.name: plan for plan in known}
        overrides: Mapping[str, tuple[Limit, ...]] = settings.plans if settings is not None else {}
        offered = tuple(
            replace(by_name[name], limits=overrides.get(name, by_name[name].limits))
            for name in api.plans
            if name in by_name
        )
        return cls(api=api, plans=offered, openapi_text=openapi_text, catalogue=catalogue, served=served)


def compare(before: Deployable | None, after: Deployable | None) -> tuple[Difference, ...]:
    """All that differs from ``before`` to ``after``; ``None``: it is not there.

    An API that was not there weakens by what would weaken it if it came later: open resources, undeclared ones let through,
    scripts of every origin let in, keys in the URL, an upstream nobody checks, legacy grants, secrets sent.
    """
    if after is None:
        if before is None:
            return ()
        at = At(place=before.api.id, before=before.api)
        return (at.found("api_removed", before.api.id, None, "the API is gone"),)
    if before is None:
        at = At(place=after.api.id, after=after.api)
        new = at.found("api_added", None, after.api.id, "the API is new")
        return (new, *(each for each in _compared(_careful(after), after) if each.weakens))
    return tuple(_compared(before, after))


def compare_all(before: Mapping[str, Deployable], after: Mapping[str, Deployable]) -> tuple[Difference, ...]:
    """All that differs between two sets of APIs by their ids."""
    names = dict.fromkeys((*before, *after))
    return tuple(each for name in names for each in compare(before.get(name), after.get(name)))


def _compared(before: Deployable, after: Deployable) -> Iterator[Difference]:
    place = after.api.id if before.api.id == after.api.id else f"{before.api.id} -> {after.api.id}"
    at = At(place=place, before=before.api, after=after.api)
    yield from differences(at, before.api, after.api, API)
    yield from plans(at, before.plans, after.plans)
    yield from flows(at, before.openapi_text, after.openapi_text)
    yield from secrets_sent(at, before.api if before.served else None, after.api)
    if before.catalogue is not None and after.catalogue is not None:
        yield from differences(at, before.catalogue, after.catalogue, CATALOGUE)


def _careful(new: Deployable) -> Deployable:
    """``new`` as somebody careful would have had it: what it differs in is what it is asked to answer for."""
    api = new.api
    key = api.api_key if api.api_key.place != "query" else ApiKeyScheme()
    cors = None if api.cors is not None and "*" in api.cors.origins else api.cors
    return replace(
        new,
        api=replace(
            api,
            resources=tuple(
                each if each.schemes else replace(each, schemes=("api_key",)) for each in api.resources
            ),
            undeclared="deny",
            api_key=key,
            cors=cors,
            upstream=replace(api.upstream, tls=replace(api.upstream.tls, verify=True)),
        ),
        openapi_text="",
        served=False,
    )
