"""The token's steps: audience, possession, scopes, step-up, and what each refusal asks for."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any

import pytest
from tests.policy.exchanges import (
    ISSUER,
    TOKEN,
    WALL,
    Directory,
    bearer,
    compiled,
    exchange,
    presented,
    resource,
    verdict,
)

from wardgate.domain.rejection import REASONS, Rejection
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.policy.challenge import PROOF_ALGORITHMS, Challenge
from wardgate.policy.exchange import Exchange
from wardgate.policy.oauth2 import accepted_levels

METADATA = f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/orders/v1"'
ALGORITHMS = f'algs="{" ".join(PROOF_ALGORITHMS)}"'


def made(
    settings: OAuth2Settings | None = None,
    *,
    scopes: tuple[str, ...] = (),
    dpop: bool = False,
    proven: Any = None,
    certificate: str = "",
    sent: bool = True,
    more: dict[str, Any] | None = None,
    **token: Any,
) -> Exchange:
    """A request with a token at a resource that takes nothing else."""
    (target,) = compiled(resource("oauth2", scopes=scopes, **(more or {})), oauth2=settings).resources
    directory = Directory(tokens={TOKEN: bearer(**token)}, proven=proven)
    found = exchange(target, digest=None, token=presented(dpop=dpop) if sent else None, directory=directory)
    found.certificate = certificate
    return found


def refused(found: Exchange) -> Rejection:
    outcome = verdict(found)
    assert outcome is not None
    return outcome


def name(found: Exchange) -> str:
    outcome = verdict(found)
    return outcome.reason.name if outcome is not None else "ok"


@pytest.mark.parametrize(
    ("audiences", "settings", "expected"),
    [
        ({ISSUER}, OAuth2Settings(), "ok"),
        ({f"{ISSUER}/orders/v1"}, OAuth2Settings(), "ok"),
        ({f"{ISSUER}/orders/v1/"}, OAuth2Settings(), "ok"),
        ({"https://else.example", ISSUER}, OAuth2Settings(), "ok"),
        (set(), OAuth2Settings(), "token_audience"),
        ({f"{ISSUER}/"}, OAuth2Settings(), "token_audience"),
        ({f"{ISSUER}/orders"}, OAuth2Settings(), "token_audience"),
        ({f"{ISSUER}/orders/v1/items"}, OAuth2Settings(), "token_audience"),
        ({f"{ISSUER}/other/v1"}, OAuth2Settings(), "token_audience"),
        ({ISSUER}, OAuth2Settings(audiences=("orders",)), "token_audience"),
        ({"orders"}, OAuth2Settings(audiences=("orders",)), "ok"),
        ({"mine"}, OAuth2Settings(issuers=(TrustedIssuer(issuer="", kind="builtin", audiences=("mine",)),)), "ok"),
        ({ISSUER}, OAuth2Settings(issuers=(TrustedIssuer(issuer="https://else.example"),)), "token_audience"),
    ],
)  # fmt: skip
def test_the_audience(audiences: set[str], settings: OAuth2Settings, expected: str) -> None:
    """One of those the API goes by must be named exactly; by default the issuer and the API's own URL."""
    assert name(made(settings, audiences=frozenset(audiences))) == expected


def test_each_issuer_has_its_audiences() -> None:
    """What one issuer may name says nothing of another's tokens."""
    foreign = "https://else.example"
    settings = OAuth2Settings(
        issuers=(TrustedIssuer(issuer=foreign, audiences=("api://orders",)), TrustedIssuer(issuer="", kind="builtin"))
    )  # fmt: skip
    assert name(made(settings, issuer=foreign, audiences=frozenset({"api://orders"}))) == "ok"
    assert name(made(settings, issuer=foreign, audiences=frozenset({ISSUER}))) == "token_audience"
    assert name(made(settings, audiences=frozenset({"api://orders"}))) == "token_audience"


@pytest.mark.parametrize(
    ("bound", "jkt", "x5t", "dpop", "certificate", "proven", "expected"),
    [
        ("none", "", "", False, "", None, "ok"),
        ("none", "", "", False, "cert", None, "ok"),
        ("none", "", "", True, "", None, "token_unbound"),
        ("none", "key", "", True, "", None, "ok"),
        ("none", "key", "", False, "", None, "dpop_missing"),
        ("none", "key", "", True, "", "dpop_replayed", "dpop_replayed"),
        ("none", "", "cert", False, "cert", None, "ok"),
        ("none", "", "cert", False, "", None, "certificate_mismatch"),
        ("none", "", "cert", False, "other", None, "certificate_mismatch"),
        ("none", "", "cert", True, "cert", None, "token_unbound"),
        ("none", "key", "cert", True, "cert", None, "ok"),
        ("none", "key", "cert", True, "", None, "certificate_mismatch"),
        ("none", "key", "cert", False, "cert", None, "dpop_missing"),
        ("dpop", "", "", False, "", None, "token_unbound"),
        ("dpop", "", "cert", False, "cert", None, "token_unbound"),
        ("dpop", "key", "", True, "", None, "ok"),
        ("mtls", "", "", False, "cert", None, "token_unbound"),
        ("mtls", "key", "", True, "cert", None, "token_unbound"),
        ("mtls", "", "cert", False, "cert", None, "ok"),
        ("any", "", "", False, "cert", None, "token_unbound"),
        ("any", "key", "", True, "", None, "ok"),
        ("any", "", "cert", False, "cert", None, "ok"),
    ],
)
def test_possession(
    bound: Any, jkt: str, x5t: str, dpop: bool, certificate: str, proven: str | None, expected: str
) -> None:
    """A bound token is good with its key only, an unbound one only where none is asked for, and never as DPoP."""
    found = made(
        OAuth2Settings(bound=bound), jkt=jkt, x5t=x5t, dpop=dpop, certificate=certificate, proven=proven
    )
    assert name(found) == expected
    assert (found.principal is not None) == (expected == "ok")


async def _says(value: Any) -> Any:
    return value


async def waited(found: Exchange) -> str:
    """The verdict of the first step, which has to wait."""
    step = next(named.call for named in found.resource.table if named.policy == "oauth2")
    outcome = step(found)
    assert inspect.isawaitable(outcome)
    said = await outcome
    return said.reason.name if said is not None else "ok"


@pytest.mark.parametrize("reason", [None, "dpop_replayed"])
async def test_a_proof_may_take_its_time(reason: str | None) -> None:
    """Whether a proof was seen before is asked elsewhere; until the answer nobody is let in."""
    found = made(jkt="key", dpop=True, proven=_says(reason))
    assert await waited(found) == (reason or "ok")
    assert (found.principal is not None, found.proven) == (reason is None, reason is None)


@pytest.mark.parametrize("answer", ["token_revoked", "issuer_unavailable", None])
async def test_a_token_may_take_its_time(answer: str | None) -> None:
    """Keys may have to be fetched first, and a proof looked at after that."""
    (target,) = compiled(resource("oauth2")).resources
    pending: Awaitable[Any] = _says(answer or bearer(jkt="key"))
    directory = Directory(tokens={TOKEN: pending}, proven=None if answer else _says(None))
    found = exchange(target, digest=None, token=presented(dpop=True), directory=directory)
    assert await waited(found) == (answer or "ok")
    assert (found.principal is not None) == (answer is None)


def test_what_was_proven_is_not_asked_for_again() -> None:
    """An exchange that is judged a second time has no fresh proof to show."""
    found = made(jkt="key", dpop=True, proven="dpop_expired")
    found.proven = True
    assert name(found) == "ok"


# -- challenges


def test_without_a_token_no_error_is_named() -> None:
    """RFC 6750 section 3.1: what is asked for, and where to learn more (RFC 9728 section 5.1)."""
    outcome = refused(made(scopes=("read", "write"), sent=False))
    assert (outcome.reason.status, outcome.reason.public) == (401, "credential_missing")
    assert outcome.headers == (
        f'WWW-Authenticate: Bearer realm="wardgate", scope="read write", {METADATA}'.encode(),
    )


def test_a_wrong_token_is_an_invalid_token() -> None:
    """Every way a token can be wrong is told alike."""
    outcome = refused(made(audiences=frozenset()))
    assert (outcome.reason.status, outcome.reason.public) == (401, "credential_invalid")
    assert outcome.headers == (
        f'WWW-Authenticate: Bearer realm="wardgate", error="invalid_token", {METADATA}'.encode(),
    )


def test_the_error_stands_on_the_scheme_that_was_used() -> None:
    """A DPoP request hears of DPoP, with the algorithms; Bearer is only offered."""
    outcome = refused(made(dpop=True))
    assert outcome.headers == (
        f'WWW-Authenticate: Bearer realm="wardgate", {METADATA}'.encode(),
        f'WWW-Authenticate: DPoP realm="wardgate", error="invalid_token", {ALGORITHMS}, {METADATA}'.encode(),
    )


@pytest.mark.parametrize(
    ("bound", "schemes"), [("none", ["Bearer"]), ("mtls", ["Bearer"]), ("dpop", ["DPoP"]), ("any", ["Bearer", "DPoP"])]
)  # fmt: skip
def test_what_is_offered_follows_what_is_demanded(bound: Any, schemes: list[str]) -> None:
    """Where only DPoP helps, Bearer is not offered."""
    outcome = refused(made(OAuth2Settings(bound=bound), sent=False))
    assert [line.split()[1].decode() for line in outcome.headers] == schemes


def test_a_missing_scope_is_named() -> None:
    """RFC 6750 section 3.1: 403, ``insufficient_scope``, and the scopes that are missing, no others."""
    outcome = refused(made(scopes=("read", "write", "admin")))
    assert (outcome.reason.status, outcome.reason.name) == (403, "scope_missing")
    assert outcome.headers == (
        f'WWW-Authenticate: Bearer realm="wardgate", error="insufficient_scope", scope="admin write", {METADATA}'.encode(),
    )  # fmt: skip


def test_a_nonce_is_handed_out() -> None:
    """RFC 9449 section 9: ``use_dpop_nonce`` and the nonce."""
    outcome = refused(made(dpop=True, jkt="key", proven="dpop_nonce_required"))
    assert outcome.reason.status == 401
    assert outcome.headers[-1] == b"DPoP-Nonce: nonce-1"
    assert outcome.headers[-2].startswith(b'WWW-Authenticate: DPoP realm="wardgate", error="use_dpop_nonce"')


def test_an_issuer_that_is_down_is_no_wrong_token() -> None:
    """503 with Retry-After, and no challenge."""
    (target,) = compiled(resource("oauth2")).resources
    directory = Directory(tokens={TOKEN: "issuer_unavailable"})
    outcome = refused(exchange(target, digest=None, token=presented(), directory=directory))
    assert (outcome.reason.status, outcome.headers) == (503, ())
    assert outcome.retry_after


def test_every_reason_of_a_token_looks_alike() -> None:
    """Reasons of tokens and proofs share status and public name."""
    wrong = [
        reason for reason in REASONS.values() if reason.name.startswith(("token_", "dpop_", "certificate_"))
    ]
    assert len(wrong) > 15
    alike = {(reason.status, reason.public) for reason in wrong if reason.name != "dpop_nonce_required"}
    assert alike == {(401, "credential_invalid")}


def test_what_cannot_stand_in_a_header_is_left_out() -> None:
    """No scope or URL breaks out of its quotes."""
    challenge = Challenge(bearer=True, scopes=('a"b\\c\r\nX: y',), metadata="https://a\u00e9")
    (line,) = challenge.missing().headers
    assert (
        line == b'WWW-Authenticate: Bearer realm="wardgate", scope="abcX: y", resource_metadata="https://a"'
    )


# -- step-up (RFC 9470)


@pytest.mark.parametrize(
    ("wanted", "max_age", "acr", "signed_in", "expected"),
    [
        ((), None, "", None, "ok"),
        (("urn:wardgate:acr:2",), None, "urn:wardgate:acr:2", None, "ok"),
        (("urn:wardgate:acr:2",), None, "urn:wardgate:acr:1", None, "authentication_insufficient"),
        (("urn:wardgate:acr:2",), None, "", None, "authentication_insufficient"),
        (("urn:wardgate:acr:1",), None, "urn:wardgate:acr:2", None, "ok"),
        (("gold", "silver"), None, "silver", None, "ok"),
        (("gold",), None, "urn:wardgate:acr:2", None, "authentication_insufficient"),
        ((), 60, "", WALL - 60, "ok"),
        ((), 60, "", WALL - 90, "ok"),
        ((), 60, "", WALL - 91, "authentication_insufficient"),
        ((), 60, "", None, "authentication_insufficient"),
        (("gold",), 60, "gold", WALL - 91, "authentication_insufficient"),
    ],
)
def test_step_up(
    wanted: tuple[str, ...], max_age: int | None, acr: str, signed_in: float | None, expected: str
) -> None:
    """The sign-in was one of those asked for, and recent enough, give or take the skew of clocks."""
    more = {"acr_values": wanted, "max_age": max_age}
    assert name(made(more=more, acr=acr, auth_time=signed_in)) == expected


def test_step_up_says_how() -> None:
    """The challenge names what to ask the authorization server for."""
    more = {"acr_values": ("gold", "silver"), "max_age": 60}
    outcome = refused(made(more=more))
    assert outcome.reason.status == 401
    (line,) = outcome.headers
    assert b'error="insufficient_user_authentication", acr_values="gold silver", max_age="60"' in line


def test_the_stricter_age_wins() -> None:
    """A resource may ask for a fresher sign-in than its API, not for an older one."""
    for own, general in ((60, 600), (600, 60)):
        found = made(OAuth2Settings(max_age=general), more={"max_age": own}, auth_time=WALL - 100)
        assert name(found) == "authentication_insufficient"


def test_levels_of_this_server_are_ordered() -> None:
    """Two factors satisfy who asks for one; other servers' values stand for themselves."""
    assert accepted_levels(("urn:wardgate:acr:1",)) == {"urn:wardgate:acr:1", "urn:wardgate:acr:2"}
    assert accepted_levels(("urn:wardgate:acr:2",)) == {"urn:wardgate:acr:2"}
    assert accepted_levels(("gold",)) == {"gold"}
    assert accepted_levels(()) == frozenset()
