"""The outcome class of every reason."""

from __future__ import annotations

import pytest

from wardgate.domain.rejection import REASONS
from wardgate.telemetry.outcome import Outcome, outcome_of


@pytest.mark.parametrize(
    ("method", "reason", "upstream", "outcome"),
    [
        ("GET", "ok", "http://127.0.0.1:9000", "BACKEND_RESPONSE"),
        ("GET", "ok", "", "GATEWAY_RESPONSE"),
        ("OPTIONS", "ok", "", "CORS_RESPONSE"),
        ("OPTIONS", "cors_origin_refused", "", "CORS_RESPONSE"),
        ("GET", "key_revoked", "", "AUTH_FAILURE"),
        ("GET", "subscription_missing", "", "AUTH_FAILURE"),
        ("GET", "quota_exceeded", "", "RATE_LIMITED"),
        ("GET", "limit_unavailable", "", "GATEWAY_ERROR"),
        ("GET", "resource_not_found", "", "RESOURCE_NOT_FOUND"),
        ("GET", "upstream_unavailable", "", "NO_HEALTHY_BACKEND"),
        ("GET", "upstream_timeout", "http://127.0.0.1:9000", "BACKEND_TIMEOUT"),
        ("GET", "path_ambiguous", "", "REQUEST_REFUSED"),
        ("GET", "client_closed", "http://127.0.0.1:9000", "CLIENT_CLOSED"),
        ("GET", "store_unavailable", "", "GATEWAY_ERROR"),
        ("GET", "a_policy_of_somebody", "", "GATEWAY_ERROR"),
    ],
)
def test_a_reason_has_its_outcome(method: str, reason: str, upstream: str, outcome: str) -> None:
    """Each reason falls in the class an operator looks for it in."""
    assert outcome_of(method, reason, upstream) == outcome


def test_no_rejection_counts_as_a_backend_response() -> None:
    """Whatever the reason, a refusal is never taken for the backend's own answer."""
    for reason in REASONS:
        assert outcome_of("GET", reason, "http://127.0.0.1:9000") is not Outcome.BACKEND_RESPONSE
