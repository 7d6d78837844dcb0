"""Says of a provider whether people will be able to sign in with it, and if not, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.control.authority import require
from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderSettings, read_settings
from wardgate.identity.federation.discovery import fetch_document, listed, metadata_url, problems_of
from wardgate.identity.federation.manage_providers import provider_with_id
from wardgate.identity.federation.providers import algorithms_of, issuer_rule, scopes_of
from wardgate.identity.ports import FetchError
from wardgate.identity.remote_keys import RemoteKeys
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``detail`` says what was found; of what is wrong also what to do."""

    what: str
    right: bool
    detail: str


async def check(server: Server, provider_id: str) -> tuple[IdentityProvider, list[Finding]]:
    """Everything that can be known without a person signing in; nothing is changed. Raises NotFoundError."""
    async with server.store.reading() as tx:
        require(tx.actor, "providers.view")
        provider = await provider_with_id(tx, provider_id)
    settings = read_settings(provider.settings)
    rule = issuer_rule(provider, settings)
    try:
        document, _ = await fetch_document(server.fetch, rule.url)
    except FetchError as error:
        return provider, [
            Finding(what="metadata", right=False, detail=f"{error}. Looked for at {metadata_url(rule.url)}")
        ]
    if not isinstance(document, Mapping):
        return provider, [Finding(what="metadata", right=False, detail="It is no JSON object")]
    problems = problems_of(document, rule)
    findings = [Finding(what="metadata", right=False, detail=each) for each in problems] or [
        Finding(what="metadata", right=True, detail=f"read, issuer {rule.of_metadata}")
    ]
    findings += _capabilities(provider, settings, document)
    if isinstance(document.get("jwks_uri"), str):
        findings.append(await _keys(server, document["jwks_uri"], provider, settings))
    if provider.status != "active":
        findings.append(Finding(what="status", right=False, detail="it is suspended: `wardgate idp restore`"))
    return provider, findings


def _capabilities(
    provider: IdentityProvider, settings: ProviderSettings, document: Mapping[str, Any]
) -> list[Finding]:
    """What metadata lists as supported; what it does not list is taken as supported."""
    asked = set(scopes_of(provider, settings, listed(document, "scopes_supported")))
    rows = (
        ("PKCE", "code_challenge_methods_supported", {"S256"}, all),
        ("code flow", "response_types_supported", {"code"}, all),
        (
            "signatures",
            "id_token_signing_alg_values_supported",
            set(algorithms_of(provider, settings)),
            any,
        ),
        (
            "client authentication",
            "token_endpoint_auth_methods_supported",
            {settings.authentication if provider.sealed_secret else "none"},
            all,
        ),
        ("scopes", "scopes_supported", asked, all),
    )
    findings = []
    for what, name, wanted, enough in rows:
        supported = listed(document, name)
        shown = ", ".join(sorted(wanted))
        if not supported:
            findings.append(Finding(what=what, right=True, detail=f"{shown} (it does not list {name})"))
        elif enough(each in supported for each in wanted):
            findings.append(Finding(what=what, right=True, detail=shown))
        else:
            offered = ", ".join(sorted(supported))
            findings.append(
                Finding(what=what, right=False, detail=f"{shown} is needed, and the provider has {offered}")
            )
    return findings


async def _keys(server: Server, url: str, provider: IdentityProvider, settings: ProviderSettings) -> Finding:
    try:
        found = await RemoteKeys().get(server.fetch, url, server.clock())
    except FetchError as error:
        return Finding(what="keys", right=False, detail=str(error))
    algorithms = algorithms_of(provider, settings)
    usable = [key for key in found.keys.keys if any(key.suits(each) for each in algorithms)]
    if not usable:
        needed = ", ".join(sorted(algorithms))
        return Finding(what="keys", right=False, detail=f"no key of {url} suits {needed}; see --algorithm")
    return Finding(what="keys", right=True, detail=f"{len(usable)} that verify id tokens")
