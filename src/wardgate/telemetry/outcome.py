"""The class of a request's outcome, as the access log states it and ``top`` groups errors by."""

from __future__ import annotations

from enum import StrEnum

from wardgate.domain.rejection import REASONS

#: The reason of a request that no step refused, in log, metrics and roll-ups.
OK = "ok"


class Outcome(StrEnum):
    """Who answered a request, or what stood in its way."""

    BACKEND_RESPONSE = "BACKEND_RESPONSE"
    #: Wardgate's own pages: JWKS, health.
    GATEWAY_RESPONSE = "GATEWAY_RESPONSE"
    #: A pre-flight answered, or an origin refused.
    CORS_RESPONSE = "CORS_RESPONSE"
    REQUEST_REFUSED = "REQUEST_REFUSED"
    AUTH_FAILURE = "AUTH_FAILURE"
    RATE_LIMITED = "RATE_LIMITED"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    NO_HEALTHY_BACKEND = "NO_HEALTHY_BACKEND"
    BACKEND_TIMEOUT = "BACKEND_TIMEOUT"
    CLIENT_CLOSED = "CLIENT_CLOSED"
    GATEWAY_ERROR = "GATEWAY_ERROR"


_BY_REASON = {
    "cors_origin_refused": Outcome.CORS_RESPONSE,
    "cors_preflight": Outcome.CORS_RESPONSE,
    "limit_unavailable": Outcome.GATEWAY_ERROR,
    "upstream_malformed": Outcome.GATEWAY_ERROR,
    "upstream_closed": Outcome.GATEWAY_ERROR,
    "upstream_timeout": Outcome.BACKEND_TIMEOUT,
}
_BY_CATEGORY = {
    "request": Outcome.REQUEST_REFUSED,
    "routing": Outcome.RESOURCE_NOT_FOUND,
    "authentication": Outcome.AUTH_FAILURE,
    "authorization": Outcome.AUTH_FAILURE,
    "limit": Outcome.RATE_LIMITED,
    "upstream": Outcome.NO_HEALTHY_BACKEND,
    "client": Outcome.CLIENT_CLOSED,
}


def outcome_of(method: str, reason: str, upstream: str) -> Outcome:
    """The outcome class of a request that ended with ``reason``; ``upstream`` is ``""`` when none was asked.

    A reason of no known category is the gateway's error: it is never counted as a success.
    """
    if reason == OK:
        if upstream:
            return Outcome.BACKEND_RESPONSE
        return Outcome.CORS_RESPONSE if method == "OPTIONS" else Outcome.GATEWAY_RESPONSE
    special = _BY_REASON.get(reason)
    if special is not None:
        return special
    known = REASONS.get(reason)
    return Outcome.GATEWAY_ERROR if known is None else _BY_CATEGORY.get(known.category, Outcome.GATEWAY_ERROR)
