"""The parameters OpenID Connect adds to an authorization request (OIDC core section 3.1.2.1), and step-up (RFC 9470)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.people import Session
from wardgate.identity.client_metadata import ACR_VALUES
from wardgate.identity.errors import OAuthError
from wardgate.jose.encoding import decode_object
from wardgate.jose.errors import JoseError

PROMPTS = frozenset(("none", "login", "consent", "select_account"))

_MAX_CLAIMS_LENGTH = 8 * 1024
_MAX_CLAIMS = 100
_MAX_VALUES = 20
_MAX_AGE = re.compile(r"[0-9]{1,9}")
_DESTINATIONS = ("userinfo", "id_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """How sure a sign-in must be. ``acr`` is the least that will do, empty where anything does; ``possible`` is false
    where what was asked for is nothing this server can vouch for."""

    acr: str = ""
    possible: bool = True


def read_prompt(text: str | None) -> frozenset[str]:
    """``prompt`` as a set. Raises OAuthError: an unknown value, or ``none`` with others."""
    values = frozenset((text or "").split())
    unknown = values - PROMPTS
    if unknown:
        raise OAuthError("invalid_request", f"prompt knows only {', '.join(sorted(PROMPTS))}")
    if "none" in values and len(values) > 1:
        raise OAuthError("invalid_request", "prompt=none stands alone")
    return values


def read_max_age(text: str | None, default: int | None) -> int | None:
    """``max_age`` in seconds, the client's ``default`` where it is absent. Raises OAuthError for anything else."""
    if text is None:
        return default
    if _MAX_AGE.fullmatch(text) is None:
        raise OAuthError("invalid_request", "max_age is no number of seconds")
    return int(text)


def read_claims(text: str | None) -> dict[str, dict[str, Any]]:
    """The ``claims`` request (OIDC core section 5.5): by destination, each claim with what is asked of it.

    A claim that is asked for without conditions has an empty mapping. Raises OAuthError for another form.
    """
    if text is None:
        return {}
    if len(text) > _MAX_CLAIMS_LENGTH:
        raise OAuthError("invalid_request", f"claims is longer than {_MAX_CLAIMS_LENGTH} characters")
    try:
        document = decode_object(text.encode())
    except (JoseError, UnicodeEncodeError):
        raise OAuthError("invalid_request", "claims is no JSON object with each member once") from None
    return {
        name: _claims_of(name, document[name]) for name in _DESTINATIONS if document.get(name) is not None
    }


def _claims_of(destination: str, asked: Any) -> dict[str, Any]:
    if not isinstance(asked, dict) or len(asked) > _MAX_CLAIMS:
        raise OAuthError("invalid_request", f"claims.{destination} is no object of claims")
    for wish in asked.values():
        if wish is None:
            continue
        if not isinstance(wish, dict):
            raise OAuthError(
                "invalid_request", f"a claim of claims.{destination} is neither null nor an object"
            )
        values = wish.get("values", [])
        essential = wish.get("essential", False)
        if not isinstance(values, list) or len(values) > _MAX_VALUES or not isinstance(essential, bool):
            raise OAuthError("invalid_request", f"a claim of claims.{destination} is not well-formed")
    return {name: wish or {} for name, wish in asked.items()}


def wished_values(claims: Mapping[str, Mapping[str, Any]], destination: str, claim: str) -> tuple[Any, ...]:
    """The values a claim may have for the client to be content; empty: any."""
    wish = claims.get(destination, {}).get(claim, {})
    return (wish["value"],) if "value" in wish else tuple(wish.get("values", ()))


def required_assurance(
    acr_values: str | None, claims: Mapping[str, Mapping[str, Any]], defaults: Iterable[str]
) -> Assurance:
    """The least of the classes the client would accept (RFC 9470 section 5): any of them will do, so will a higher.

    A wish of ``claims`` that is not essential and that nothing here meets is passed over (OIDC core section 5.5.1.1).
    """
    wished = wished_values(claims, "id_token", "acr")
    essential = claims.get("id_token", {}).get("acr", {}).get("essential", False)
    asked = tuple(value for value in wished if isinstance(value, str) and (essential or value in ACR_VALUES))
    asked = asked or tuple((acr_values or "").split()) or tuple(defaults)
    if not asked:
        return Assurance()
    known = [value for value in ACR_VALUES if value in asked]
    return Assurance(acr=known[0]) if known else Assurance(possible=False)


def is_sure_enough(session: Session, acr: str) -> bool:
    """Whether the session's sign-in is at least as sure as ``acr``, which is empty or one of ``ACR_VALUES``."""
    if not acr:
        return True
    return session.acr in ACR_VALUES and ACR_VALUES.index(session.acr) >= ACR_VALUES.index(acr)


def is_fresh(
    session: Session, *, max_age: int | None, again: bool, asked_at: float | None, now: float
) -> bool:
    """Whether the person proved who they are recently enough for the request.

    ``asked_at`` is when a request that waited for them began: a sign-in since then always will do, and is the only one
    that does where the request wants one ``again``. ``None``: it did not wait yet.
    """
    if asked_at is not None and session.auth_time >= asked_at:
        return True
    return not again and (max_age is None or now - session.auth_time <= max_age)
