"""What each API says of itself to OAuth 2.0 clients: protected-resource metadata (RFC 9728), rendered once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from wardgate.domain.api import Api
from wardgate.domain.trust import OAuth2Settings
from wardgate.policy import credentials
from wardgate.policy.challenge import PROOF_ALGORITHMS
from wardgate.policy.pipeline import METADATA_PATH
from wardgate.policy.trusted import profile_of

#: Public, and read by browsers of any origin before they know where to sign in.
METADATA_LINES = b"Cache-Control: max-age=300\r\nAccess-Control-Allow-Origin: *\r\n"


class ResourceMetadata:
    """The documents of all APIs that take access tokens, and one for the gateway as a whole."""

    __slots__ = ("_documents",)

    def __init__(self, apis: Iterable[Api], issuer: str, *, mtls: bool) -> None:
        """``issuer`` is this installation's; ``mtls``: clients are asked for certificates.

        An API is named by its base path below the issuer's URL, whatever hosts it answers to.
        """
        #: By path: the hosts each document is for (none: any), and the document.
        self._documents: dict[str, list[tuple[tuple[str, ...], bytes]]] = {}
        scopes: set[str] = set()
        for api in apis:
            if not credentials.uses(api, "oauth2"):
                continue
            base = api.base_path.rstrip("/")
            settings = api.oauth2 or OAuth2Settings()
            own = _scopes(api)
            scopes |= own
            document = {
                **_document(issuer + base, profile_of(settings, issuer).servers, own, settings, mtls=mtls),
                "resource_name": f"{api.name} {api.version}",
            }
            found = self._documents.setdefault(METADATA_PATH + base, [])
            found.append((api.hosts, json.dumps(document).encode()))
        whole = _document(issuer, (issuer,), scopes, OAuth2Settings(), mtls=mtls)
        self._documents.setdefault(METADATA_PATH, []).append(((), json.dumps(whole).encode()))

    def find(self, host: str, path: str) -> bytes | None:
        """The document at ``path`` for ``host``, or ``None``."""
        found = self._documents.get(path.rstrip("/"), ())
        for hosts, document in found:
            if any(_covers(pattern.lower(), host) for pattern in hosts):
                return document
        return next((document for hosts, document in found if not hosts), None)


def _covers(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _scopes(api: Api) -> set[str]:
    return {*api.scopes, *(scope for resource in api.resources for scope in resource.scopes)}


def _document(
    resource: str, servers: Iterable[str], scopes: set[str], settings: OAuth2Settings, *, mtls: bool
) -> dict[str, Any]:
    return {
        "resource": resource,
        "authorization_servers": list(servers),
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "dpop_bound_access_tokens_required": settings.bound == "dpop",
        "tls_client_certificate_bound_access_tokens": mtls,
    }
