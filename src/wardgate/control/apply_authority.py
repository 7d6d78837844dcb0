"""Who may apply a document: whoever may change all that it changes, whatever else stands in it.

Each check returns when the actor may, and raises ForbiddenError otherwise. None writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wardgate.control.apply_consumers import check_consumers
from wardgate.control.authority import require
from wardgate.control.compare.places import places_entered
from wardgate.control.ports import Environment, Transaction
from wardgate.control.providers import check_given, check_secrets, providers_of
from wardgate.control.state import State
from wardgate.domain.api import Api
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.operator import DEFAULT_PROJECT


def check_authority(tx: Transaction, state: State, target: Document) -> None:
    """The actor may change all that differs. An API may be of one project before and of another after."""
    old = state.document
    before = {entry.api.id: entry for entry in old.apis}
    after = {entry.api.id: entry for entry in target.apis}
    offers = {plan.name: plan for plan in old.plans} != {plan.name: plan for plan in target.plans}
    for api in dict.fromkeys((*before, *after)):
        if before.get(api) != after.get(api):
            record = state.apis.get(api)
            named = after[api].listing.project if api in after else None
            project = named or DEFAULT_PROJECT if record is None else record.catalogue.project
            require(tx.actor, "apis.edit", project)
            if named is not None and named != project:
                require(tx.actor, "apis.edit", named)
            if api not in after and state.deployments[api].off:  # it would be on again when it comes back
                require(tx.actor, "apis.switch", project)
    if offers:
        require(tx.actor, "plans.edit")
    if old.roles != target.roles:
        require(tx.actor, "people.edit")
    check_consumers(tx, state, target)
    if old.clients != target.clients:
        require(tx.actor, "clients.edit")
    if _without_providers(old) != _without_providers(target):
        require(tx.actor, "environments.edit")
    if (old.projects, old.operator_roles) != (target.projects, target.operator_roles):
        require(tx.actor, "operators.edit")
    if old.webhooks != target.webhooks:
        require(tx.actor, "webhooks.edit")


def check_places(tx: Transaction, state: State, target: Document, bound: Mapping[str, Api]) -> None:
    """The actor may change every API whose requests one that differs would answer: where APIs are applied is no gate."""
    served = {name: each.bound for name, each in state.deployments.items()}
    for entry in target.apis:
        api = entry.api.id
        known = state.deployments.get(api)
        if known is not None and known.entry.api == entry.api:
            continue
        for other in places_entered(served.get(api), bound[api], served.values()):
            require(tx.actor, "apis.edit", state.apis[other].catalogue.project)


def _without_providers(document: Document) -> tuple[EnvironmentEntry, ...]:
    return tuple(replace(each, identity_providers=None) for each in document.environments)


async def check_shown(
    tx: Transaction, state: State, target: Document, environments: tuple[Environment, ...]
) -> None:
    """Whoever has the value of a secret shown to a provider must be one who may set it, and hold what its groups give."""
    old = {each.name: providers_of(each) for each in state.environments}
    if all(old.get(each.name, ()) == providers_of(each) for each in environments):
        return
    require(tx.actor, "providers.edit")
    for each in environments:
        await check_given(
            tx, target, [item for item in providers_of(each) if item not in old.get(each.name, ())]
        )
    if await check_secrets(tx, state.environments, environments):
        require(tx.actor, "secrets.edit")
