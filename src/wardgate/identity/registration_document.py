"""A client as the JSON document of RFC 7591 section 2, both ways.

Members this server has nothing to do with are ignored, as the RFC asks, and not given back: so is front-channel logout,
which only ends less. Members it knows and cannot honour are refused: to drop a demand for encryption silently would be to
answer in the clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from wardgate.domain.oauth import Client
from wardgate.identity.client_metadata import MetadataError, is_native

#: What would change how answers are protected, and is not offered.
_REFUSED = (
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "request_uris",
)


def _text(setting: str, value: Any) -> str:
    if not isinstance(value, str):
        raise MetadataError(setting, "not a text")
    return value


def _flag(setting: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise MetadataError(setting, "neither true nor false")
    return value


def _seconds(setting: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise MetadataError(setting, "not a whole number of seconds")
    return value


def _texts(setting: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MetadataError(setting, "not a list of texts")
    return tuple(value)


def _scope(setting: str, value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, _text(setting, value).split(" "))))


def _uris(setting: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MetadataError(setting, "not a list of texts", error="invalid_redirect_uri")
    return tuple(value)


def _response_types(setting: str, value: Any) -> tuple[str, ...]:
    """In the one order this server keeps: the words of a response type have none (RFC 6749 section 3.1.1)."""
    return tuple(" ".join(sorted(each.split(" "))) for each in _texts(setting, value))


def _keys(setting: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MetadataError(setting, "not a JWK set")
    return value


#: Member of the document, field of the client, and how it is read.
_MEMBERS: tuple[tuple[str, str, Callable[[str, Any], Any]], ...] = (
    ("client_name", "name", _text),
    ("redirect_uris", "redirect_uris", _uris),
    ("post_logout_redirect_uris", "post_logout_redirect_uris", _uris),
    ("token_endpoint_auth_method", "authentication", _text),
    ("grant_types", "grant_types", _texts),
    ("response_types", "response_types", _response_types),
    ("scope", "scopes", _scope),
    ("jwks", "jwks", _keys),
    ("jwks_uri", "jwks_uri", _text),
    ("contacts", "contacts", _texts),
    ("client_uri", "client_uri", _text),
    ("logo_uri", "logo_uri", _text),
    ("policy_uri", "policy_uri", _text),
    ("tos_uri", "tos_uri", _text),
    ("subject_type", "subject_type", _text),
    ("sector_identifier_uri", "sector_identifier_uri", _text),
    ("id_token_signed_response_alg", "id_token_alg", _text),
    ("userinfo_signed_response_alg", "userinfo_alg", _text),
    ("introspection_signed_response_alg", "introspection_alg", _text),
    ("token_endpoint_auth_signing_alg", "assertion_alg", _text),
    ("request_object_signing_alg", "request_alg", _text),
    ("default_max_age", "default_max_age", _seconds),
    ("require_auth_time", "require_auth_time", _flag),
    ("default_acr_values", "default_acr_values", _texts),
    ("backchannel_logout_uri", "backchannel_logout_uri", _text),
    ("backchannel_logout_session_required", "backchannel_logout_session_required", _flag),
    ("require_pushed_authorization_requests", "require_par", _flag),
    ("require_signed_request_object", "require_signed_request", _flag),
    ("dpop_bound_access_tokens", "require_dpop", _flag),
    ("tls_client_certificate_bound_access_tokens", "certificate_bound", _flag),
    ("tls_client_auth_subject_dn", "tls_subject_dn", _text),
    ("tls_client_auth_san_dns", "tls_san_dns", _text),
    ("tls_client_auth_san_uri", "tls_san_uri", _text),
    ("authorization_details_types", "authorization_details_types", _texts),
)


def read_document(document: Mapping[str, Any], base: Client) -> tuple[Client, bool]:
    """``base`` with what the document says, and whether it is a native app; members that are ``null`` count as absent.

    Defaults are those of RFC 7591 section 2: ``base`` decides for what the document does not name.

    Raises:
        MetadataError: a member has the wrong type, or asks for what is not offered.
    """
    given = {name: value for name, value in document.items() if value is not None}
    if "software_statement" in given:
        raise MetadataError("software_statement", "software statements are not accepted: leave it out")
    refused = next((name for name in _REFUSED if given.get(name)), None)
    if refused is not None:
        raise MetadataError(refused, "not offered by this server: leave it out")
    changes = {field: read(name, given[name]) for name, field, read in _MEMBERS if name in given}
    grants = changes.get("grant_types", base.grant_types)
    if "response_types" not in changes and "authorization_code" not in grants:
        changes["response_types"] = ()
    client = replace(base, **changes)
    kind = given.get("application_type")
    if kind not in (None, "web", "native"):
        raise MetadataError("application_type", "neither web nor native")
    native = is_native(client) and client.public if kind is None else kind == "native"
    return client, native


def write_document(client: Client) -> dict[str, Any]:
    """The client's registered metadata: what this server made of what it was told (RFC 7591 section 3.2.1)."""
    document: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at),
        "application_type": "native" if is_native(client) else "web",
    }
    for name, field, read in _MEMBERS:
        value = getattr(client, field)
        if read is _scope:
            value = " ".join(value)
        elif isinstance(value, tuple):
            value = list(value)
        if value is False or (value not in (None, "", [])):
            document[name] = value
    return document
