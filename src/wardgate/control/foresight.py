"""What applying a document would change, compared by meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wardgate.control.authority import require
from wardgate.control.compare import Deployable, compare_all
from wardgate.control.compare.clients import clients
from wardgate.control.compare.consumers import applications, groups, roles
from wardgate.control.compare.operating import operating
from wardgate.control.compare.providers import at_once, providers
from wardgate.control.compare.rules import At
from wardgate.control.compare.settings import settings as settings_differences
from wardgate.control.compare.taken_hosts import taken_hosts
from wardgate.control.compare.telling import telling
from wardgate.control.gate_settings import settings_outlook
from wardgate.control.listing import listed
from wardgate.control.ports import ApiRecord, Environment, Transaction
from wardgate.control.state import State
from wardgate.domain.api import Api
from wardgate.domain.difference import Difference
from wardgate.domain.document import Document
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.standing import Catalogue


async def foresight(
    tx: Transaction,
    state: State,
    target: Document,
    environments: Sequence[Environment],
    bound: Mapping[str, Api],
) -> tuple[Difference, ...]:
    """All in which ``target``, with its APIs bound, differs from ``state``, and every environment from what it was.

    Raises:
        BindingError: an API deployed to another environment names a variable that would not be there.
        ForbiddenError: environments differ, which the actor may not change.
    """
    if tuple(environments) != state.environments:
        require(tx.actor, "environments.edit")
    here = next(each for each in environments if each.name == state.environment.name)
    old_plans = {plan.name: plan for plan in state.document.plans}
    new_plans = {plan.name: plan for plan in target.plans}
    before = {
        name: Deployable.of(
            each.bound,
            old_plans,
            state.environment.settings,
            openapi_text=each.entry.openapi_text,
            catalogue=_catalogue(state, name),
        )
        for name, each in state.deployments.items()
    }
    after = {
        entry.api.id: Deployable.of(
            bound[entry.api.id],
            new_plans,
            here.settings,
            openapi_text=entry.openapi_text,
            catalogue=listed(
                state.apis.get(entry.api.id, ApiRecord(api=entry.api.id)), entry.listing, 0.0
            ).catalogue,
        )
        for entry in target.apis
    }
    found = [*compare_all(before, after)]
    found += roles(state.document.roles, target.roles)
    found += groups(state.document.groups, target.groups)
    found += operating(state.document, target)
    found += telling(state.document, target)
    found += clients(state.document, target)
    found += applications(state.document.applications, target.applications, old_plans, new_plans)
    known = {each.name: each for each in state.environments}
    for each in environments:
        old = known.get(each.name)
        place = At(place=f"environment {each.name}")
        own: Iterable[Difference] = ()
        if old is None:
            own = providers(place, EnvironmentSettings(), each.settings)
        elif old.settings != each.settings and each.name == here.name:
            own = [
                *settings_differences(place, old.settings, each.settings),
                *taken_hosts(old.settings.hosts, each, environments),
            ]
        elif old.settings != each.settings:
            own = await settings_outlook(tx, old, each)
        found += at_once(own) if each.name == environments[0].name else own
    return tuple(found)


def _catalogue(state: State, api: str) -> Catalogue:
    record = state.apis.get(api)
    return record.catalogue if record is not None else Catalogue()
