"""Whose access tokens are believed, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wardgate.control.compare.access import settings_of, stricter_levels
from wardgate.control.compare.rules import (
    Aspect,
    At,
    bound,
    bounded,
    changed_unproven,
    differences,
    elements,
    neutral,
    protects,
    told,
)
from wardgate.domain.difference import Difference
from wardgate.domain.trust import Binding, OAuth2Settings, TrustedIssuer

BUILTIN = TrustedIssuer(issuer="", kind="builtin")
#: For each binding, those that ask for no less.
_NO_LESS: Mapping[Binding, frozenset[Binding]] = {
    "none": frozenset(("none", "any", "dpop", "mtls")),
    "any": frozenset(("any", "dpop", "mtls")),
    "dpop": frozenset(("dpop",)),
    "mtls": frozenset(("mtls",)),
}


def _audiences(at: At, before: OAuth2Settings | TrustedIssuer, after: Any) -> Iterator[Difference]:
    old, new = before.audiences, after.audiences
    if old and new:
        yield from elements(at, "audience", old, new, "the audience", weakens="added")
        return
    yield at.found(
        "audience_changed",
        old,
        new,
        f"tokens are accepted for {told(new) if new else 'the usual audiences'}, "
        f"instead of {told(old) if old else 'the usual audiences'}",
        weakens=True,
    )


def _bound(at: At, before: OAuth2Settings, after: OAuth2Settings) -> Iterator[Difference]:
    weaker = after.bound not in _NO_LESS[before.bound]
    yield at.found(
        "bound_changed",
        before.bound,
        after.bound,
        f"proof of possession goes from {before.bound} to {after.bound}",
        weakens=weaker,
    )


def _levels(at: At, before: OAuth2Settings, after: OAuth2Settings) -> Iterator[Difference]:
    yield at.found(
        "acr_changed",
        before.acr_values,
        after.acr_values,
        f"the sign-in asked for goes from {told(before.acr_values)} to {told(after.acr_values)}",
        weakens=not stricter_levels(before.acr_values, after.acr_values),
    )


def _token_endpoint(at: At, before: Any, after: Any) -> Iterator[Difference]:
    yield at.found(
        "token_endpoint_changed",
        before.token_endpoint,
        after.token_endpoint,
        f"requests for tokens, with the clients' secrets in them, go to {after.token_endpoint or 'this installation'}, "
        f"instead of {before.token_endpoint or 'this installation'}",
        weakens=bool(after.token_endpoint),
    )


TOKEN_ENDPOINT = Aspect(("token_endpoint",), _token_endpoint)


def _mapped(name: str, kind: str, thing: str) -> Aspect:
    """A mapping that grants: an entry that is new or different weakens, one that goes does not."""

    def compare(at: At, before: TrustedIssuer, after: TrustedIssuer) -> Iterator[Difference]:
        old: Mapping[str, Any] = getattr(before, name)
        new: Mapping[str, Any] = getattr(after, name)
        for key in old.keys() - new.keys():
            yield at.found(
                f"{kind}_removed", {key: old[key]}, None, f"{thing} {key} stands for nothing any more"
            )
        for key in sorted(new.keys() - old.keys()):
            yield at.found(
                f"{kind}_added",
                None,
                {key: new[key]},
                f"{thing} {key} stands for {told(new[key])}",
                weakens=True,
            )
        for key in sorted(new.keys() & old.keys()):
            if old[key] != new[key]:
                fewer = not isinstance(new[key], str) and set(new[key]) <= set(old[key])
                yield at.found(
                    f"{kind}_changed",
                    {key: old[key]},
                    {key: new[key]},
                    f"{thing} {key} stands for {told(new[key])}, instead of {told(old[key])}",
                    weakens=not fewer,
                )

    return Aspect((name,), compare)


def _set(name: str, kind: str, thing: str) -> Aspect:
    """A set of what is accepted; empty stands for defaults, which nobody compares."""

    def compare(at: At, before: TrustedIssuer, after: TrustedIssuer) -> Iterator[Difference]:
        old: tuple[str, ...] = getattr(before, name)
        new: tuple[str, ...] = getattr(after, name)
        if old and new:
            yield from elements(at, kind, old, new, thing, weakens="added")
        else:
            words = f"{thing} goes from {told(old) if old else 'the usual'} to {told(new) if new else 'the usual'}"
            yield at.found(f"{kind}_changed", old, new, words, weakens=True)

    return Aspect((name,), compare)


def _own(name: str, sentence: str) -> Aspect:
    """A bound that an issuer may have of its own, and else takes from its API."""

    def compare(at: At, before: TrustedIssuer, after: TrustedIssuer) -> Iterator[Difference]:
        old, new = getattr(before, name), getattr(after, name)
        first = getattr(settings_of(at.before), name) if old is None else old
        then = getattr(settings_of(at.after), name) if new is None else new
        if first != then:
            yield from bounded(at, name, first, then, sentence, unit="s")
        else:
            yield at.found(f"{name}_changed", old, new, f"{sentence} is written elsewhere")

    return Aspect((name,), compare)


ISSUER: tuple[Aspect, ...] = (
    neutral("issuer", "introspection_client_id", "introspection_secret"),
    changed_unproven("kind", "how tokens are verified"),
    Aspect(("audiences",), _audiences),
    _set("algorithms", "algorithm", "the signature algorithm"),
    _set("types", "token_type", "the type of token"),
    changed_unproven("application_claims", "the claims that name the client"),
    _mapped("applications", "mapped_application", "a foreign client"),
    changed_unproven("scope_claims", "the claims that hold scopes"),
    changed_unproven("roles_claims", "the claims that hold roles"),
    _mapped("role_scopes", "role_scope", "the role"),
    _own("skew", "the clock skew allowed"),
    _own("max_lifetime", "the longest lifetime of a token"),
    changed_unproven("jwks_uri", "where the issuer's keys are read"),
    bound("max_key_age", "how long keys are believed that could not be read anew", unit="s"),
    changed_unproven("introspection_endpoint", "who is asked about tokens"),
    bound("introspection_ttl", "how long an answer about a token is believed", unit="s"),
)


def _issuers(at: At, before: OAuth2Settings, after: OAuth2Settings) -> Iterator[Difference]:
    old = {each.issuer or each.kind: each for each in before.issuers or (BUILTIN,)}
    new = {each.issuer or each.kind: each for each in after.issuers or (BUILTIN,)}
    for name in old:
        if name not in new:
            yield at.found("issuer_removed", name, None, f"tokens of {name} are no longer believed")
    for name, issuer in new.items():
        if name not in old:
            yield at.found("issuer_added", None, name, f"tokens of {name} are believed", weakens=True)
        else:
            yield from differences(at.within(f"{at.place} issuer {name}"), old[name], issuer, ISSUER)
    if old == new:
        yield at.found("issuers_reordered", tuple(old), tuple(new), "issuers are written otherwise")


SETTINGS: tuple[Aspect, ...] = (
    Aspect(("audiences",), _audiences),
    Aspect(("issuers",), _issuers),
    Aspect(("bound",), _bound),
    bound("max_lifetime", "the longest lifetime of a token", unit="s"),
    bound("skew", "the clock skew allowed", unit="s"),
    bound("proof_age", "how old a DPoP proof may be", unit="s"),
    protects("proof_nonce", "asking for a nonce in DPoP proofs"),
    Aspect(("acr_values",), _levels),
    bound("max_age", "how long ago a person may have signed in", unit="s"),
    TOKEN_ENDPOINT,
)


def trust(at: At, before: Any, after: Any) -> Iterator[Difference]:
    """How two APIs differ in what they ask of access tokens."""
    old, new = settings_of(before), settings_of(after)
    inner = at.within(f"{at.place} oauth2")
    if old == new:
        yield inner.found("oauth2_changed", None, None, "the same is written otherwise")
    yield from differences(inner, old, new, SETTINGS)
