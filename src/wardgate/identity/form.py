"""What endpoints for programs ask of a request alike: a form in the body, and each parameter once."""

from __future__ import annotations

from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call

_FORM = "application/x-www-form-urlencoded"


def check_form(call: Call) -> None:
    """The request is a form; nothing stands in the query, where it would be logged; no parameter stands twice.

    Raises:
        OAuthError: ``invalid_request``.
    """
    if (call.header("content-type") or "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"The body must be {_FORM}")
    if call.query.pairs:
        raise OAuthError("invalid_request", "Parameters belong in the body, not in the query")
    repeated = call.form.repeated()
    if repeated is not None:
        # Its name is not shown: it may be anything that was sent.
        raise OAuthError("invalid_request", "A parameter stands more than once")
