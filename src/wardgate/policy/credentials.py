"""The combination rule: which credentials a resource takes, worked out once when its API is compiled.

One scheme asks for that credential. With an API key and OAuth2 both declared, a resource without scopes takes either
and a resource with scopes takes OAuth2 only, since a key holds no scopes; ``require: all`` takes both together.
Whatever credentials a request shows at a resource that asks for any must all be valid, and of one application.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wardgate.domain.api import Api, Resource, SchemeName

Kind = Literal["none", "key", "token", "either", "both", "shut"]
_CHECKED: frozenset[SchemeName] = frozenset(("api_key", "oauth2"))


@dataclass(frozen=True, slots=True)
class Combination:
    """What a resource takes. ``keys`` and ``tokens`` tell whether one that is shown is looked at, asked for or not."""

    kind: Kind
    keys: bool
    tokens: bool
    why: str

    @property
    def needs_key(self) -> bool:
        """Whether nothing is let in without a key."""
        return self.kind in ("key", "both")

    @property
    def needs_token(self) -> bool:
        """Whether nothing is let in without a token."""
        return self.kind in ("token", "both")

    @property
    def takes_key(self) -> bool:
        """Whether a key helps to get in."""
        return self.kind in ("key", "either", "both")

    @property
    def takes_token(self) -> bool:
        """Whether a token helps to get in."""
        return self.kind in ("token", "either", "both")


def uses(api: Api, scheme: SchemeName) -> bool:
    """Whether any resource of the API declares the scheme, undeclared ones included where they are let through."""
    undeclared = api.undeclared == "allow" and scheme in api.schemes
    return undeclared or any(scheme in resource.schemes for resource in api.resources)


def combination(resource: Resource, *, keys: bool, tokens: bool, asks_person: bool = False) -> Combination:
    """The rule of ``resource``; ``keys`` and ``tokens``: whether its API uses API keys and OAuth2 anywhere.

    ``asks_person``: it, or its API, asks how a person signed in, of which a key knows nothing.
    """
    kind, why = _kind(resource)
    if kind == "either" and asks_person:
        kind, why = "token", "an access token: an API key tells of no sign-in"
    looked_at = kind not in ("none", "shut")
    return Combination(kind, looked_at and keys, looked_at and tokens, why)


def _kind(resource: Resource) -> tuple[Kind, str]:
    declared = frozenset(resource.schemes)
    unchecked = ", ".join(sorted(declared - _CHECKED))
    if resource.scopes and "oauth2" not in declared:
        return "shut", "it asks for scopes, which only OAuth2 carries, and does not take OAuth2"
    if not declared:
        return "none", "open to anyone"
    if unchecked and (resource.require == "all" or not declared & _CHECKED):
        return "shut", f"it asks for {unchecked}, which this gateway does not check"
    key, token = "api_key" in declared, "oauth2" in declared
    if key and token:
        if resource.require == "all":
            return "both", "an API key and an access token of the same application"
        if resource.scopes:
            return "token", "an access token: an API key holds no scopes"
        return "either", "an API key or an access token"
    return ("key", "an API key") if key else ("token", "an access token")
