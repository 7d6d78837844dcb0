"""What a document says of environments, and what holds of them: from the one to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from wardgate.control.errors import ConflictError
from wardgate.domain.document import AuthorizationServer, EnvironmentEntry
from wardgate.domain.environment import Environment, EnvironmentSettings


def entry_of(environment: Environment) -> EnvironmentEntry:
    """All that holds of an environment."""
    settings = environment.settings
    return EnvironmentEntry(
        name=environment.name,
        tag=environment.tag,
        production=environment.production,
        hosts=settings.hosts,
        variables=dict(settings.variables),
        plans=dict(settings.plans),
        retention=settings.retention,
        token_endpoint=settings.token_endpoint,
        leaks=settings.leaks,
        leak_overlap=settings.leak_overlap,
        identity_providers=settings.identity_providers,
    )


def usual(environments: Sequence[Environment]) -> bool:
    """Whether these are what a new installation has."""
    found = [(each.name, each.tag, each.production, each.settings) for each in environments]
    none = EnvironmentSettings()
    return found == [
        ("development", "dev", False, none),
        ("staging", "stg", False, none),
        ("production", "prod", True, none),
    ]


def placed(
    present: Sequence[Environment],
    said: Iterable[EnvironmentEntry],
    target: str,
    server: AuthorizationServer | None,
) -> list[Environment]:
    """The environments once ``said`` holds, in their order; ``server`` is said of ``target``.

    What is not named stays. New ones come last; then those that are named stand in the order in which they are, at the
    places they have among the others.

    Raises:
        ConflictError: the result has two environments for production, or two with one tag.
    """
    entries = list(said)
    known = {each.name: each for each in present}
    for entry in entries:
        known[entry.name] = _merged(known.get(entry.name), entry)
    if server is not None and target in known:
        here = known[target]
        named = next((each.token_endpoint for each in entries if each.name == target), None)
        if named not in (None, server.token_endpoint):
            raise ConflictError(
                "token_endpoint_conflict",
                f"`authorization_server` and `environments` name different token endpoints for {target}",
                "Remove one of them",
            )
        settings = replace(here.settings, token_endpoint=server.token_endpoint)
        known[target] = replace(here, settings=settings)
    ordered = iter([entry.name for entry in entries])
    named_here = {entry.name for entry in entries}
    names = [next(ordered) if name in named_here else name for name in known]
    result = [replace(known[name], position=position) for position, name in enumerate(names, 1)]
    arranged = _production(result, entries)
    if arranged != list(present):
        check_arrangement(arranged)
    return arranged


def check_arrangement(environments: Sequence[Environment]) -> None:
    """Returns when the first environment is not the one for production, unless there is no other: what is applied is in
    force in the first at once. Raises ConflictError."""
    if len(environments) > 1 and environments[0].production:
        raise ConflictError(
            "production_first",
            f"{environments[0].name} is for production and would be the first environment, which is applied to directly",
            "Put another before it, or mark another for production",
        )


def _merged(known: Environment | None, entry: EnvironmentEntry) -> Environment:
    old = known or Environment(name=entry.name, tag=entry.tag or entry.name, position=0, production=False)
    if known is not None and entry.tag not in (None, known.tag):
        raise ConflictError(
            "tag_fixed",
            f"The tag of the environment {known.name!r} is {known.tag!r}: it stands in its keys and never changes",
            f"Write `tag: {known.tag}`, or leave it out",
        )
    names = (
        *("hosts", "variables", "plans", "retention", "token_endpoint", "leaks", "leak_overlap"),
        "identity_providers",
    )
    named = {name: getattr(entry, name) for name in names if getattr(entry, name) is not None}
    return replace(old, settings=replace(old.settings, **named))


def _production(environments: list[Environment], entries: list[EnvironmentEntry]) -> list[Environment]:
    named = [entry.name for entry in entries if entry.production]
    if len(named) > 1:
        raise ConflictError(
            "production_conflict",
            f"{' and '.join(named)} would both be the environment for production",
            "Mark one of them",
        )
    unnamed = {entry.name for entry in entries if entry.production is False}
    for environment in environments:
        if environment.production and environment.name in unnamed and not named:
            raise ConflictError(
                "production_conflict",
                f"No environment would be the one for production in place of {environment.name}",
                "Mark another with `production: true`",
            )
    tags: dict[str, str] = {}
    for environment in environments:
        other = tags.setdefault(environment.tag, environment.name)
        if other != environment.name:
            raise ConflictError(
                "tag_taken",
                f"The environments {other} and {environment.name} would both have the tag {environment.tag!r}",
                "Give the new one another `tag`",
            )
    if not named:
        return environments
    return [replace(each, production=each.name == named[0]) for each in environments]
