"""What the server says of itself (RFC 8414; OIDC discovery section 3), true to the endpoints there are."""

from __future__ import annotations

import hashlib
import json
from typing import Any, get_args

from wardgate.domain.oauth import GRANT_TYPES, OIDC_SCOPES, ClientAuthentication
from wardgate.identity import pkce
from wardgate.identity.claims import SUPPORTED_CLAIMS
from wardgate.identity.client_assertion import ALGORITHMS
from wardgate.identity.client_metadata import ACR_VALUES, RESPONSE_TYPES
from wardgate.identity.http import Call, Reply, json_reply
from wardgate.identity.keys import ALGORITHMS as SIGNING
from wardgate.identity.oidc import PROMPTS
from wardgate.identity.redirects import RESPONSE_MODES
from wardgate.identity.routes import Route, all_routes
from wardgate.identity.server import Server
from wardgate.jose.dpop import ALGORITHMS as PROOFS

_MAX_AGE = 600
#: Endpoints by their name in the metadata; those nothing answers are left out.
ENDPOINTS = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "jwks_uri": "/oauth2/jwks",
    "registration_endpoint": "/oauth2/register",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "device_authorization_endpoint": "/oauth2/device_authorization",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "userinfo_endpoint": "/oauth2/userinfo",
    "end_session_endpoint": "/oauth2/logout",
}
#: What a claim is about besides the person.
_PROTOCOL_CLAIMS = (
    "iss",
    "aud",
    "azp",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
)


async def document_of(server: Server) -> dict[str, Any]:
    """The metadata: one document for both specifications."""
    url, paths = server.settings.url, {route.path for route in all_routes()}
    methods = list(get_args(ClientAuthentication))
    confidential = [method for method in methods if method != "none"]
    signing, verifying = list(SIGNING), sorted(ALGORITHMS)
    api_scopes = await server.memory.apis.scopes(server)
    return {
        "issuer": server.settings.issuer,
        **{name: url(path) for name, path in ENDPOINTS.items() if path in paths},
        "scopes_supported": [*OIDC_SCOPES, *(scope for scope in api_scopes if scope not in OIDC_SCOPES)],
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": verifying,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": verifying,
        "introspection_signing_alg_values_supported": signing,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": verifying,
        "code_challenge_methods_supported": list(pkce.METHODS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "request_object_signing_alg_values_supported": verifying,
        "require_signed_request_object": False,
        "dpop_signing_alg_values_supported": sorted(PROOFS),
        "tls_client_certificate_bound_access_tokens": True,
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": signing,
        "userinfo_signing_alg_values_supported": signing,
        "acr_values_supported": list(ACR_VALUES),
        "prompt_values_supported": sorted(PROMPTS),
        "claim_types_supported": ["normal"],
        "claims_supported": [*SUPPORTED_CLAIMS, *_PROTOCOL_CLAIMS],
        "claims_parameter_supported": True,
        "backchannel_logout_supported": "/oauth2/logout" in paths,
        "backchannel_logout_session_supported": "/oauth2/logout" in paths,
    }


async def handle(server: Server, call: Call) -> Reply:
    """The metadata, with how long a copy is good and a tag to ask again by (RFC 9110)."""
    document = await document_of(server)
    tag = f'"{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:32]}"'
    kept = (("cache-control", f"public, max-age={_MAX_AGE}"), ("etag", tag))
    if tag in {seen.strip().removeprefix("W/") for seen in (call.header("if-none-match") or "").split(",")}:
        return Reply(status=304, headers=kept)
    return json_reply(document, 200, *kept, cache=True)


ROUTES = (
    Route(("GET",), "/.well-known/oauth-authorization-server", handle, "document"),
    Route(("GET",), "/.well-known/openid-configuration", handle, "document"),
)
