"""The combination rule as a table: what a resource declares, what a request shows, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.exchanges import (
    DIGEST,
    TOKEN,
    Directory,
    api,
    bearer,
    compiled,
    exchange,
    presented,
    principal,
    resource,
    verdict,
    with_application,
)

from wardgate.domain.api import SchemeName
from wardgate.domain.principal import Principal
from wardgate.domain.trust import OAuth2Settings
from wardgate.policy.credentials import combination, uses

K: tuple[SchemeName, ...] = ("api_key",)
T: tuple[SchemeName, ...] = ("oauth2",)
KT: tuple[SchemeName, ...] = ("api_key", "oauth2")
READ = ("read",)
ADMIN = ("admin",)

#: Keys and tokens a request may show: none, good, wrong, good but of another application, no key or token at all.
SHOWN = ("-", "good", "bad", "other", "garbage")
_BAD = b"x" * 32
_OTHER = b"o" * 32
_DIGESTS = {"-": None, "good": DIGEST, "bad": _BAD, "other": _OTHER, "garbage": b""}


def outcome(
    schemes: tuple[SchemeName, ...],
    scopes: tuple[str, ...],
    require: str,
    key: str,
    token: str,
    **changes: Any,
) -> str:
    """The reason of the verdict, or ``ok``. The API uses both schemes, whatever the resource does."""
    target, *_ = compiled(
        resource(*schemes, scopes=scopes, require=require), resource(*KT, name="GET /other"), **changes
    ).resources
    directory = Directory(
        known={DIGEST: principal(), _OTHER: _elsewhere()},
        tokens={TOKEN: bearer(), _OTHER: bearer(application="app_2")},
    )
    sent = None
    if token != "-":
        sent = presented(digest={"good": TOKEN, "bad": _BAD, "other": _OTHER, "garbage": b""}[token])
    refused = verdict(exchange(target, digest=_DIGESTS[key], token=sent, directory=directory))
    return refused.reason.name if refused is not None else "ok"


def _elsewhere() -> Principal:
    known = principal()
    return with_application(known, id="app_3")


#: schemes, scopes, require; then by key and token shown what comes of it.
TABLE: list[tuple[tuple[SchemeName, ...], tuple[str, ...], str, dict[tuple[str, str], str]]] = [
    # Open: nothing is looked at.
    ((), (), "any", {(key, token): "ok" for key in SHOWN for token in SHOWN}),
    # A key is asked for.
    (
        K,
        (),
        "any",
        {
            ("-", "-"): "credential_missing",
            ("good", "-"): "ok",
            ("bad", "-"): "key_unknown",
            ("garbage", "-"): "credential_malformed",
            ("-", "good"): "credential_missing",
            ("-", "bad"): "credential_missing",
            ("good", "good"): "ok",
            ("good", "bad"): "token_unknown",
            ("good", "garbage"): "token_malformed",
            ("good", "other"): "credentials_mismatch",
            ("other", "good"): "credentials_mismatch",
            ("bad", "good"): "key_unknown",
        },
    ),
    # A token is asked for.
    (
        T,
        (),
        "any",
        {
            ("-", "-"): "credential_missing",
            ("-", "good"): "ok",
            ("-", "bad"): "token_unknown",
            ("-", "garbage"): "token_malformed",
            ("good", "-"): "credential_missing",
            ("bad", "-"): "credential_missing",
            ("good", "good"): "ok",
            ("bad", "good"): "key_unknown",
            ("garbage", "good"): "credential_malformed",
            ("good", "bad"): "token_unknown",
            ("good", "other"): "credentials_mismatch",
        },
    ),
    # Either.
    (
        KT,
        (),
        "any",
        {
            ("-", "-"): "credential_missing",
            ("good", "-"): "ok",
            ("bad", "-"): "key_unknown",
            ("garbage", "-"): "credential_malformed",
            ("-", "good"): "ok",
            ("-", "bad"): "token_unknown",
            ("-", "garbage"): "token_malformed",
            ("good", "good"): "ok",
            ("good", "bad"): "token_unknown",
            ("bad", "good"): "key_unknown",
            ("garbage", "good"): "credential_malformed",
            ("good", "garbage"): "token_malformed",
            ("bad", "bad"): "token_unknown",
            ("good", "other"): "credentials_mismatch",
            ("other", "good"): "credentials_mismatch",
        },
    ),
    # Scopes: a key alone never opens it.
    (
        KT,
        READ,
        "any",
        {
            ("-", "-"): "credential_missing",
            ("good", "-"): "credential_missing",
            ("bad", "-"): "credential_missing",
            ("-", "good"): "ok",
            ("-", "bad"): "token_unknown",
            ("good", "good"): "ok",
            ("bad", "good"): "key_unknown",
            ("good", "other"): "credentials_mismatch",
        },
    ),
    (KT, ADMIN, "any", {("-", "good"): "scope_missing", ("good", "good"): "scope_missing"}),
    (T, READ, "any", {("-", "good"): "ok", ("-", "-"): "credential_missing", ("good", "-"): "credential_missing"}),
    (T, ADMIN, "any", {("-", "good"): "scope_missing", ("-", "bad"): "token_unknown"}),
    # Both.
    (
        KT,
        (),
        "all",
        {
            ("-", "-"): "credential_missing",
            ("good", "-"): "credential_missing",
            ("-", "good"): "credential_missing",
            ("bad", "-"): "credential_missing",
            ("-", "bad"): "credential_missing",
            ("good", "good"): "ok",
            ("bad", "good"): "key_unknown",
            ("good", "bad"): "token_unknown",
            ("good", "other"): "credentials_mismatch",
            ("other", "good"): "credentials_mismatch",
        },
    ),
    (KT, READ, "all", {("good", "good"): "ok", ("-", "good"): "credential_missing", ("good", "-"): "credential_missing"}),
    (KT, ADMIN, "all", {("good", "good"): "scope_missing", ("-", "good"): "credential_missing"}),
    (K, (), "all", {("good", "-"): "ok", ("-", "-"): "credential_missing"}),
    (T, (), "all", {("-", "good"): "ok", ("good", "-"): "credential_missing"}),
    # One scheme that can be checked is enough where any will do.
    (("basic", "api_key"), (), "any", {("good", "-"): "ok", ("-", "-"): "credential_missing"}),
    (("mtls", "oauth2"), READ, "any", {("-", "good"): "ok", ("-", "-"): "credential_missing"}),
]  # fmt: skip
#: What cannot be checked stays shut, whatever is shown.
SHUT: list[tuple[tuple[SchemeName, ...], tuple[str, ...], str]] = [
    (("basic",), (), "any"),
    (("mtls", "hmac"), (), "any"),
    (("basic", "oauth2"), (), "all"),
    (("api_key", "hmac"), (), "all"),
    ((), READ, "any"),
    (K, READ, "any"),
    (K, READ, "all"),
    (("basic",), READ, "any"),
]
_ANY_SHOWN = (("-", "-"), ("good", "-"), ("-", "good"), ("good", "good"))
TABLE += [(*declared, dict.fromkeys(_ANY_SHOWN, "scheme_unavailable")) for declared in SHUT]
ROWS = [
    (schemes, scopes, require, key, token, expected)
    for schemes, scopes, require, outcomes in TABLE
    for (key, token), expected in outcomes.items()
]


@pytest.mark.parametrize(("schemes", "scopes", "require", "key", "token", "expected"), ROWS)
def test_the_combination_rule(
    schemes: tuple[SchemeName, ...],
    scopes: tuple[str, ...],
    require: str,
    key: str,
    token: str,
    expected: str,
) -> None:
    """Each row: what the resource declares, what is shown, and the reason."""
    assert outcome(schemes, scopes, require, key, token) == expected


_SCHEMES = st.lists(st.sampled_from(["api_key", "oauth2", "basic", "mtls", "hmac"]), unique=True)


@given(
    _SCHEMES,
    st.sampled_from([(), READ, ADMIN]),
    st.sampled_from(["any", "all"]),
    st.sampled_from(SHOWN),
    st.sampled_from(SHOWN),
)
def test_only_good_credentials_get_in(
    schemes: list[SchemeName], scopes: tuple[str, ...], require: str, key: str, token: str
) -> None:
    """Whatever is declared together: nothing wrong gets in, scopes need a token, and ``all`` needs all."""
    if outcome(tuple(schemes), scopes, require, key, token) != "ok":
        return
    if not schemes:
        assert not scopes
        return
    assert key in ("-", "good", "other")
    assert token in ("-", "good", "other")
    if scopes:
        assert token in ("good", "other")
        assert scopes == READ
    if require == "all":
        assert set(schemes) <= {"api_key", "oauth2"}
        assert ("api_key" not in schemes or key != "-") and ("oauth2" not in schemes or token != "-")
    if key != "-" and token != "-":
        assert (key, token) == ("good", "good")
    assert ("api_key" in schemes and key != "-") or ("oauth2" in schemes and token != "-")


@pytest.mark.parametrize(("acr", "max_age"), [(("urn:wardgate:acr:2",), None), ((), 60)])
def test_where_a_sign_in_is_asked_for_a_key_is_not_enough(acr: tuple[str, ...], max_age: int | None) -> None:
    """A resource that takes either, and asks how a person signed in, takes tokens only; so does one of such an API."""
    asking = resource(*KT, acr_values=acr, max_age=max_age)
    assert combination(asking, keys=True, tokens=True, asks_person=True).kind == "token"
    (own,) = compiled(asking).resources
    (by_api,) = compiled(resource(*KT), oauth2=OAuth2Settings(acr_values=acr, max_age=max_age)).resources
    for target in (own, by_api):
        refused = verdict(exchange(target, principal()))
        assert refused is not None
        assert refused.reason.name == "credential_missing"


def test_a_key_that_only_some_resources_use_is_looked_at_on_all() -> None:
    """Where no resource of an API takes keys, what stands in the key's place is none of its business; the same for
    tokens."""
    directory = Directory(known={DIGEST: principal()}, tokens={TOKEN: bearer()})
    (tokens_only,) = compiled(resource("oauth2")).resources
    assert verdict(exchange(tokens_only, digest=_BAD, token=presented(), directory=directory)) is None
    (keys_only,) = compiled(resource("api_key")).resources
    assert not keys_only.tokens
    assert verdict(exchange(keys_only, directory=directory, token=presented(digest=_BAD))) is None


def test_undeclared_resources_count_where_they_are_let_through() -> None:
    """An API whose undeclared resources take tokens uses tokens; not if they are refused."""
    assert uses(api(schemes=T, undeclared="allow"), "oauth2")
    assert not uses(api(schemes=T), "oauth2")


def test_two_credentials_keep_the_restrictions_of_the_key() -> None:
    """A key that covers one resource alone does not cover more with a token beside it."""
    directory = Directory(
        known={DIGEST: principal(resources=("orders/v1 GET /else",))}, tokens={TOKEN: bearer()}
    )
    (target,) = compiled(resource(*KT)).resources
    refused = verdict(exchange(target, token=presented(), directory=directory))
    assert refused is not None
    assert refused.reason.name == "key_resource_refused"


def test_two_credentials_are_known_by_both() -> None:
    """Afterwards the principal has the key's credential and the token's rights."""
    directory = Directory(known={DIGEST: principal()}, tokens={TOKEN: bearer()})
    (target,) = compiled(resource(*KT, require="all")).resources
    made = exchange(target, token=presented(), directory=directory)
    assert verdict(made) is None
    assert made.principal is not None
    assert (made.principal.credential.id, made.principal.token) == ("key_1", bearer().token)


def test_whichever_of_two_is_wrong_the_answer_is_the_same() -> None:
    """A wrong key, a wrong token, both wrong, and two applications: not one byte tells them apart."""
    (target,) = compiled(resource(*KT, require="all")).resources
    directory = Directory(
        known={DIGEST: principal(), _OTHER: _elsewhere()}, tokens={TOKEN: bearer(), _OTHER: "token_expired"}
    )
    answers = set()
    for digest, token in (
        (_BAD, TOKEN),
        (DIGEST, _BAD),
        (_BAD, _BAD),
        (_OTHER, TOKEN),
        (DIGEST, _OTHER),
        (b"", b""),
    ):
        made = exchange(target, digest=digest, token=presented(digest=token), directory=directory)
        refused = verdict(made)
        assert refused is not None
        answers.add((refused.reason.public, refused.reason.status, refused.headers))
    assert len(answers) == 1


def test_a_token_sent_in_clear_is_refused_though_it_is_right() -> None:
    """It crossed the network unencrypted; the resource's being open makes no difference."""
    for schemes in (T, KT, ()):
        target, _ = compiled(resource(*schemes), resource(*T, name="GET /other")).resources
        refused = verdict(exchange(target, digest=None, token=presented(), secure=False))
        assert refused is not None
        assert refused.reason.name == "credential_over_plain_http"
