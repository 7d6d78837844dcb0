"""A client's settings keep the rules, whoever sets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.identity.client_metadata import MetadataError, check_client, warnings_of

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k"}
WEB = Client(
    id="cl_1",
    application="app_1",
    environment="development",
    name="Shop",
    redirect_uris=("https://shop.example/cb",),
    scopes=("openid", "orders.read"),
)


def test_a_plain_web_client_is_sound() -> None:
    """The defaults with one redirect URI keep every rule and warn of nothing."""
    check_client(WEB)
    assert warnings_of(WEB) == ()


SOUND: list[dict[str, Any]] = [
    {"grant_types": ("client_credentials",), "response_types": (), "redirect_uris": ()},
    {"authentication": "none", "redirect_uris": ("com.example.shop:/cb", "http://127.0.0.1/cb")},
    {"authentication": "private_key_jwt", "jwks": {"keys": [KEY]}},
    {"authentication": "private_key_jwt", "jwks_uri": "https://shop.example/jwks"},
    {"authentication": "tls_client_auth", "tls_subject_dn": "CN=shop"},
    {"authentication": "self_signed_tls_client_auth", "jwks": {"keys": [KEY]}},
    {
        "grant_types": ("authorization_code", "implicit"),
        "response_types": ("code", "token", "id_token", "id_token token"),
    },
    {"grant_types": (DEVICE_CODE, "refresh_token"), "response_types": (), "redirect_uris": ()},
    {
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://shop.example/s",
        "redirect_uris": ("https://a.example/cb", "https://b.example/cb"),
    },
    {"backchannel_logout_uri": "https://shop.example/bc", "backchannel_logout_session_required": True},
]


@pytest.mark.parametrize("changes", SOUND)
def test_what_clients_are(changes: dict[str, Any]) -> None:
    """Every kind of client the server is for can be registered."""
    check_client(replace(WEB, **changes))


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "client_name"),
    ({"name": "a\nb"}, "client_name"),
    ({"name": "bank\u202emoc.live"}, "client_name"),
    ({"name": "x" * 201}, "client_name"),
    ({"contacts": ("a\r\nBcc: b",)}, "contacts"),
    ({"contacts": ("a",) * 11}, "contacts"),
    ({"client_uri": "javascript:alert(1)"}, "client_uri"),
    ({"logo_uri": "http://shop.example/logo"}, "logo_uri"),
    ({"policy_uri": "https://u@shop.example"}, "policy_uri"),
    ({"tos_uri": "data:,x"}, "tos_uri"),
    ({"backchannel_logout_uri": "https://shop.example/#x"}, "backchannel_logout_uri"),
    ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
    ({"grant_types": ()}, "grant_types"),
    ({"grant_types": ("refresh_token",)}, "grant_types"),
    ({"grant_types": ("authorization_code", "magic")}, "grant_types"),
    ({"grant_types": ("authorization_code", "authorization_code")}, "grant_types"),
    ({"authentication": "none", "grant_types": ("client_credentials",)}, "grant_types"),
    ({"response_types": ()}, "response_types"),
    ({"response_types": ("code", "token")}, "response_types"),
    ({"response_types": ("code", "code id_token")}, "response_types"),
    ({"grant_types": ("authorization_code", "implicit")}, "response_types"),
    ({"authentication": "client_secret_jwt"}, "token_endpoint_auth_method"),
    ({"authentication": "private_key_jwt"}, "jwks"),
    ({"require_signed_request": True}, "jwks"),
    ({"jwks": {"keys": [KEY]}, "jwks_uri": "https://shop.example/jwks"}, "jwks"),
    ({"jwks": {"keys": []}}, "jwks"),
    ({"jwks": {"keys": "x"}}, "jwks"),
    ({"jwks": {"keys": ["x"]}}, "jwks"),
    ({"jwks": {"keys": [{**KEY, "d": "AA"}]}}, "jwks"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "jwks"),
    ({"jwks": {"keys": [{"kty": "EC", "crv": "P-192", "x": "AA", "y": "AA"}]}}, "jwks"),
    ({"authentication": "tls_client_auth"}, "tls_client_auth_subject_dn"),
    (
        {"authentication": "tls_client_auth", "tls_subject_dn": "CN=a", "tls_san_dns": "a"},
        "tls_client_auth_subject_dn",
    ),
    ({"tls_subject_dn": "CN=a"}, "tls_client_auth_subject_dn"),
    ({"scopes": ("a b",)}, "scope"),
    ({"scopes": ('a"',)}, "scope"),
    ({"scopes": ("a", "a")}, "scope"),
    ({"audiences": ("/orders",)}, "audiences"),
    ({"audiences": ("https://api.example/#x",)}, "audiences"),
    ({"authorization_details_types": ("a\\b",)}, "authorization_details_types"),
    ({"access_lifetime": 5}, "access_lifetime"),
    ({"access_lifetime": 86401}, "access_lifetime"),
    ({"id_token_lifetime": 0}, "id_token_lifetime"),
    ({"refresh_idle_lifetime": 100 * 86400}, "refresh_idle_lifetime"),
    ({"default_max_age": -1}, "default_max_age"),
    ({"id_token_alg": "HS256"}, "id_token_signed_response_alg"),
    ({"userinfo_alg": "none"}, "userinfo_signed_response_alg"),
    ({"introspection_alg": "RS1"}, "introspection_signed_response_alg"),
    ({"assertion_alg": "HS256"}, "token_endpoint_auth_signing_alg"),
    ({"request_alg": "none"}, "request_object_signing_alg"),
    ({"subject_type": "secret"}, "subject_type"),
    ({"default_acr_values": ("urn:mace:gold",)}, "default_acr_values"),
    ({"backchannel_logout_session_required": True}, "backchannel_logout_uri"),
    (
        {
            "subject_type": "pairwise",
            "redirect_uris": ("https://a.example/cb", "https://b.example/cb"),
        },
        "sector_identifier_uri",
    ),
    (
        {
            "grant_types": ("implicit",),
            "response_types": ("token",),
            "require_dpop": True,
        },
        "grant_types",
    ),
]


@pytest.mark.parametrize(("changes", "setting"), BROKEN)
def test_what_no_client_is(changes: dict[str, Any], setting: str) -> None:
    """Each broken rule names its setting, as invalid_client_metadata."""
    with pytest.raises(MetadataError) as caught:
        check_client(replace(WEB, **changes))
    assert (caught.value.setting, caught.value.error) == (setting, "invalid_client_metadata")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": ()},
        {"redirect_uris": ("https://shop.example/*",)},
        {"redirect_uris": ("com.example.shop:/cb",)},
        {"redirect_uris": tuple(f"https://shop.example/{n}" for n in range(51))},
        {"post_logout_redirect_uris": ("http://shop.example/bye",)},
    ],
)
def test_redirect_uris_have_their_own_code(changes: dict[str, Any]) -> None:
    """What is wrong with a redirect URI is invalid_redirect_uri (RFC 7591 section 3.2.2)."""
    with pytest.raises(MetadataError) as caught:
        check_client(replace(WEB, **changes))
    assert caught.value.error == "invalid_redirect_uri"


def test_an_error_repeats_no_odd_character() -> None:
    """What a value holds reaches an error only as plain ASCII without quotes, and not at length."""
    with pytest.raises(MetadataError) as caught:
        check_client(replace(WEB, redirect_uris=('https://\u202e"\\' + "x" * 300,)))
    assert str(caught.value).isascii()
    assert '"' not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_legacy_is_flagged() -> None:
    """Legacy grants and a redirect to a name that need not be this machine are allowed with a warning."""
    client = replace(
        WEB,
        grant_types=("implicit", "password"),
        response_types=("token",),
        redirect_uris=("http://localhost:3000/cb",),
    )
    check_client(client)
    warnings = warnings_of(client)
    assert [warning.split()[0] for warning in warnings] == ["implicit", "password", "localhost"]
