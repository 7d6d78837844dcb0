"""Why a request was refused: the stable reasons and what a client is told of each.

A reason's ``name`` goes to log, metric and analytics. ``public`` is the name the client sees: every way a
credential can be wrong shares one public reason, so an answer never tells which part was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """One stable reason: its name, HTTP status, what the client reads, and the class of error it counts as."""

    name: str
    status: int
    title: str
    detail: str
    category: str
    public: str


def _table() -> dict[str, Reason]:
    reasons: dict[str, Reason] = {}

    def add(category: str, status: int, name: str, title: str, detail: str, public: str = "") -> None:
        reasons[name] = Reason(name, status, title, detail, category, public or name)

    def credential(name: str) -> None:
        add(
            "authentication",
            401,
            name,
            "Credential not accepted",
            "The credential sent with this request is not valid here.",
            "credential_invalid",
        )

    add(
        "request",
        400,
        "request_malformed",
        "Malformed request",
        "The request is not valid HTTP/1.1 (RFC 9112).",
    )
    add(
        "request",
        400,
        "framing_ambiguous",
        "Ambiguous message length",
        "Send either one Content-Length or Transfer-Encoding: chunked, never both.",
    )
    add(
        "request",
        400,
        "header_duplicate",
        "Duplicate header",
        "A header that may stand once only was sent more than once.",
    )
    add("request", 400, "host_invalid", "Invalid Host", "Send exactly one valid Host header.")
    add(
        "request",
        400,
        "path_ambiguous",
        "Ambiguous path",
        "The path must be canonical: no dot segments, empty segments, encoded slashes, backslashes, control "
        "characters or path parameters, and valid UTF-8.",
    )
    add("request", 505, "version_unsupported", "HTTP version not supported", "Use HTTP/1.1 or HTTP/1.0.")
    add(
        "request",
        501,
        "method_unsupported",
        "Method not supported",
        "This gateway does not forward the method.",
    )
    add(
        "request",
        417,
        "expectation_unsupported",
        "Expectation failed",
        "Only Expect: 100-continue is supported.",
    )
    add("request", 414, "uri_too_long", "URI too long", "Shorten the request target.")
    add(
        "request", 431, "headers_too_large", "Header fields too large", "Send fewer or shorter header fields."
    )
    add("request", 413, "body_too_large", "Body too large", "The body exceeds what this resource accepts.")
    add("request", 408, "request_timeout", "Request timeout", "The request did not arrive in time.")
    add("request", 503, "connections_exceeded", "Too many connections", "Close idle connections and retry.")
    add(
        "request",
        400,
        "proxy_header_invalid",
        "Invalid proxy header",
        "The PROXY protocol header is not valid.",
    )
    add("routing", 404, "resource_not_found", "Not found", "No such resource.")
    add("routing", 404, "api_not_found", "Not found", "No such resource.", "resource_not_found")
    add(
        "routing",
        421,
        "host_not_served",
        "Misdirected request",
        "No environment that is served here has this host.",
    )
    version = ("Version needed", "Name a version of the API that there is.")
    add("routing", 404, "version_missing", *version)
    add("routing", 404, "version_unknown", "No such version", version[1])
    add("routing", 406, "version_not_acceptable", "No such version", version[1])
    add("routing", 400, "version_ambiguous", "Two versions", "Name one version of the API.")
    add("routing", 410, "api_retired", "Gone", "This version of the API was retired.")
    add(
        "routing",
        503,
        "api_disabled",
        "Switched off",
        "The API or this part of it was switched off by its owner.",
    )
    add("routing", 403, "cors_origin_refused", "Origin not allowed", "This origin may not call the API.")
    credential("credential_invalid")
    add(
        "authentication",
        400,
        "credential_ambiguous",
        "More than one credential",
        "Send the credential once.",
    )
    add(
        "authentication",
        401,
        "credential_missing",
        "Credential required",
        "Send the credential this API asks for.",
    )
    for name in (
        "credential_malformed",
        "key_unknown",
        "key_revoked",
        "key_expired",
        "key_wrong_environment",
        "key_address_refused",
        "key_referrer_refused",
        "key_not_active",
        "token_malformed",
        "token_unknown",
        "token_unknown_issuer",
        "token_algorithm",
        "token_type",
        "token_key_unknown",
        "token_signature_invalid",
        "token_expired",
        "token_not_yet_valid",
        "token_lifetime",
        "token_audience",
        "token_revoked",
        "token_inactive",
        "token_application_unknown",
        "token_unbound",
        "dpop_missing",
        "dpop_invalid",
        "dpop_mismatch",
        "dpop_expired",
        "dpop_replayed",
        "certificate_mismatch",
        "credentials_mismatch",
    ):
        credential(name)
    add(
        "authentication",
        401,
        "dpop_nonce_required",
        "DPoP nonce required",
        "Make a new proof with the nonce of this answer's DPoP-Nonce header (RFC 9449 section 9).",
    )
    add(
        "authentication",
        401,
        "authentication_insufficient",
        "Stronger or fresher sign-in required",
        "Get a token from a sign-in as the WWW-Authenticate header asks for (RFC 9470).",
    )
    add(
        "authentication",
        403,
        "credential_over_plain_http",
        "Credential sent without TLS",
        "The credential crossed the network unencrypted. Treat it as leaked: rotate it now, then call over https.",
    )
    add(
        "authentication",
        401,
        "scheme_unavailable",
        "Credential required",
        "Send the credential this API asks for.",
        "credential_missing",
    )
    add(
        "authorization",
        403,
        "subscription_missing",
        "No subscription",
        "This application is not subscribed to the API.",
    )
    add(
        "authorization",
        403,
        "application_suspended",
        "Application suspended",
        "This application is suspended.",
    )
    add(
        "authorization",
        403,
        "key_resource_refused",
        "Resource not allowed",
        "The credential does not cover this resource.",
    )
    add(
        "authorization",
        403,
        "scope_missing",
        "Insufficient scope",
        "The access token lacks a scope this resource needs; the WWW-Authenticate header names it.",
    )
    add(
        "authorization",
        403,
        "access_denied",
        "Access denied",
        "The credential is valid and opens nothing here.",
    )
    for name in (
        "subscription_pending",
        "subscription_suspended",
        "subscription_rejected",
        "subscription_expired",
        "subscription_network",
        "acl_denied",
        "condition_failed",
    ):
        add(
            "authorization",
            403,
            name,
            "Access denied",
            "The credential is valid and opens nothing here.",
            "access_denied",
        )
    add("limit", 429, "rate_exceeded", "Rate limit exceeded", "Slow down and retry after the time given.")
    add("limit", 429, "spike_exceeded", "Too many requests at once", "Spread requests out and retry.")
    add("limit", 429, "quota_exceeded", "Quota exceeded", "The quota of this period is used up.")
    add(
        "limit",
        429,
        "concurrency_exceeded",
        "Too many requests in flight",
        "Wait for earlier requests to finish.",
    )
    add(
        "limit",
        503,
        "limit_unavailable",
        "Temporarily unavailable",
        "The request could not be counted. Retry.",
    )
    add(
        "gateway",
        503,
        "store_unavailable",
        "Temporarily unavailable",
        "The credential could not be checked. Retry.",
    )
    add(
        "gateway",
        503,
        "issuer_unavailable",
        "Temporarily unavailable",
        "The credential could not be checked. Retry.",
    )
    add(
        "gateway",
        503,
        "secret_missing",
        "Temporarily unavailable",
        "The API cannot be reached for now.",
        "upstream_unavailable",
    )
    add("gateway", 500, "gateway_error", "Internal error", "The gateway failed to handle the request.")
    add("gateway", 503, "draining", "Shutting down", "Retry on a new connection.")
    add("upstream", 503, "upstream_unavailable", "Upstream unavailable", "No healthy upstream. Retry later.")
    add("upstream", 502, "upstream_connect_failed", "Bad gateway", "The upstream could not be reached.")
    add("upstream", 502, "upstream_closed", "Bad gateway", "The upstream closed before answering.")
    add("upstream", 502, "upstream_malformed", "Bad gateway", "The upstream's answer is not valid HTTP.")
    add("upstream", 504, "upstream_timeout", "Gateway timeout", "The upstream did not answer in time.")
    add("client", 499, "client_closed", "Client closed", "The client closed before the answer was complete.")
    return reasons


#: Every reason by name. A third-party policy adds its own with :func:`register`.
REASONS: dict[str, Reason] = _table()


def register(reason: Reason) -> Reason:
    """Makes a policy's own reason known; its name then stands for it in log and metrics.

    Raises:
        ValueError: another reason has that name, or its public name is unknown.
    """
    known = REASONS.get(reason.name)
    if known is not None and known != reason:
        raise ValueError(f"rejection reason {reason.name!r} is already defined")
    if reason.public != reason.name and reason.public not in {r.public for r in REASONS.values()}:
        raise ValueError(f"rejection reason {reason.name!r} names an unknown public reason {reason.public!r}")
    REASONS[reason.name] = reason
    return reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """A step's refusal: the reason, headers the answer needs, and a private note for the log.

    ``headers`` are pre-rendered lines without CRLF (``b"WWW-Authenticate: ApiKey"``). ``note`` is never sent. ``detail``
    is, in place of the reason's own.
    """

    reason: Reason
    headers: tuple[bytes, ...] = ()
    retry_after: float | None = None
    note: str = field(default="", repr=False)
    detail: str = ""

    @classmethod
    def of(
        cls, name: str, *headers: bytes, retry_after: float | None = None, note: str = "", detail: str = ""
    ) -> Rejection:
        """The rejection for the reason called ``name``."""
        return cls(REASONS[name], headers, retry_after, note, detail)
