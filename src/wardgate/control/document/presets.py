"""What Okta's and Microsoft Entra ID's access tokens look like, so that settings need not say it.

Okta: a custom authorization server's tokens name the client in ``cid`` and list scopes in ``scp``. Those of the org
server (an issuer without ``/oauth2/``) are for Okta's own API and cannot be checked by anybody else.

Entra: a tenant has two issuers, of tokens of version 2.0 and of 1.0, and it is the API's registration that decides
which one it gets. The client is ``azp`` or ``appid``, delegated scopes are ``scp``, application permissions ``roles``.
"""

from __future__ import annotations

import re
from dataclasses import replace

from wardgate.control.document.fields import Fields
from wardgate.control.document.urls import read_url
from wardgate.domain.trust import TrustedIssuer

PRESETS = ("okta", "entra")

_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRA = "https://login.microsoftonline.com"
_OKTA_TOKENS = TrustedIssuer(
    issuer="",
    algorithms=("RS256",),
    application_claims=("cid",),
    scope_claims=("scp",),
    roles_claims=("groups",),
)
_ENTRA_TOKENS = TrustedIssuer(
    issuer="",
    algorithms=("RS256",),
    application_claims=("azp", "appid"),
    scope_claims=("scp",),
    roles_claims=("roles",),
)


def preset_issuers(fields: Fields, preset: str) -> tuple[TrustedIssuer, ...]:
    """The issuers of a preset with all that follows from it; what is missing or impossible is noted."""
    return _okta(fields) if preset == "okta" else _entra(fields)


def _okta(fields: Fields) -> tuple[TrustedIssuer, ...]:
    if "tenant" in fields:
        fields.problem("tenant", "Okta has no tenants", "Remove it; `issuer:` says which organisation it is")
    if "issuer" not in fields:
        fields.problem(
            None, "the key 'issuer' is missing", "Add `issuer: https://NAME.okta.com/oauth2/default`"
        )
    issuer = read_url(fields, "issuer")
    if issuer and "/oauth2/" not in issuer:
        fields.problem(
            "issuer",
            "tokens of Okta's org authorization server are for Okta alone",
            "Use a custom authorization server, such as https://NAME.okta.com/oauth2/default",
        )
    return (replace(_OKTA_TOKENS, issuer=issuer),)


def _entra(fields: Fields) -> tuple[TrustedIssuer, ...]:
    if "issuer" in fields:
        fields.problem(
            "issuer", "the issuers of Entra follow from its tenant", "Remove it, and set `tenant:`"
        )
    tenant = fields.required("tenant", r"[\S ]+", "the directory (tenant) ID").lower()
    if tenant and not _TENANT.fullmatch(tenant):
        fields.problem(
            "tenant",
            f"{tenant!r} is no tenant ID: tokens name the tenant by it, never by a domain or as 'common'",
            "Write the directory (tenant) ID, such as 11111111-2222-3333-4444-555555555555; "
            "list one issuer for each tenant",
        )
    if "jwks_uri" in fields:
        fields.problem("jwks_uri", "the keys of Entra follow from its tenant", "Remove it")
    return (
        replace(_ENTRA_TOKENS, issuer=f"{_ENTRA}/{tenant}/v2.0"),
        # What version 1.0's metadata is found at differs from its issuer, so the keys are named.
        replace(
            _ENTRA_TOKENS,
            issuer=f"https://sts.windows.net/{tenant}/",
            jwks_uri=f"{_ENTRA}/{tenant}/discovery/keys",
        ),
    )
