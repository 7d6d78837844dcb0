"""Adds, lists, suspends and removes foreign providers, for those who run the installation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.held import hold, in_first, released
from wardgate.control.lookup import MAX_NAME, checked_text, environment_named
from wardgate.control.operators.escalation import require_above_group, require_covering
from wardgate.control.operators.naming import project_named, role_named
from wardgate.domain.operator import EVERYWHERE
from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import (
    MANY_TENANTS,
    PROVIDER_ID,
    PROVIDER_SCOPE,
    RESERVED_IDS,
    TENANT_ID,
    PresetName,
    ProviderSettings,
    read_settings,
    whole_issuer,
)
from wardgate.identity import trail
from wardgate.identity.federation.credentials import is_pem, label_of, public_jwk
from wardgate.identity.federation.rights import NO_RIGHTS, read_operator_role, set_rights, take_back
from wardgate.identity.outbound import OutboundError, read_url
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server
from wardgate.jose.keys import ALGORITHMS

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_MAX_CLIENT_ID = 500
_MAX_SECRET = 16 * 1024


async def add(
    server: Server,
    *,
    preset: PresetName,
    name: str,
    client_id: str,
    secret: str,
    issuer: str = "",
    id_: str = "",
    settings: Mapping[str, Any] | None = None,
) -> IdentityProvider:
    """A new provider that people of the server's environment can sign in with from now on. In every environment but the
    first it is suspended, and held until another person restores it.

    Its secret is stored sealed and never shown again. ``id_`` is part of the redirect URI; by default it is made of the
    name. ``secret`` is a client secret, or a key in PEM, or empty for a client that has none.

    Raises:
        NotFoundError: there is no such environment, or no such role.
        InvalidError: a value cannot be used.
        ConflictError: the id is taken.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "providers.edit")
        return await add_in(
            server,
            tx,
            environment=server.settings.environment,
            preset=preset,
            name=name,
            client_id=client_id,
            secret=secret,
            issuer=issuer,
            id_=id_,
            settings=settings or {},
        )


async def add_in(
    server: Server,
    tx: Transaction,
    *,
    environment: str,
    preset: PresetName,
    name: str,
    client_id: str,
    secret: str,
    issuer: str,
    id_: str,
    settings: Mapping[str, Any],
    agreed: bool = False,
) -> IdentityProvider:
    """As :func:`add`, as a part of the transaction. ``agreed``: whatever a second person has to agree to was agreed to."""
    require(tx.actor, "providers.edit")
    name = _checked_name(name)
    provider_id = _checked_id(id_ or _NOT_IN_IDS.sub("-", name.lower()).strip("-")[:40].strip("-"))
    chosen = _checked_settings(settings, preset, secret)
    provider = IdentityProvider(
        id=provider_id,
        environment=environment,
        name=name,
        preset=preset,
        issuer=_checked_issuer(preset, issuer, chosen),
        client_id=_checked_client_id(client_id),
        sealed_secret=_sealed(server, provider_id, secret),
        settings=chosen.document(),
    )
    await environment_named(tx, environment)
    await check_mapped(tx, chosen)
    if await tx.providers.get(provider.id) is not None:
        raise ConflictError(
            "provider_exists",
            f"There is a provider {provider.id!r} already",
            "Choose another name, or give an id of its own with --id",
        )
    after: dict[str, object] = {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "settings": provider.settings,
    }
    if not agreed and not await in_first(tx, environment):
        provider = hold(tx, provider, server.clock())
        after["held_by"] = provider.held_by
    await tx.providers.add(provider)
    await _tell(server, tx, "provider.add", provider, after=after)
    return provider


async def change_in(
    server: Server,
    tx: Transaction,
    before: IdentityProvider,
    *,
    name: str,
    client_id: str,
    secret: str | None,
    settings: Mapping[str, Any],
) -> IdentityProvider:
    """Afterwards the provider is as given, in the transaction; ``secret`` is the new one, ``None`` keeps it. Whoever had
    something only because of what its groups are no longer mapped to loses it at once. Its issuer stays. One that is held
    stays so, by the actor too.

    Raises:
        NotFoundError: there is no such role, group or project.
        InvalidError: a value cannot be used.
        ForbiddenError: the actor may not, or does not hold what groups are mapped to.
    """
    require(tx.actor, "providers.edit")
    kept = secret
    if kept is None:
        kept = (
            server.vault.open(before.sealed_secret, label_of(before.id)).decode()
            if before.sealed_secret
            else ""
        )
    chosen = _checked_settings(settings, before.preset, kept)
    old = read_settings(before.settings)
    if chosen.tenant != old.tenant:
        raise InvalidError("tenant", "The directory of a provider stays", "Add another provider for another")
    await check_mapped(tx, chosen)
    after = replace(
        before,
        name=_checked_name(name),
        client_id=_checked_client_id(client_id),
        sealed_secret=before.sealed_secret if secret is None else _sealed(server, before.id, secret),
        settings=chosen.document(),
    )
    after = _held_still(server, tx, before, after)
    await tx.providers.replace(after)
    await take_back(server, tx, before.id, old, chosen)
    shown = {"name": before.name, "client_id": before.client_id, "settings": before.settings}
    told = {"name": after.name, "client_id": after.client_id, "settings": after.settings}
    differing = {key for key in told if shown[key] != told[key]}
    new: dict[str, object] = {} if secret is None else {"new_secret": True}
    await _tell(
        server,
        tx,
        "provider.set",
        after,
        before={key: shown[key] for key in differing},
        after={**{key: told[key] for key in differing}, **new},
    )
    return after


async def list_providers(server: Server, *, environment: str | None = None) -> Sequence[IdentityProvider]:
    """Every provider, or those of an environment, by name. Raises NotFoundError: there is no such environment."""
    async with server.store.reading() as tx:
        require(tx.actor, "providers.view")
        if environment is not None:
            await environment_named(tx, environment)
        return await tx.providers.list(environment)


async def show(server: Server, provider_id: str) -> tuple[IdentityProvider, int]:
    """A provider, and how many accounts are linked to it. Raises NotFoundError."""
    async with server.store.reading() as tx:
        require(tx.actor, "providers.view")
        provider = await provider_with_id(tx, provider_id)
        return provider, len(await tx.providers.links_at(provider_id))


def registered_key(server: Server, provider: IdentityProvider) -> dict[str, Any] | None:
    """The public key (JWK) to register at the provider; ``None`` where the client shows a secret.

    Raises:
        StoreError: it was sealed under another master key.
    """
    if provider.settings.get("authentication") != "private_key_jwt" or not provider.sealed_secret:
        return None
    return public_jwk(server.vault.open(provider.sealed_secret, label_of(provider.id)).decode())


async def set_secret(server: Server, provider_id: str, secret: str) -> IdentityProvider:
    """Afterwards the client shows ``secret`` instead of the one before. One that is held stays so, by the actor too.

    Raises:
        NotFoundError: there is no such provider.
        InvalidError: the secret cannot be used.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "providers.edit")
        before = await provider_with_id(tx, provider_id)
        settings = replace(read_settings(before.settings), secret_from="", secret_at="")
        _check_secret(settings, secret)
        sealed = _sealed(server, provider_id, secret)
        provider = replace(before, sealed_secret=sealed, settings=settings.document())
        provider = _held_still(server, tx, before, provider)
        await tx.providers.replace(provider)
        await _tell(server, tx, "provider.set_secret", provider)
    return provider


async def suspend(server: Server, provider_id: str) -> IdentityProvider:
    """Afterwards nobody signs in with it; who is signed in stays so. Raises NotFoundError."""
    return await _set_status(server, provider_id, "suspended")


async def restore(server: Server, provider_id: str, *, reason: str = "") -> IdentityProvider:
    """Afterwards people sign in with it again. One that is held takes another person, and a reason.

    Raises:
        NotFoundError: there is no such provider.
        ForbiddenError: it is held, and the actor may not approve.
        SecondPersonError: it is held, and the actor is no other person.
        InvalidError: it is held, and there is no reason.
    """
    return await _set_status(server, provider_id, "active", reason)


async def remove(server: Server, provider_id: str) -> IdentityProvider:
    """Afterwards it is gone with all links to it and the roles its groups gave, and what tokens had on account of them.

    Raises:
        NotFoundError: there is no such provider.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "providers.edit")
        provider = await provider_with_id(tx, provider_id)
        await remove_in(server, tx, provider)
    return provider


async def remove_in(server: Server, tx: Transaction, provider: IdentityProvider) -> None:
    """As :func:`remove`, as a part of the transaction."""
    require(tx.actor, "providers.edit")
    for user in dict.fromkeys(link.user for link in await tx.providers.links_at(provider.id)):
        await set_rights(server, tx, user, NO_RIGHTS, source=provider.id)
    await tx.providers.remove(provider.id)
    await _tell(server, tx, "provider.remove", provider)


async def provider_with_id(tx: Transaction, provider_id: str) -> IdentityProvider:
    """The provider with that id. Raises NotFoundError."""
    found = await tx.providers.get(provider_id)
    if found is None:
        raise NotFoundError("provider", provider_id, "`wardgate idp list` shows the ids, like okta")
    return found


async def _set_status(
    server: Server, provider_id: str, status: Literal["active", "suspended"], reason: str = ""
) -> IdentityProvider:
    async with server.store.writing() as tx:
        require(tx.actor, "providers.edit")
        before = await provider_with_id(tx, provider_id)
        provider = replace(before, status=status)
        held: dict[str, object] = {}
        if before.held_by and status == "active":
            await released(tx, before, before.held_at, reason, server.clock())
            provider = replace(provider, held_by=())
            held = {"held_by": before.held_by}
        await tx.providers.replace(provider)
        action = "provider.suspend" if status == "suspended" else "provider.restore"
        await _tell(server, tx, action, provider, before=held, note=reason)
    return provider


def _held_still(
    server: Server, tx: Transaction, before: IdentityProvider, after: IdentityProvider
) -> IdentityProvider:
    """``after``, which the actor made of ``before``: whoever changes what is held is no second person for it either."""
    return hold(tx, after, server.clock(), before=before) if before.held_by else after


async def _tell(
    server: Server,
    tx: Transaction,
    action: str,
    provider: IdentityProvider,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    note: str = "",
) -> None:
    await trail.tell(
        server,
        tx,
        action,
        provider.id,
        before=before,
        after=after,
        environment=provider.environment,
        note=note,
    )


async def check_mapped(tx: Transaction, settings: ProviderSettings) -> None:
    """Returns when all that groups are mapped to is there, and is the actor's to give.

    Raises:
        NotFoundError: a role, a group, a role of operators or a project is not there.
        ForbiddenError: the actor does not hold all of it, or does not look after operators.
    """
    await _check_roles(tx, settings)
    await _check_rights(tx, settings)


async def _check_roles(tx: Transaction, settings: ProviderSettings) -> None:
    known = {role.name for role in await tx.roles.all()}
    for role in sorted(role for roles in settings.roles.values() for role in roles):
        if role not in known:
            names = ", ".join(sorted(known)) or "none"
            raise NotFoundError("role", role, f"Add it to the document and apply that. Roles: {names}")


async def _check_rights(tx: Transaction, settings: ProviderSettings) -> None:
    """Whoever maps groups of a provider gives what they are mapped to, so they must hold it themselves.

    Raises:
        NotFoundError: a group, a role of operators or a project is not there.
        ForbiddenError: the actor does not hold all of it, or does not look after operators.
    """
    for name in sorted({name for names in settings.groups.values() for name in names}):
        if await tx.groups.get(name) is None:
            raise NotFoundError("group", name, "`wardgate groups list` shows those there are")
        await require_above_group(tx, name)
    for text in sorted({text for texts in settings.operators.values() for text in texts}):
        require(tx.actor, "operators.edit")
        name, project = read_operator_role(text)
        role = await role_named(tx, name)
        if project != EVERYWHERE:
            await project_named(tx, project)
        require_covering(tx.actor, role.permissions, project)


def _checked_name(text: str) -> str:
    name = checked_text("name", text, MAX_NAME)
    if not name:
        raise InvalidError("name", "A provider needs a name", "Give what people know it by, like Okta")
    return name


def _checked_id(text: str) -> str:
    if not PROVIDER_ID.fullmatch(text) or text in RESERVED_IDS:
        raise InvalidError(
            "id",
            f"The id {text!r} cannot be used",
            "Give 1 to 40 small letters, digits and hyphens with --id; it is part of the redirect URI",
        )
    return text


def _checked_client_id(text: str) -> str:
    if not text or len(text) > _MAX_CLIENT_ID or not (text.isascii() and text.isprintable()):
        raise InvalidError("client_id", "The client id cannot be used", "Copy it from the provider's pages")
    return text


def _checked_issuer(preset: PresetName, issuer: str, settings: ProviderSettings) -> str:
    url = whole_issuer(preset, issuer, settings.tenant)
    if not url:
        raise InvalidError(
            "issuer", "The issuer is missing", "Give it with --issuer, such as https://id.example.com"
        )
    try:
        target = read_url(url)
    except OutboundError as error:
        raise InvalidError(
            "issuer", f"The issuer cannot be used: {error}", "Write https://HOST[/PATH]"
        ) from None
    if "?" in target.path:
        raise InvalidError("issuer", "The issuer holds a query", "Write https://HOST[/PATH]")
    return url


def _checked_settings(document: Mapping[str, Any], preset: PresetName, secret: str) -> ProviderSettings:
    try:
        settings = read_settings(document)
    except ValueError as error:
        raise InvalidError("settings", f"The settings cannot be used: {error}", "Change that one") from None
    settings = replace(
        settings,
        tenant=settings.tenant.lower(),
        tenants=tuple(each.lower() for each in settings.tenants),
        domains=tuple(each.lower() for each in settings.domains),
    )
    if preset == "entra":
        _check_tenants(settings)
    elif settings.tenant or settings.tenants:
        raise InvalidError("tenant", "Only Entra has tenants", "Leave --tenant and --allow-tenant out")
    if settings.domains and preset != "google":
        raise InvalidError("domain", "Only Google has hosted domains", "Leave --domain out")
    unknown = [each for each in settings.algorithms if each not in ALGORITHMS]
    if unknown:
        raise InvalidError(
            "algorithm",
            f"The algorithm {unknown[0]!r} is not one that id tokens are verified with",
            f"Choose among {', '.join(sorted(ALGORITHMS))}",
        )
    wrong = [each for each in settings.scopes if not PROVIDER_SCOPE.fullmatch(each)]
    if wrong:
        raise InvalidError(
            "scope", f"The scope {wrong[0]!r} is none", "Give one name without blanks each time"
        )
    _check_secret(settings, secret)
    return settings


def _check_tenants(settings: ProviderSettings) -> None:
    many = settings.tenant in MANY_TENANTS
    if not many and not TENANT_ID.fullmatch(settings.tenant):
        raise InvalidError(
            "tenant",
            f"The tenant {settings.tenant!r} cannot be used",
            "Give the directory (tenant) ID with --tenant, as 8-4-4-4-12 hexadecimal digits, or `organizations` or "
            "`common`",
        )
    if many and not settings.tenants:
        raise InvalidError(
            "tenant",
            f"The tenant {settings.tenant!r} lets in whoever makes a directory",
            "Name the directories whose people may come, each with --allow-tenant",
        )
    if settings.tenants and not many:
        raise InvalidError(
            "tenant",
            "One tenant has no list of tenants",
            "Leave --allow-tenant out, or use --tenant organizations",
        )
    wrong = [each for each in settings.tenants if not TENANT_ID.fullmatch(each)]
    if wrong:
        raise InvalidError(
            "tenant", f"{wrong[0]!r} is no directory (tenant) ID", "Give 8-4-4-4-12 hexadecimal digits"
        )


def _check_secret(settings: ProviderSettings, secret: str) -> None:
    """Never repeats it."""
    if len(secret) > _MAX_SECRET or "\x00" in secret:
        raise InvalidError("secret", "The secret is too long", "Give the client secret alone")
    if settings.authentication == "private_key_jwt":
        try:
            public_jwk(secret)
        except ValueError as error:
            raise InvalidError(
                "secret", f"With private_key_jwt, {error}", "Write the key's PEM file to standard input"
            ) from None
    elif is_pem(secret):
        raise InvalidError(
            "secret", "The secret is a key", "Add --authentication private_key_jwt, or give the client secret"
        )


def _sealed(server: Server, provider_id: str, secret: str) -> bytes:
    return server.vault.seal(secret.encode(), label_of(provider_id)) if secret else b""
