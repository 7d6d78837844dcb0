"""Who is let in to a resource: ways in by credentials, scopes, and how the person signed in."""

from __future__ import annotations

import math
from collections.abc import Iterator

from wardgate.control.compare.rules import Aspect, At
from wardgate.domain.api import Api, Resource, SchemeName
from wardgate.domain.difference import Difference
from wardgate.domain.trust import OAuth2Settings
from wardgate.policy.oauth2 import accepted_levels

#: A way in: the schemes that together open a resource. No way at all: it is shut; the empty way: open to anyone.
Ways = frozenset[frozenset[SchemeName]]
_OPEN: frozenset[SchemeName] = frozenset()
#: From the weakest to the strongest, where one replaces another.
_STRENGTH: tuple[SchemeName, ...] = ("basic", "api_key", "hmac", "oauth2", "mtls")
_NONE = OAuth2Settings()


def ways_in(api: Api | None, resource: Resource) -> Ways:
    """The ways into ``resource``, as ``policy/credentials.py`` decides them, whichever schemes a gateway can check."""
    schemes = frozenset(resource.schemes)
    if resource.scopes and "oauth2" not in schemes:
        return frozenset()
    if not schemes:
        return frozenset((_OPEN,))
    if resource.require == "all":
        return frozenset((schemes,))
    asks_person = bool(levels_of(api, resource)) or age_of(api, resource) is not None
    if "oauth2" in schemes and (resource.scopes or asks_person):
        return frozenset((frozenset(("oauth2",)),))
    return frozenset(frozenset((scheme,)) for scheme in schemes)


def settings_of(api: Api | None) -> OAuth2Settings:
    """What the API asks of tokens."""
    return _NONE if api is None or api.oauth2 is None else api.oauth2


def levels_of(api: Api | None, resource: Resource) -> tuple[str, ...]:
    """The authentication context classes asked for at ``resource``; empty: any."""
    return resource.acr_values or settings_of(api).acr_values


def age_of(api: Api | None, resource: Resource) -> int | None:
    """The longest time since the person signed in; ``None``: any."""
    ages = [age for age in (resource.max_age, settings_of(api).max_age) if age is not None]
    return min(ages, default=None)


def stricter_levels(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether whatever satisfies ``after`` satisfied ``before``."""
    return not before or (bool(after) and accepted_levels(after) <= accepted_levels(before))


def access(at: At, before: Resource, after: Resource) -> Iterator[Difference]:
    """How the schemes, scopes and sign-in asked for differ."""
    if set(before.schemes) != set(after.schemes) or before.require != after.require:
        yield from _schemes(at, before, after)
    elif before.schemes != after.schemes:
        yield at.found("schemes_reordered", before.schemes, after.schemes, "schemes: another order")
    yield from _scopes(at, before, after)
    yield from _sign_in(at, before, after)


ACCESS = Aspect(("schemes", "require", "scopes", "acr_values", "max_age"), access)


def _schemes(at: At, before: Resource, after: Resource) -> Iterator[Difference]:
    old, new = ways_in(at.before, before), ways_in(at.after, after)
    proven = all(any(way >= known for known in old) for way in new)
    told_old, told_new = credentials(before), credentials(after)
    if not after.schemes:
        yield at.found(
            "security_off",
            before.schemes,
            after.schemes,
            f"security is switched off: open to anyone instead of {told_old}",
            weakens=True,
        )
        return
    gone = [scheme for scheme in before.schemes if scheme not in after.schemes]
    came = [scheme for scheme in after.schemes if scheme not in before.schemes]
    if gone:
        yield at.found(
            "scheme_removed",
            before.schemes,
            after.schemes,
            f"{', '.join(gone)} is no longer asked for: {told_new} instead of {told_old}",
            weakens=not proven or _lost_stronger(gone, after.schemes),
        )
    if came:
        opened = not before.schemes
        yield at.found(
            "security_on" if opened else "scheme_added",
            before.schemes,
            after.schemes,
            f"{told_new} instead of {told_old}",
            weakens=not proven,
        )
    if before.require != after.require and before.schemes and (not proven or not (gone or came)):
        yield at.found(
            "require_changed",
            before.require,
            after.require,
            f"{told_new} instead of {told_old}",
            weakens=not proven,
        )


def _lost_stronger(gone: list[SchemeName], left: tuple[SchemeName, ...]) -> bool:
    """Whether a scheme went that is stronger than one that stays: of two ways in the weaker one is kept."""
    return max(map(_STRENGTH.index, gone)) > min(map(_STRENGTH.index, left))


def _scopes(at: At, before: Resource, after: Resource) -> Iterator[Difference]:
    gone = [scope for scope in before.scopes if scope not in after.scopes]
    came = [scope for scope in after.scopes if scope not in before.scopes]
    if gone:
        yield at.found(
            "scope_removed",
            before.scopes,
            after.scopes,
            f"the scope {', '.join(gone)} is no longer asked for",
            weakens=bool(ways_in(at.after, after)),
        )
        old, new = ways_in(at.before, before), ways_in(at.after, after)
        if before.schemes == after.schemes and not all(any(way >= known for known in old) for way in new):
            yield at.found(
                "scheme_removed",
                before.schemes,
                after.schemes,
                "without a scope, an access token is no longer the only way in",
                weakens=True,
            )
    if came:
        yield at.found(
            "scope_added", before.scopes, after.scopes, f"the scope {', '.join(came)} is asked for"
        )
    if not gone and not came and before.scopes != after.scopes:
        yield at.found("scopes_reordered", before.scopes, after.scopes, "scopes: another order")


def _sign_in(at: At, before: Resource, after: Resource) -> Iterator[Difference]:
    if before.acr_values != after.acr_values:
        old, new = levels_of(at.before, before), levels_of(at.after, after)
        weaker = not stricter_levels(old, new)
        yield at.found(
            "acr_changed",
            before.acr_values,
            after.acr_values,
            f"the sign-in asked for goes from {_levels(old)} to {_levels(new)}",
            weakens=weaker,
        )
    if before.max_age != after.max_age:
        first, then = age_of(at.before, before), age_of(at.after, after)
        weaker = (math.inf if then is None else then) > (math.inf if first is None else first)
        yield at.found(
            "max_age_changed",
            before.max_age,
            after.max_age,
            f"a sign-in may be {_age(then)} old, instead of {_age(first)}",
            weakens=weaker,
        )


def credentials(resource: Resource) -> str:
    """What ``resource`` asks for, in words."""
    if not resource.schemes:
        return "open to anyone"
    return (" and " if resource.require == "all" else " or ").join(resource.schemes)


def _levels(values: tuple[str, ...]) -> str:
    return " or ".join(values) or "any"


def _age(seconds: int | None) -> str:
    return "any time" if seconds is None else f"{seconds} s"
