"""What a client may be: the rules its settings keep, whoever sets them (RFC 7591 section 2, RFC 9700).

The command line and dynamic registration both build a :class:`Client` and check it here, so that there is no second way
in. A rule that is not kept raises :class:`MetadataError`, which names the setting by its name in RFC 7591.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, get_args
from urllib.parse import SplitResult, urlsplit

from wardgate.domain.oauth import (
    DEVICE_CODE,
    GRANT_TYPES,
    SECRET_METHODS,
    Client,
    ClientAuthentication,
    SigningAlgorithm,
)
from wardgate.domain.oauth import RESPONSE_TYPES as RESPONSE_TYPES
from wardgate.identity.redirect_rules import link_problem, redirect_problem
from wardgate.jose.keys import DEFAULT_ALGORITHMS, KeySet

#: The claims about how sure a sign-in was that this server can make (``acr``), least first.
ACR_VALUES = ("urn:wardgate:acr:1", "urn:wardgate:acr:2")

MAX_URIS = 50
MAX_SCOPES = 200
_MAX_TEXT = 200
_MAX_NAME = 1000
_MAX_KEYS = 20
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_DETAIL_TYPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PRIVATE_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_NOT_SHOWN = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_LOOPBACK_NAMES = frozenset(("127.0.0.1", "::1", "localhost"))
_YEAR = 366 * 86400


class MetadataError(Exception):
    """A setting of a client cannot be as it is. ``error`` is the code of RFC 7591 section 3.2.2."""

    def __init__(
        self,
        setting: str,
        problem: str,
        *,
        error: Literal["invalid_redirect_uri", "invalid_client_metadata"] = "invalid_client_metadata",
    ) -> None:
        super().__init__(setting, problem)
        self.setting = setting
        self.problem = problem
        self.error = error

    def __str__(self) -> str:
        return f"{self.setting}: {self.problem}"


def check_client(client: Client, *, native: bool | None = None) -> None:
    """``client`` is sound: afterwards every rule of :data:`RULES` holds.

    ``native`` says whether it is an app on its person's device; without it public clients are.

    Raises:
        MetadataError: the first rule that does not hold.
    """
    for rule in RULES:
        rule(client)
    check_redirect_uris(client, native=client.public if native is None else native)


def warnings_of(client: Client) -> tuple[str, ...]:
    """What is allowed and still better avoided, in sentences."""
    found = [
        f"{grant} is a legacy grant: use authorization_code with PKCE (RFC 9700)" for grant in client.legacy
    ]
    if any(urlsplit(uri).hostname == "localhost" for uri in client.redirect_uris):
        found.append("localhost may resolve to another machine: register 127.0.0.1 (RFC 8252 section 8.3)")
    if (
        client.public
        and "authorization_code" not in client.grant_types
        and DEVICE_CODE not in client.grant_types
    ):
        found.append("it is public and nothing proves who uses it")
    return tuple(found)


def check_redirect_uris(client: Client, *, native: bool) -> None:
    """Every redirect URI is a place that can be the client's alone, and there is one if responses are sent."""
    needed = not {"authorization_code", "implicit"}.isdisjoint(client.grant_types)
    if needed and not client.redirect_uris:
        raise MetadataError(
            "redirect_uris", "at least one is needed for these grants", error="invalid_redirect_uri"
        )
    for setting, uris in (
        ("redirect_uris", client.redirect_uris),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris),
    ):
        if len(uris) > MAX_URIS:
            raise MetadataError(setting, f"more than {MAX_URIS}", error="invalid_redirect_uri")
        for uri in uris:
            problem = redirect_problem(uri, native=native)
            if problem is not None:
                raise MetadataError(setting, f"{_shown(uri)}: {problem}", error="invalid_redirect_uri")


def check_texts(client: Client) -> None:
    """Names people read are short and of one line; links lead somewhere safe."""
    for setting, text in (("client_name", client.name), *(("contacts", each) for each in client.contacts)):
        if len(text) > _MAX_TEXT or _CONTROL.search(text):
            raise MetadataError(setting, f"longer than {_MAX_TEXT} characters, or not one plain line")
    if not client.name.strip():
        raise MetadataError("client_name", "a client needs a name people recognise")
    if len(client.contacts) > 10:
        raise MetadataError("contacts", "more than 10")
    for setting, uri in (
        ("client_uri", client.client_uri),
        ("logo_uri", client.logo_uri),
        ("policy_uri", client.policy_uri),
        ("tos_uri", client.tos_uri),
        ("backchannel_logout_uri", client.backchannel_logout_uri),
        ("sector_identifier_uri", client.sector_identifier_uri),
        ("jwks_uri", client.jwks_uri),
    ):
        problem = link_problem(uri) if uri else None
        if problem is not None:
            raise MetadataError(setting, f"{_shown(uri)}: {problem}")


def check_grants(client: Client) -> None:
    """Grants are known, and each has what it needs (RFC 7591 section 2.1)."""
    _known("grant_types", client.grant_types, GRANT_TYPES)
    if not client.grant_types or client.grant_types == ("refresh_token",):
        raise MetadataError("grant_types", "none gives a first token")
    if client.public and "client_credentials" in client.grant_types:
        raise MetadataError("grant_types", "client_credentials needs a client that can keep a secret")


def check_response_types(client: Client) -> None:
    """Response types and grants agree (RFC 7591 section 2.1)."""
    _known("response_types", client.response_types, RESPONSE_TYPES)
    code = "code" in client.response_types
    if code != ("authorization_code" in client.grant_types):
        raise MetadataError("response_types", "code and the grant authorization_code need each other")
    front = any(each != "code" for each in client.response_types)
    if front != ("implicit" in client.grant_types):
        raise MetadataError("response_types", "token, id_token and the grant implicit need each other")
    if front and (client.require_dpop or client.certificate_bound):
        raise MetadataError("grant_types", "implicit tokens cannot be bound to a key")


def check_authentication(client: Client) -> None:
    """The method has its keys or names, and only its own (RFC 7591 section 2, RFC 8705 section 2.1.2)."""
    method = client.authentication
    _known("token_endpoint_auth_method", (method,), get_args(ClientAuthentication))
    if client.jwks is not None and client.jwks_uri:
        raise MetadataError("jwks", "give jwks or jwks_uri, not both")
    needs_keys = method in ("private_key_jwt", "self_signed_tls_client_auth")
    if needs_keys and client.jwks is None and not client.jwks_uri:
        raise MetadataError("jwks", f"{method} needs jwks or jwks_uri")
    if client.require_signed_request and client.jwks is None and not client.jwks_uri:
        raise MetadataError("jwks", "require_signed_request_object needs jwks or jwks_uri")
    names = [each for each in (client.tls_subject_dn, client.tls_san_dns, client.tls_san_uri) if each]
    if len(names) != (1 if method == "tls_client_auth" else 0):
        raise MetadataError(
            "tls_client_auth_subject_dn",
            "tls_client_auth has exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns and "
            "tls_client_auth_san_uri, and no other method has any",
        )
    if any(_CONTROL.search(each) or len(each) > _MAX_NAME for each in names):
        raise MetadataError(
            "tls_client_auth_subject_dn", f"longer than {_MAX_NAME} characters, or not one line"
        )


def check_keys(client: Client) -> None:
    """A JWK set holds public keys, at least one of which can be used, and no secret."""
    if client.jwks is None:
        return
    keys = client.jwks.get("keys")
    if not isinstance(keys, list | tuple) or not keys or len(keys) > _MAX_KEYS:
        raise MetadataError("jwks", f"not a JWK set of 1 to {_MAX_KEYS} keys")
    if not all(isinstance(key, dict) for key in keys):
        raise MetadataError("jwks", "every member of keys is an object")
    if any(not _PRIVATE_MEMBERS.isdisjoint(key) for key in keys):
        raise MetadataError(
            "jwks", "it holds a private key or a shared secret: send public keys, replace that one"
        )
    if not KeySet.from_jwks(client.jwks).keys:
        raise MetadataError(
            "jwks", "none of its keys can be used: EC P-256 or more, RSA of 2048 bits or more, Ed25519"
        )


def check_scopes(client: Client) -> None:
    """Scopes, audiences and detail types are well-formed and not repeated."""
    for setting, values, form in (
        ("scope", client.scopes, _SCOPE),
        ("authorization_details_types", client.authorization_details_types, _DETAIL_TYPE),
    ):
        if len(values) > MAX_SCOPES or len(set(values)) != len(values):
            raise MetadataError(setting, f"more than {MAX_SCOPES}, or one given twice")
        bad = next((each for each in values if form.fullmatch(each) is None), None)
        if bad is not None:
            raise MetadataError(setting, f"{_shown(bad)} is not well-formed (RFC 6749 section 3.3)")
    for audience in client.audiences:
        if (
            not _split(audience).scheme
            or "#" in audience
            or _CONTROL.search(audience)
            or len(audience) > _MAX_NAME
        ):
            raise MetadataError("audiences", f"{_shown(audience)} is no absolute URI (RFC 8707 section 2)")


def check_lifetimes(client: Client) -> None:
    """Tokens live long enough to be used and short enough to be safe. Seconds."""
    for setting, value, least, most in (
        ("access_lifetime", client.access_lifetime, 10, 86400),
        ("id_token_lifetime", client.id_token_lifetime, 10, 86400),
        ("refresh_idle_lifetime", client.refresh_idle_lifetime, 60, _YEAR),
        ("refresh_lifetime", client.refresh_lifetime, 60, 5 * _YEAR),
        ("default_max_age", client.default_max_age or 0, 0, _YEAR),
    ):
        if isinstance(value, bool) or not least <= value <= most:
            raise MetadataError(setting, f"{value} s is not between {least} and {most} s")
    if client.refresh_idle_lifetime > client.refresh_lifetime:
        raise MetadataError("refresh_idle_lifetime", "longer than refresh_lifetime")


def check_openid(client: Client) -> None:
    """What OpenID Connect adds: algorithms, subjects, assurance, logout."""
    for setting, algorithm in (
        ("access_alg", client.access_alg),
        ("id_token_signed_response_alg", client.id_token_alg),
        ("userinfo_signed_response_alg", client.userinfo_alg),
        ("introspection_signed_response_alg", client.introspection_alg),
    ):
        if algorithm is not None:
            _known(setting, (algorithm,), get_args(SigningAlgorithm))
    for setting, own in (
        ("token_endpoint_auth_signing_alg", client.assertion_alg),
        ("request_object_signing_alg", client.request_alg),
    ):
        if own is not None:
            _known(setting, (own,), sorted(DEFAULT_ALGORITHMS))
    _known("subject_type", (client.subject_type,), ("public", "pairwise"))
    _known("default_acr_values", client.default_acr_values, ACR_VALUES)
    if client.backchannel_logout_session_required and not client.backchannel_logout_uri:
        raise MetadataError("backchannel_logout_uri", "needed where a session is required in logout tokens")
    if client.subject_type == "pairwise" and not client.sector_identifier_uri:
        hosts = {_split(uri).hostname or "" for uri in client.redirect_uris}
        if len(hosts) != 1 or "" in hosts:
            raise MetadataError(
                "sector_identifier_uri", "needed for pairwise subjects unless all redirect URIs have one host"
            )


#: Every rule but those of redirect URIs, which depend on the kind of app; cheap ones and plain mistakes first.
RULES: tuple[Callable[[Client], None], ...] = (
    check_texts,
    check_grants,
    check_response_types,
    check_authentication,
    check_keys,
    check_scopes,
    check_lifetimes,
    check_openid,
)


def shows_secret(client: Client) -> bool:
    """Whether it authenticates with a secret shared with this server."""
    return client.authentication in SECRET_METHODS


def is_native(client: Client) -> bool:
    """Whether its redirect URIs are those of an app on a device."""
    return any(_on_device(uri) for uri in client.redirect_uris)


def is_app(client: Client) -> bool:
    """Whether it has redirect URIs that only an app on a device may have: one that registered itself may show a secret."""
    return any(redirect_problem(uri, native=False) for uri in client.redirect_uris)


def _on_device(uri: str) -> bool:
    parts = _split(uri)
    return parts.scheme not in ("https", "http", "") or parts.hostname in _LOOPBACK_NAMES


def _split(uri: str) -> SplitResult:
    """The parts of a URI that may not have been checked yet: empty ones where it cannot be taken apart."""
    try:
        return urlsplit(uri)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _known(setting: str, values: Iterable[str], known: Iterable[str]) -> None:
    offered, seen = tuple(known), set[str]()
    for value in values:
        if value not in offered:
            raise MetadataError(setting, f"{_shown(value)} is none of {', '.join(offered)}")
        if value in seen:
            raise MetadataError(setting, f"{_shown(value)} is given twice")
        seen.add(value)


def plain(text: str) -> str:
    """``text`` with nothing in it but the characters an error may have (RFC 6749 section 5.2)."""
    return _NOT_SHOWN.sub("?", text)


def _shown(value: str) -> str:
    """A value as an error may repeat it: short, on one line, of plain characters."""
    text = plain(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
