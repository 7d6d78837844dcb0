"""``clients``: OAuth 2.0 clients of an environment. Their secrets have no place here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from wardgate.control.document.fields import Fields, Report, suggestion
from wardgate.control.document.limit_text import shown
from wardgate.control.document.names import (
    LINE,
    LINE_WORDS,
    SCOPE,
    SCOPE_WORDS,
    TITLE,
    TITLE_WORDS,
    line,
)
from wardgate.domain.oauth import (
    CLIENT_ID,
    CLIENT_ID_WORDS,
    GRANT_TYPES,
    LONG_GRANTS,
    RESPONSE_TYPES,
    Client,
    ClientAuthentication,
    SigningAlgorithm,
    SubjectType,
    TokenFormat,
    client_id_problem,
    response_types_for,
)
from wardgate.domain.operator import ADMIN_SCOPE
from wardgate.jose.keys import DEFAULT_ALGORITHMS
from wardgate.openapi.tree import Mapping as MappingNode
from wardgate.openapi.tree import Node, Path, Scalar, plain

_LINK = r"[\x21-\x7e]{1,2000}"
_LISTS = {
    "redirect_uris": (_LINK, "a URI"),
    "post_logout_redirect_uris": (_LINK, "a URI"),
    "scopes": (SCOPE, SCOPE_WORDS),
    "audiences": (line(1000), "a URI"),
    "authorization_details_types": (SCOPE, "a type without spaces, quotes or backslashes"),
    "default_acr_values": (_LINK, "one such as urn:wardgate:acr:2"),
    "contacts": (LINE, LINE_WORDS),
}
_LINKS = (
    *("jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "client_uri", "logo_uri"),
    *("policy_uri", "tos_uri"),
)
_LINES = ("tls_subject_dn", "tls_san_dns", "tls_san_uri")
_NUMBERS = (
    *("access_lifetime", "id_token_lifetime", "refresh_idle_lifetime", "refresh_lifetime"),
    "default_max_age",
)
_FLAGS = (
    *("require_par", "require_signed_request", "require_dpop", "certificate_bound", "require_auth_time"),
    *("backchannel_logout_session_required", "trusted"),
)
_ALGORITHMS: tuple[SigningAlgorithm, ...] = get_args(SigningAlgorithm)
_AUTHENTICATIONS: tuple[ClientAuthentication, ...] = get_args(ClientAuthentication)
_FORMATS: tuple[TokenFormat, ...] = get_args(TokenFormat)
_SUBJECTS: tuple[SubjectType, ...] = get_args(SubjectType)
#: What of a client a document says, in the order in which it is given back.
SETTINGS = (
    *("authentication", "grant_types", "response_types", *_LISTS, "token_format", "access_alg", *_NUMBERS),
    *(
        "id_token_alg",
        "userinfo_alg",
        "introspection_alg",
        "assertion_alg",
        "request_alg",
        "jwks",
        "subject_type",
        *_LINKS,
        *_LINES,
        *_FLAGS,
    ),
)
_KEYS = ("id", "application", "name", *SETTINGS)


def read_client(report: Report, node: Node, path: Path) -> tuple[Client, Fields]:
    """One client, whole, with its fields; what is wrong with it is noted. ``application`` is a name, and its environment is
    the one that the document is applied to."""
    secrets = [key for key in ("secret", "client_secret") if key in getattr(node, "entries", {})]
    fields = Fields(report, node, path, (*_KEYS, *secrets))
    for key in secrets:
        fields.problem(
            key,
            "the secret of a client is made for it, and has no place in a document",
            "Leave it out: `wardgate clients rotate ID` shows a new one, once",
        )
    id_ = fields.required("id", CLIENT_ID, CLIENT_ID_WORDS)
    problem = client_id_problem(id_) if id_ else None
    if problem is not None:
        fields.problem("id", f"the id {problem}", "Choose another, such as web or shop-web")
    application = fields.required("application", TITLE, TITLE_WORDS)
    usual = Client(id=id_, application=application, environment="", name=application)
    lists = {key: fields.texts(key, *form) for key, form in _LISTS.items()}
    links = {key: fields.text(key, "", _LINK, "a URL") for key in _LINKS}
    lines = {key: fields.text(key, "", line(1000), LINE_WORDS) for key in _LINES}
    flags = {key: fields.flag(key, False) for key in _FLAGS}
    grants = usual.grant_types
    if "grant_types" in fields:
        named = _among(fields, "grant_types", (*GRANT_TYPES, *LONG_GRANTS))
        grants = tuple(LONG_GRANTS.get(each, each) for each in named)
    responses = response_types_for(grants)
    if "response_types" in fields:
        responses = _among(fields, "response_types", RESPONSE_TYPES)
    if ADMIN_SCOPE in lists["scopes"]:
        message = f"the scope {ADMIN_SCOPE!r} lets a client act for operators"
        fields.problem(
            "scopes", message, "Take it out; `wardgate operators enable-sign-on` makes that client"
        )
    client = Client(
        id=id_,
        application=application,
        environment="",
        name=fields.text("name", application, LINE, LINE_WORDS),
        authentication=fields.choice("authentication", _AUTHENTICATIONS, usual.authentication),
        grant_types=grants,
        response_types=responses,
        redirect_uris=lists["redirect_uris"],
        post_logout_redirect_uris=lists["post_logout_redirect_uris"],
        scopes=lists["scopes"],
        audiences=lists["audiences"],
        token_format=fields.choice("token_format", _FORMATS, usual.token_format),
        access_alg=fields.choice("access_alg", _ALGORITHMS, usual.access_alg),
        access_lifetime=fields.integer("access_lifetime", usual.access_lifetime),
        id_token_lifetime=fields.integer("id_token_lifetime", usual.id_token_lifetime),
        refresh_idle_lifetime=fields.integer("refresh_idle_lifetime", usual.refresh_idle_lifetime),
        refresh_lifetime=fields.integer("refresh_lifetime", usual.refresh_lifetime),
        id_token_alg=fields.choice("id_token_alg", _ALGORITHMS, usual.id_token_alg),
        userinfo_alg=fields.choice("userinfo_alg", _ALGORITHMS, None),
        introspection_alg=fields.choice("introspection_alg", _ALGORITHMS, None),
        assertion_alg=_own_algorithm(fields, "assertion_alg"),
        request_alg=_own_algorithm(fields, "request_alg"),
        jwks=_jwks(fields),
        jwks_uri=links["jwks_uri"],
        tls_subject_dn=lines["tls_subject_dn"],
        tls_san_dns=lines["tls_san_dns"],
        tls_san_uri=lines["tls_san_uri"],
        require_par=flags["require_par"],
        require_signed_request=flags["require_signed_request"],
        require_dpop=flags["require_dpop"],
        certificate_bound=flags["certificate_bound"],
        authorization_details_types=lists["authorization_details_types"],
        subject_type=fields.choice("subject_type", _SUBJECTS, usual.subject_type),
        sector_identifier_uri=links["sector_identifier_uri"],
        default_max_age=fields.integer("default_max_age", None, 0),
        require_auth_time=flags["require_auth_time"],
        default_acr_values=lists["default_acr_values"],
        backchannel_logout_uri=links["backchannel_logout_uri"],
        backchannel_logout_session_required=flags["backchannel_logout_session_required"],
        client_uri=links["client_uri"],
        logo_uri=links["logo_uri"],
        policy_uri=links["policy_uri"],
        tos_uri=links["tos_uri"],
        contacts=lists["contacts"],
        trusted=flags["trusted"],
    )
    return client, fields


def client_data(client: Client) -> dict[str, Any]:
    """The keys that :func:`read_client` reads as an equal client."""
    usual = Client(id=client.id, application=client.application, environment="", name=client.application)
    data: dict[str, Any] = {"id": client.id, "application": client.application}
    for key in ("name", *SETTINGS):
        value = getattr(client, key)
        expected = response_types_for(client.grant_types) if key == "response_types" else getattr(usual, key)
        if value != expected:
            data[key] = list(value) if isinstance(value, tuple) else value
    return data


def client_text(client: Client) -> str:
    """A client in one line."""
    text = f"of {client.application}, {client.authentication}, {' '.join(client.grant_types)}"
    return f"{text}, scopes {' '.join(client.scopes)}" if client.scopes else text


def client_changes(old: Client, new: Client) -> Iterator[str]:
    """What differs between two states of a client."""
    for key in ("name", *SETTINGS):
        before, after = getattr(old, key), getattr(new, key)
        if before == after:
            continue
        if isinstance(before, tuple):
            yield f"{key}: {' '.join(before) or 'none'} -> {' '.join(after) or 'none'}"
        elif key == "jwks":
            yield f"jwks: {_keys(before)} -> {_keys(after)}"
        else:
            yield f"{key}: {shown(before)} -> {shown(after)}"


def _keys(jwks: Any) -> str:
    found = jwks.get("keys") if jwks is not None else ()
    return f"keys {', '.join(str(each.get('kid', '(no kid)')) for each in found)}" if found else "none"


def _own_algorithm(fields: Fields, key: str) -> str | None:
    """What the client itself signs with."""
    return fields.choice(key, sorted(DEFAULT_ALGORITHMS), None)


def _among(fields: Fields, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    named = fields.texts(key, r"[\x20-\x7e]{1,200}", f"one of {', '.join(known)}")
    for item, place in fields.items(key):
        value = item.value if isinstance(item, Scalar) else None
        if value in named and value not in known:
            message = f"{value!r} cannot stand here"
            fields.report.add(item.line, place, message, suggestion(str(value), known, "values"))
    return tuple(each for each in named if each in known)


def _jwks(fields: Fields) -> dict[str, Any] | None:
    node = fields.entries.get("jwks")
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        fields.problem("jwks", "'jwks' must be a JWK set", "Write `jwks: { keys: [...] }` with public keys")
        return None
    found: dict[str, Any] = json.loads(json.dumps(plain(node)))
    return found
