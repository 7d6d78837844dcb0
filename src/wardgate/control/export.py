"""Gives back what was applied."""

from __future__ import annotations

from dataclasses import replace

from wardgate.control.authority import require
from wardgate.control.placing import usual
from wardgate.control.ports import Store
from wardgate.control.state import read_state
from wardgate.domain.document import Document, EnvironmentEntry, WebhookEntry
from wardgate.domain.environment import Environment, EnvironmentSettings
from wardgate.domain.permission import Permission

_USUAL = EnvironmentSettings()
#: A document with a part left out would take that part away where it is applied with ``--prune``.
NEEDED: tuple[Permission, ...] = (
    "environments.view",
    "apis.view",
    "plans.view",
    "applications.view",
    "access.view",
)


async def export_document(store: Store, environment: str) -> Document:
    """The document of ``environment``: applied to the first environment of an installation, it makes it the same there.

    It lists every application, with the APIs, plans and subscriptions of that environment, and environments where they
    are not those of a new installation. Roles of operators, webhooks,
    clients and identity providers are in it if the actor may see them, but no clients that registered themselves.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: what is stored of an identity provider is not sound.
        ForbiddenError: the actor may not see all of it, everywhere.
    """
    async with store.reading() as tx:
        for permission in NEEDED:
            require(tx.actor, permission)
        state = await read_state(tx, environment)
        document = state.document
        if not tx.actor.may("operators.view"):  # to leave them out takes nothing away where it is applied
            document = replace(document, operator_roles=())
        webhooks = document.webhooks if tx.actor.may("webhooks.view") else None
        document = replace(document, webhooks=tuple(map(_as_new, webhooks or ())) or None)
        declared = [each for each in document.clients or () if each.id not in state.registered]
        declared.sort(key=lambda each: each.id)
        document = replace(
            document, clients=tuple(declared) or None if tx.actor.may("clients.view") else None
        )
        told = tx.actor.may("providers.view")
    own = replace(state.environment, settings=replace(state.environment.settings, token_endpoint=""))
    places = [_listed(own if each.name == environment else each, told=told) for each in state.environments]
    if usual(places):
        return replace(document, environments=())
    return replace(
        document,
        environments=tuple(
            _named(replace(each, identity_providers=place.settings.identity_providers), environment)
            for each, place in zip(document.environments, places, strict=True)
        ),
    )


def _listed(environment: Environment, *, told: bool) -> Environment:
    """The environment with its providers where there are any and the actor may be told of them."""
    providers = environment.settings.identity_providers if told else None
    return replace(environment, settings=replace(environment.settings, identity_providers=providers or None))


def _as_new(entry: WebhookEntry) -> WebhookEntry:
    """What is not as it is for a new webhook."""
    return WebhookEntry(
        url=entry.url,
        description=entry.description or None,
        events=entry.events or None,
        environments=entry.environments or None,
        status="paused" if entry.status == "paused" else None,
    )


def _named(entry: EnvironmentEntry, exported: str) -> EnvironmentEntry:
    """What is not as usual; the token endpoint of the exported environment stands in a section of its own."""
    kept = {
        name: getattr(entry, name)
        for name in (
            *("hosts", "variables", "plans", "retention", "token_endpoint", "leaks", "leak_overlap"),
            "identity_providers",
        )
        if getattr(entry, name) != getattr(_USUAL, name)
        and not (name == "token_endpoint" and entry.name == exported)
    }
    return EnvironmentEntry(
        name=entry.name, tag=entry.tag, production=True if entry.production else None, **kept
    )
