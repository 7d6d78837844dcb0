"""``clients``: OAuth 2.0 clients of an environment. Their secrets have no place here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from wardgate.control.document.fields import Fields, Report
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
from wardgate.openapi.tree import Node, Path, plain

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
#: With the least that each may be.
_NUMBERS = {
    "access_lifetime": 1,
    "id_token_lifetime": 1,
    "refresh_idle_lifetime": 1,
    "refresh_lifetime": 1,
    "default_max_age": 0,
}
_FLAGS = (
    *("require_par", "require_signed_request", "require_dpop", "certificate_bound", "require_auth_time"),
    *("backchannel_logout_session_required", "trusted"),
)
_ALGORITHMS: tuple[str, ...] = get_args(SigningAlgorithm)
#: What the client itself signs with.
_OWN_ALGORITHMS = tuple(sorted(DEFAULT_ALGORITHMS))
_CHOICES: dict[str, tuple[str, ...]] = {
    "authentication": get_args(ClientAuthentication),
    "token_format": get_args(TokenFormat),
    "access_alg": _ALGORITHMS,
    "id_token_alg": _ALGORITHMS,
    "userinfo_alg": _ALGORITHMS,
    "introspection_alg": _ALGORITHMS,
    "assertion_alg": _OWN_ALGORITHMS,
    "request_alg": _OWN_ALGORITHMS,
    "subject_type": get_args(SubjectType),
}
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
    given: dict[str, Any] = {key: fields.texts(key, *form) for key, form in _LISTS.items()}
    given |= {key: fields.text(key, "", _LINK, "a URL") for key in _LINKS}
    given |= {key: fields.text(key, "", line(1000), LINE_WORDS) for key in _LINES}
    given |= {key: fields.flag(key, False) for key in _FLAGS}
    given |= {key: fields.choice(key, known, getattr(usual, key)) for key, known in _CHOICES.items()}
    given |= {key: fields.integer(key, getattr(usual, key), least) for key, least in _NUMBERS.items()}
    grants = usual.grant_types
    if "grant_types" in fields:
        named = _among(fields, "grant_types", (*GRANT_TYPES, *LONG_GRANTS))
        grants = tuple(LONG_GRANTS.get(each, each) for each in named)
    responses = response_types_for(grants)
    if "response_types" in fields:
        responses = _among(fields, "response_types", RESPONSE_TYPES)
    if ADMIN_SCOPE in given["scopes"]:
        message = f"the scope {ADMIN_SCOPE!r} lets a client act for operators"
        fields.problem(
            "scopes", message, "Take it out; `wardgate operators enable-sign-on` makes that client"
        )
    client = replace(
        usual,
        name=fields.text("name", application, LINE, LINE_WORDS),
        grant_types=grants,
        response_types=responses,
        jwks=_jwks(fields),
        **given,
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


def _among(fields: Fields, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    named = fields.texts(key, r"[\x20-\x7e]{1,200}", f"one of {', '.join(known)}")
    fields.unknown(key, named, known, "{} cannot stand here", "values")
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
