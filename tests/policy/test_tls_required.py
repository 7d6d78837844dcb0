"""A key that crossed the network in clear."""

from __future__ import annotations

import pytest
from tests.policy.exchanges import DIGEST, Directory, compiled, exchange, principal, resource, verdict

from wardgate.gateway import answers
from wardgate.policy.compiled import CompiledResource

(GUARDED,) = compiled().resources
(FREE,) = compiled(resource()).resources


@pytest.mark.parametrize("digest", [DIGEST, b"e" * 32, b""], ids=["good", "unknown", "malformed"])
@pytest.mark.parametrize("target", [GUARDED, FREE], ids=["guarded", "open"])
def test_any_key_in_clear_is_refused_alike(target: CompiledResource, digest: bytes) -> None:
    """Good or bad, guarded or open: not even looked up, no redirect, and the answer says to rotate it."""
    directory = Directory({DIGEST: principal()})
    refused = verdict(exchange(target, digest=digest, secure=False, directory=directory))
    assert refused is not None
    assert (refused.reason.name, refused.reason.status) == ("credential_over_plain_http", 403)
    assert directory.asked == []
    answer = answers.problem(refused, b"", with_body=True)
    assert b"rotate it now" in answer
    assert b"\r\nlocation:" not in answer.lower()


def test_without_a_key_plain_http_is_no_fault_of_its_own() -> None:
    """An open resource answers; a guarded one asks for the key."""
    assert verdict(exchange(FREE, digest=None, secure=False)) is None
    refused = verdict(exchange(GUARDED, digest=None, secure=False))
    assert refused is not None
    assert refused.reason.name == "credential_missing"


def test_over_tls_the_key_counts() -> None:
    """The step has no objection."""
    assert verdict(exchange(GUARDED, principal())) is None
