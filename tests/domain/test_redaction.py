"""What of an audit event is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain import apikey
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import new_token
from wardgate.domain.redaction import MOST_JSON, clean, clean_text, redacted
from wardgate.domain.secret import Secret
from wardgate.domain.tokenform import new_secret


def seeded(count: int) -> bytes:
    """Bytes that are the same in every process: tests are named by what they are given."""
    return bytes(range(count))


KEY = apikey.generate("prod", seeded)
SECRETS = (
    KEY,
    new_token(seeded),
    new_secret("at", seeded),
    new_secret("cs", seeded),
)


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "client_secret",
        "password",
        "new_password",
        "refresh_token",
        "token",
        "api_key",
        "Authorization",
        "private_key",
        "recovery_code",
    ],
)
def test_what_is_named_a_secret_is_left_out(name: str) -> None:
    """A text under a name that says secret, password or token is replaced, in lists and objects too."""
    assert clean({name: "x"}) == {name: "[redacted]"}
    assert clean({"a": [{name: ["x", "y"]}]}) == {"a": [{name: ["[redacted]", "[redacted]"]}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [("token_endpoint", "https://id.example.com"), ("secret_names", ["DB"]), ("credential_id", "key_1"),
     ("token_id", "t"), ("new_secret", True),
     ("access_token_lifetime", 600), ("password", None), ("access_token_format", "jwt"), ("name", "x")],
)  # fmt: skip
def test_what_only_sounds_like_one_is_kept(name: str, value: object) -> None:
    """Addresses, names, numbers and yes or no are no secrets, whatever they are about."""
    assert clean({name: value}) == {name: value}


@pytest.mark.parametrize("text", SECRETS)
def test_keys_and_tokens_are_found_in_any_text(text: str) -> None:
    """A key pasted into a reason, a target or a value is not written."""
    event = AuditEvent(
        action="key.revoke",
        target=text,
        before={text: 1},
        after={"why": f"see {text}."},
        note=f"leaked: {text}",
    )
    kept = redacted(event)
    assert text not in repr(kept)
    assert kept.note == "leaked: [redacted]"


def test_other_secrets_with_a_form_are_found() -> None:
    """Private keys and signed tokens are recognised too, wrapped secrets and bytes always."""
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    assert clean_text(f"a {pem} b") == "a [redacted] b"
    assert clean_text("-----BEGIN EC PRIVATE KEY-----\nabc") == "[redacted]"
    assert clean_text("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln!") == "Bearer [redacted]!"
    assert clean({"a": Secret("x"), "b": b"x", "c": (Secret("y"),)}) == {
        "a": "[redacted]",
        "b": "[redacted]",
        "c": ["[redacted]"],
    }


def test_long_things_are_cut() -> None:
    """A trail is no place for documents: what is too long is replaced by its size and digest."""
    kept = redacted(
        AuditEvent(action="api.apply", target="t" * 1000, after={"text": "x" * MOST_JSON}, note="n" * 5000)
    )
    assert (len(kept.target), len(kept.note)) == (500, 2000)
    assert set(kept.after["left_out"]) == {"sha256", "bytes"}


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
_JSON = st.recursive(
    _LEAVES | st.sampled_from(SECRETS).map(Secret) | st.frozensets(st.text()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON, st.sampled_from(SECRETS))
def test_whatever_is_given_can_be_written_and_holds_no_secret(value: object, secret: str) -> None:
    """The result is JSON that both databases hold, and no key is in it wherever it stood."""
    written = json.dumps(clean({"a": value, "b": [f"<{secret}>"]}), allow_nan=False, ensure_ascii=False)
    assert secret not in written
    written.encode()
    assert "\x00" not in written
