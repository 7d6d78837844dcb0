"""What upstreams are told of the caller: plain headers and an assertion anyone can verify."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import KeySet

from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal, Shown
from wardgate.gateway.identity import ASSERTION_SECONDS, Identity, Signer

_WALL = 1_800_000_000.7


@dataclass
class _Key:
    kid: str
    private_pem: bytes


def _key(kid: str) -> _Key:
    private = ec.generate_private_key(ec.SECP256R1())
    return _Key(
        kid,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _caller(name: str = "mobile") -> tuple[Principal, Subscription]:
    subscription = Subscription(id="sub_1", application="app_1", api="orders/v1", plan="gold")
    application = Application(id="app_1", name=name, owner="dev@example.com")
    return Principal(Shown("k", "development"), application, {}), subscription


def _block(identity: Identity, now: float, name: str = "mobile", *, assertion: bool = True) -> bytes:
    return identity.block(*_caller(name), assertion=assertion, now=now, wall=lambda: _WALL + now)


def _token(block: bytes) -> str:
    return block.partition(b"X-Wardgate-Assertion: ")[2].strip().decode()


def test_the_assertion_verifies_with_the_published_keys() -> None:
    """ES256, a minute long, for this API; the owner's address is not in it."""
    identity = Identity(Signer([_key("new"), _key("old")]))
    jwks = json.loads(identity.jwks())
    assert [key["kid"] for key in jwks["keys"]] == ["new", "old"]
    assert not any("d" in key for key in jwks["keys"])
    token = jwt.decode(_token(_block(identity, 0.0)), KeySet.import_key_set(jwks), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "typ": "JWT", "kid": "new"}
    claims = dict(token.claims)
    assert claims.pop("jti")
    assert claims == {
        "iss": "wardgate", "sub": "app_1", "aud": "orders/v1", "application": "mobile", "subscription": "sub_1",
        "plan": "gold", "iat": int(_WALL), "exp": int(_WALL) + ASSERTION_SECONDS,
    }  # fmt: skip


def test_it_is_signed_once_in_half_a_minute() -> None:
    """The same bytes until then, fresh ones after, so an assertion has always half its life before it."""
    identity = Identity(Signer([_key("a")]))
    first = _block(identity, 0.0)
    assert _block(identity, 29.9) == first
    assert _block(identity, 30.1) != first


def test_a_forgotten_block_is_rendered_anew() -> None:
    """After a change of name or key nothing old is sent."""
    identity = Identity(Signer([_key("a")]))
    _block(identity, 0.0)
    assert b"Application: mobile\r\n" in _block(identity, 1.0, "renamed")
    identity.forget()
    assert b"Application: renamed\r\n" in _block(identity, 1.0, "renamed")
    identity.use(Signer([_key("b")]))
    token = jwt.decode(
        _token(_block(identity, 2.0)),
        KeySet.import_key_set(json.loads(identity.jwks())),
        algorithms=["ES256"],
    )
    assert token.header["kid"] == "b"


@pytest.mark.parametrize(
    "name", ["a\r\nX-Evil: 1", "a\nb", "Zürich", "日本", " x", "x ", "a\x00b", "", "\x7f"]
)
def test_names_cannot_break_out_of_their_line(name: str) -> None:
    """What is no plain text is percent-encoded: two lines, whatever the application is called."""
    block = _block(Identity(Signer([])), 0.0, name, assertion=False)
    lines = block.split(b"\r\n")
    assert len(lines) == 3
    assert lines[0].startswith(b"X-Wardgate-Application: ")
    assert all(0x20 <= byte < 0x7F for line in lines for byte in line)


def test_without_a_signing_key_nothing_is_asserted() -> None:
    """An assertion that cannot be signed is an error that says what to do; without one the headers still go."""
    identity = Identity(Signer([]))
    assert b"Assertion" not in _block(identity, 0.0, assertion=False)
    with pytest.raises(RuntimeError, match="wardgate serve"):
        _block(identity, 0.0)


@pytest.mark.parametrize(
    ("issuer", "subject", "kind"),
    [
        ("https://gateway.example", "u1", "user"),
        ("https://gateway.example", "c1", "client"),
        ("https://gateway.example", "", "client"),
        ("https://login.example", "someone@example.com", "external"),
        ("https://login.example", "c1", "client"),
    ],
)
def test_the_assertion_says_what_a_subject_is(issuer: str, subject: str, kind: str) -> None:
    """An account here, the client itself, or somebody another issuer knows; ``sub`` stays the application."""
    identity = Identity(Signer([_key("a")]), issuer="https://gateway.example")
    principal, subscription = _caller()
    token = Token(id="j", issuer=issuer, client="c1", subject=subject, scopes=frozenset({"b", "a"}))
    known = Principal(
        credential=principal.credential, application=principal.application, subscriptions={}, token=token
    )
    block = identity.block(known, subscription, assertion=True, now=0.0, wall=lambda: _WALL)
    claims = jwt.decode(_token(block), KeySet.import_key_set(json.loads(identity.jwks()))).claims
    assert (claims["sub"], claims["sub_type"], claims["subject"]) == ("app_1", kind, subject)
    assert (claims["scopes"], claims["token_issuer"]) == (["a", "b"], issuer)
    assert b"X-Wardgate-Scopes: a b\r\n" in block
    assert (b"X-Wardgate-Subject: " in block) == bool(subject)


def test_no_subject_breaks_out_of_its_line() -> None:
    """Whatever another issuer calls somebody is one header value."""
    identity = Identity(Signer([_key("a")]))
    principal, subscription = _caller()
    token = Token(id="j", issuer="i", client="c\r\nX: y", subject="\u00e9 \n", scopes=frozenset({"a\nb"}))
    known = Principal(
        credential=principal.credential, application=principal.application, subscriptions={}, token=token
    )
    lines = identity.block(known, subscription, assertion=False, now=0.0, wall=lambda: _WALL).split(b"\r\n")
    assert lines[2:] == [
        b"X-Wardgate-Client: c%0D%0AX%3A%20y",
        b"X-Wardgate-Subject: %C3%A9%20%0A",
        b"X-Wardgate-Scopes: a%0Ab",
        b"",
    ]
