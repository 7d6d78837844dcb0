"""Identity providers of environments as documents see them: what there is, and what would be there. What is done to them is
for use cases of the authorization server, which whoever applies a document hands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError
from wardgate.control.operators.escalation import require_above_group, require_covering
from wardgate.control.ports import Environment, Transaction
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.operator import DEFAULT_PROJECT, EVERYWHERE
from wardgate.domain.people import IdentityProvider
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.domain.provider import ProviderEntry, entry_of_provider


class Federation(Protocol):
    """The use cases of identity providers, as a part of somebody's transaction (``identity/federation/declared.py``)."""

    async def check(self, tx: Transaction, providers: Sequence[ProviderEntry]) -> None:
        """Returns when the transaction's actor may have these providers give what their groups are mapped to.

        Raises:
            ForbiddenError: they may not.
            NotFoundError: a role, group or project is not there.
        """

    async def put(
        self,
        tx: Transaction,
        environment: str,
        before: Sequence[ProviderEntry],
        after: Sequence[ProviderEntry],
        now: float,
    ) -> None:
        """Adds, changes and removes what differs of an environment's providers.

        Raises:
            ForbiddenError: the transaction's actor may not.
            ControlError: a provider cannot be what it is to be.
        """


async def with_providers(tx: Transaction, environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """``environments`` with the providers that each has. Raises ConflictError where what is stored of one is not sound."""
    found = []
    for each in environments:
        providers = await tx.providers.list(each.name)
        secrets = (
            {item.name: item.updated_at for item in await tx.environments.secrets(each.name)}
            if providers
            else {}
        )
        entries = tuple(sorted((_entry(item, secrets) for item in providers), key=lambda item: item.id))
        found.append(replace(each, settings=replace(each.settings, identity_providers=entries)))
    return tuple(found)


def _entry(provider: IdentityProvider, secrets: Mapping[str, float]) -> ProviderEntry:
    try:
        return entry_of_provider(provider, secrets)
    except ValueError as error:
        raise ConflictError(
            "provider_unsound",
            f"What is stored of the identity provider {provider.id!r} of {provider.environment} cannot be used: {error}",
            f"Take it out with `wardgate idp remove {provider.id}`, and add it anew",
        ) from None


def providers_of(environment: Environment | None) -> tuple[ProviderEntry, ...]:
    """The providers of an environment that was read with them."""
    return () if environment is None else environment.settings.identity_providers or ()


def merged_providers(
    present: Sequence[Environment], said: Iterable[EnvironmentEntry], *, prune: bool
) -> tuple[EnvironmentEntry, ...]:
    """What is said of environments, with the providers that each is to have. With ``prune`` a list takes away those it does
    not name; where there is no list, all stay.

    Raises:
        ConflictError: a provider would be another's, or an id be of two environments.
    """
    known = {each.name: {item.id: item for item in providers_of(each)} for each in present}
    homes = {id_: name for name, items in known.items() for id_ in items}
    found = []
    for entry in said:
        if entry.identity_providers is None:
            found.append(entry)
            continue
        here = known.get(entry.name, {})
        after = {} if prune else dict(here)
        for item in entry.identity_providers:
            home = homes.setdefault(item.id, entry.name)
            if home != entry.name:
                raise ConflictError(
                    "provider_exists",
                    f"The identity provider {item.id!r} of {entry.name} is one of {home} already",
                    "Give it another id, which is a part of its redirect URI",
                )
            after[item.id] = _merged(entry.name, here.get(item.id), item)
        found.append(replace(entry, identity_providers=tuple(after[id_] for id_ in sorted(after))))
    return tuple(found)


def _merged(environment: str, known: ProviderEntry | None, said: ProviderEntry) -> ProviderEntry:
    if known is None:
        if said.settings.authentication == "private_key_jwt":
            raise ConflictError(
                "provider_key_missing",
                f"The identity provider {said.id!r} of {environment} is to be shown a key, and there is none: keys have no "
                "place in a document",
                f"Add it with its key first: `wardgate idp add ... --id {said.id} --authentication private_key_jwt`",
            )
        return said
    for what, before, after in (
        ("preset", known.preset, said.preset),
        ("tenant", known.settings.tenant, said.settings.tenant),
        ("issuer", known.issuer, said.issuer),
    ):
        if before != after:
            raise ConflictError(
                "provider_fixed",
                f"The {what} of the identity provider {known.id!r} of {environment} is {before!r}, and would be {after!r}: "
                "accounts are linked to people of the one it has",
                "Declare the other under an id of its own, and take this one out with --prune or `wardgate idp remove`",
            )
    if not said.client_secret:
        return replace(said, client_secret=known.client_secret, stale=known.stale)
    return said


def check_providers(before: Document, after: Document) -> None:
    """Returns when all that providers map groups to would be there, but for what was not before either: who took it away
    elsewhere left that mapping to give nothing. Raises ConflictError."""
    known = set(_maps_nothing(before))
    for environment, provider, kind, text in _maps_nothing(after):
        if (environment, provider, kind, text) not in known:
            raise ConflictError(
                "provider_maps_nothing",
                f"The identity provider {provider!r} of {environment} maps groups to {text!r} of `{kind}`, which would "
                "not exist",
                "Declare it, or take it out of the mapping",
            )


def _maps_nothing(document: Document) -> Iterator[tuple[str, str, str, str]]:
    """Environment, provider, kind and text of what groups are mapped to and is not there."""
    there: Mapping[str, frozenset[str]] = {
        "roles": frozenset(each.name for each in document.roles),
        "groups": frozenset(each.name for each in document.groups),
        "operators": frozenset((*BUILTIN_ROLES, *(each.name for each in document.operator_roles))),
    }
    projects = {DEFAULT_PROJECT, "", *(each.name for each in document.projects)}
    for environment in document.environments:
        for provider in environment.identity_providers or ():
            for kind, known in there.items():
                mapped: Mapping[str, tuple[str, ...]] = getattr(provider.settings, kind)
                for text in sorted({text for texts in mapped.values() for text in texts}):
                    name, _, project = text.partition("@") if kind == "operators" else (text, "", "")
                    if name not in known or project not in projects:
                        yield environment.name, provider.id, kind, text


async def check_given(tx: Transaction, target: Document, providers: Iterable[ProviderEntry]) -> None:
    """Returns when the transaction's actor may have these providers give what their groups are mapped to, once ``target``
    holds: a plan says so before anything of it is there. Raises ForbiddenError."""
    roles = {**{each.name: each.permissions for each in target.operator_roles}, **BUILTIN_ROLES}
    for provider in providers:
        for name in sorted({name for names in provider.settings.groups.values() for name in names}):
            await require_above_group(tx, name)
        for text in sorted({text for texts in provider.settings.operators.values() for text in texts}):
            require(tx.actor, "operators.edit")
            name, _, project = text.partition("@")
            require_covering(tx.actor, roles.get(name, ()), project or EVERYWHERE)


async def check_secrets(tx: Transaction, before: Iterable[Environment], after: Iterable[Environment]) -> bool:
    """Whether the value of a secret would be shown to a provider that was not shown it before.

    Raises:
        ConflictError: there is no such secret.
    """
    known = {each.name: {item.id: item for item in providers_of(each)} for each in before}
    shown = False
    for each in after:
        for item in providers_of(each):
            old = known.get(each.name, {}).get(item.id)
            if not item.client_secret or (old is not None and _secret(old) == _secret(item)):
                continue
            shown = True
            if item.client_secret not in {found.name for found in await tx.environments.secrets(each.name)}:
                raise ConflictError(
                    "secret_missing",
                    f"The identity provider {item.id!r} of {each.name} is to be shown ${{secret:{item.client_secret}}}, "
                    "and there is no such secret",
                    f"Set it first: `wardgate environments secret set {each.name} {item.client_secret}`",
                )
    return shown


def _secret(entry: ProviderEntry) -> tuple[str, bool]:
    return entry.client_secret, entry.stale
