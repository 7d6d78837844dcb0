"""OAuth 2.0 clients: what they may ask for, and how they prove who they are."""

from __future__ import annotations

from collections.abc import Iterator

from wardgate.control.compare.rules import (
    Aspect,
    At,
    bound,
    changed_unproven,
    differences,
    exposes,
    keyed,
    listed,
    neutral,
    protects,
    replaced,
)
from wardgate.control.document.clients import client_text
from wardgate.domain.difference import Difference
from wardgate.domain.document import Document
from wardgate.domain.oauth import LEGACY_GRANTS, Client


def _max_age(at: At, before: Client, after: Client) -> Iterator[Difference]:
    old, new = before.default_max_age, after.default_max_age
    weaker = old is not None and (new is None or new > old)
    text = f"people sign in anew after {new} s" if new is not None else "people need not sign in anew"
    yield at.found("default_max_age_changed", old, new, text, weakens=weaker)


CLIENT: tuple[Aspect, ...] = (
    neutral(
        *("id", "application", "environment", "name", "status", "created_at", "held_by", "held_at"),
        *("client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"),
        *("access_alg", "id_token_alg", "userinfo_alg", "introspection_alg"),
        *("backchannel_logout_uri", "backchannel_logout_session_required", "token_format"),
    ),
    replaced(
        "authentication",
        lambda old, new: f"it proves who it is by {new}, instead of {old}",
        weakens=lambda old, new: new == "none" != old,
    ),
    listed("grant_types", "the grant", weakens="added"),
    listed("response_types", "the response type", weakens="added"),
    listed("redirect_uris", "the redirect URI", weakens="added"),
    listed("post_logout_redirect_uris", "the redirect URI after signing out", weakens="added"),
    listed("scopes", "the scope", weakens="added"),
    changed_unproven("audiences", "whom its tokens may be for"),
    listed("authorization_details_types", "the type of authorization details", weakens="added"),
    bound("access_lifetime", "how long its access tokens live", unit="s"),
    bound("id_token_lifetime", "how long its id tokens live", unit="s"),
    bound("refresh_idle_lifetime", "how long an unused refresh token lives", unit="s"),
    bound("refresh_lifetime", "how long its refresh tokens live", unit="s"),
    changed_unproven("assertion_alg", "what it signs assertions with"),
    changed_unproven("request_alg", "what it signs requests with"),
    changed_unproven("jwks", "its keys"),
    changed_unproven("jwks_uri", "the place of its keys"),
    changed_unproven("tls_subject_dn", "the name in its certificate"),
    changed_unproven("tls_san_dns", "the name in its certificate"),
    changed_unproven("tls_san_uri", "the name in its certificate"),
    protects("require_par", "that it sends requests ahead"),
    protects("require_signed_request", "that it signs requests"),
    protects("require_dpop", "that it binds tokens to a key"),
    protects("certificate_bound", "that it binds tokens to its certificate"),
    protects("require_auth_time", "that it is told when people signed in"),
    changed_unproven("subject_type", "how people are named to it"),
    changed_unproven("sector_identifier_uri", "with which others people are named alike"),
    Aspect(("default_max_age",), _max_age),
    changed_unproven("default_acr_values", "how sure a sign-in has to be"),
    exposes("trusted", "that people are not asked for their consent"),
)


def clients(before: Document, after: Document) -> Iterator[Difference]:
    """How an environment's clients differ. A new one weakens if it has a legacy grant."""
    yield from keyed(
        before.clients or (),
        after.clients or (),
        lambda each: each.id,
        gone=lambda id_, old: _at(id_).found("client_removed", client_text(old), None, "the client is gone"),
        came=_came,
        stays=lambda id_, old, new: differences(_at(id_), old, new, CLIENT),
    )


def _at(id_: str) -> At:
    return At(place=f"client {id_}")


def _came(id_: str, client: Client) -> Difference:
    text = client_text(client)
    legacy = not LEGACY_GRANTS.isdisjoint(client.grant_types)
    return _at(id_).found("client_added", None, text, f"the client is new: {text}", weakens=legacy)
