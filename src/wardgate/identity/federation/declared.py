"""Brings the providers of an environment to what a document says, by the use cases that operators have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from wardgate.control import ports as control
from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.domain.provider import ProviderEntry, read_settings
from wardgate.identity.federation.manage_providers import (
    add_in,
    change_in,
    check_mapped,
    provider_with_id,
    remove_in,
)
from wardgate.identity.outbound import OutboundError, read_url
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


def provider_problem(provider: ProviderEntry) -> tuple[str, str] | None:
    """The key of a document, and what is wrong with it, where ``provider`` could not be called."""
    try:
        target = read_url(provider.issuer)
    except OutboundError as error:
        return "issuer", str(error)
    return ("issuer", "it holds a query") if "?" in target.path else None


class DeclaredProviders:
    """What ``control.providers.Federation`` asks for, of one installation's server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def check(self, tx: control.Transaction, providers: Sequence[ProviderEntry]) -> None:
        """Returns when the transaction's actor may have ``providers`` give what their groups are mapped to."""
        require(tx.actor, "providers.edit")
        for each in providers:
            await check_mapped(cast("Transaction", tx), each.settings)

    async def put(
        self,
        tx: control.Transaction,
        environment: str,
        before: Sequence[ProviderEntry],
        after: Sequence[ProviderEntry],
        now: float,
    ) -> None:
        """Afterwards the environment has the providers of ``after``."""
        mine = cast("Transaction", tx)
        server = replace(self._server, clock=lambda: now)
        old = {each.id: each for each in before}
        new = {each.id for each in after}
        for each in before:
            if each.id not in new:
                await remove_in(server, mine, await provider_with_id(mine, each.id))
        for each in after:
            if each != old.get(each.id):
                await _put(server, mine, environment, old.get(each.id), each)


async def _put(
    server: Server, tx: Transaction, environment: str, before: ProviderEntry | None, after: ProviderEntry
) -> None:
    if before is None:
        secret, settings = await _taken(tx, environment, after)
        await add_in(
            server,
            tx,
            environment=environment,
            preset=after.preset,
            name=after.name,
            client_id=after.client_id,
            secret=secret,
            issuer=after.issuer,
            id_=after.id,
            settings=settings,
            agreed=True,  # it is the first environment, or a second person approved the request
        )
        return
    known = await provider_with_id(tx, after.id)
    stored = read_settings(known.settings)
    kept = replace(after.settings, secret_from=stored.secret_from, secret_at=stored.secret_at).document()
    value: str | None = None
    if after.client_secret and (after.client_secret, after.stale) != (before.client_secret, before.stale):
        value, kept = await _taken(tx, environment, after)
    await change_in(
        server, tx, known, name=after.name, client_id=after.client_id, secret=value, settings=kept
    )


async def _taken(tx: Transaction, environment: str, entry: ProviderEntry) -> tuple[str, dict[str, object]]:
    """The value of the environment's secret that is meant (empty where none is), and the settings that say which it was."""
    name = entry.client_secret
    if not name:
        return "", entry.settings.document()
    value = await tx.environments.secret(environment, name)
    at = next(
        (each.updated_at for each in await tx.environments.secrets(environment) if each.name == name), None
    )
    if value is None or at is None:
        raise ConflictError(
            "secret_missing",
            f"The identity provider {entry.id!r} is to be shown ${{secret:{name}}}, and {environment} has no such secret",
            f"Set it first: `wardgate environments secret set {environment} {name}`",
        )
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise InvalidError("secret", f"The secret {name} is no text", "Set it anew") from None
    return text, replace(entry.settings, secret_from=name, secret_at=repr(at)).document()
