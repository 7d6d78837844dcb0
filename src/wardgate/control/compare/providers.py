"""Identity providers of an environment: who may sign in, and what follows from their groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from wardgate.control.compare.rules import (
    Aspect,
    At,
    changed_unproven,
    differences,
    elements,
    exposes,
    keyed,
    listed,
    neutral,
    replaced,
)
from wardgate.control.document.providers import provider_text
from wardgate.domain.difference import Difference
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.provider import ProviderEntry

_KIND = "provider_"


def _mapped(name: str, what: str) -> Aspect:
    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = (
            [f"{group}: {each}" for group, names in getattr(side, name).items() for each in names]
            for side in (before, after)
        )
        yield from elements(at, f"mapped_{name}", old, new, f"{what} by groups:", weakens="added")

    return Aspect((name,), compare)


def _allowed(name: str, what: str) -> Aspect:
    """A list of those who may come; empty: everybody."""

    def compare(at: At, before: Any, after: Any) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        if old and not new:
            yield at.found(f"{name}_removed", old, None, f"people of every {what} may come", weakens=True)
        elif not old:
            yield at.found(f"{name}_added", None, new, f"people of {', '.join(new)} alone may come")
        else:
            yield from elements(at, name, old, new, f"{what} whose people may come:", weakens="added")

    return Aspect((name,), compare)


SETTINGS: tuple[Aspect, ...] = (
    changed_unproven("tenant", "the directory"),
    _allowed("tenants", "directory"),
    _allowed("domains", "domain"),
    changed_unproven("algorithms", "what id tokens may be signed with"),
    changed_unproven("groups_claim", "where its groups are read"),
    changed_unproven("roles_claim", "where its roles are read"),
    _mapped("roles", "roles"),
    _mapped("groups", "groups here"),
    _mapped("operators", "roles of operators"),
    replaced(
        "on_overage",
        lambda old, new: f"people in more groups than are told: {new}, instead of {old}",
        weakens=lambda old, new: new == "ignore",
    ),
    exposes("create", "making accounts for everybody who has none"),
    listed(
        "assertion_clients",
        "clients that may trade its assertions:",
        weakens="added",
        kind="assertion_client",
    ),
    neutral("scopes", "name_claim", "authentication", "secret_from", "secret_at"),
)


def _settings(at: At, before: ProviderEntry, after: ProviderEntry) -> Iterator[Difference]:
    yield from differences(at, before.settings, after.settings, SETTINGS)


def _secret(at: At, before: ProviderEntry, after: ProviderEntry) -> Iterator[Difference]:
    text = f"it is shown ${{secret:{after.client_secret}}}" if after.client_secret else "its secret stays"
    yield at.found("secret_changed", None, None, text)


PROVIDER: tuple[Aspect, ...] = (
    neutral("id", "name"),
    changed_unproven("preset", "the kind of provider"),
    changed_unproven("issuer", "the issuer"),
    changed_unproven("client_id", "the client"),
    Aspect(("client_secret", "stale"), _secret),
    Aspect(("settings",), _settings),
)


def providers(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    """How the providers of an environment differ. A new one weakens: its issuer says who people are."""

    def within(id_: str) -> At:
        return at.within(f"{at.place} identity provider {id_}")

    def gone(id_: str, old: ProviderEntry) -> Difference:
        text = "nobody signs in with it any more"
        return within(id_).found(f"{_KIND}removed", provider_text(old), None, text)

    def came(id_: str, new: ProviderEntry) -> Difference:
        text = provider_text(new)
        return within(id_).found(f"{_KIND}added", None, text, f"people sign in with it: {text}", weakens=True)

    def stays(id_: str, old: ProviderEntry, new: ProviderEntry) -> Iterator[Difference]:
        for found in differences(within(id_), old, new, PROVIDER):
            yield replace(found, kind=f"{_KIND}{found.kind}")

    yield from keyed(
        before.identity_providers or (),
        after.identity_providers or (),
        lambda each: each.id,
        gone=gone,
        came=came,
        stays=stays,
    )


def at_once(found: Iterable[Difference]) -> Iterator[Difference]:
    """The same for the first environment, where one person decides about providers: there they weaken nothing."""
    for each in found:
        yield replace(each, weakens=False) if each.kind.startswith(_KIND) else each
