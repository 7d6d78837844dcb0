"""What ``policy.compile`` makes of an API: per resource the steps it needs and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from sys import intern

from wardgate.domain.api import Api, ApiKeyScheme, Place, Resource
from wardgate.policy.cors import CorsRules
from wardgate.policy.credentials import Combination
from wardgate.policy.exchange import Step


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A step with the policy and phase it comes from, for ``wardgate explain``."""

    policy: str
    phase: str
    call: Step


@cache
def _place_of(scheme: ApiKeyScheme, tokens: bool) -> tuple[Place, bytes, bool]:
    name = scheme.name.encode()
    return scheme.place, name.lower() if scheme.place == "header" else name, tokens


class CompiledResource:
    """One resource ready to decide on: ``steps`` in order, and names rendered once. Resources that ask for the same
    share ``table`` and ``steps``, so that many of them fit a processor's cache.

    ``key_place`` and ``key_name`` (lower case) say where a presented key is looked for, also on open resources, so
    that a key is never passed on to an upstream. ``tokens``: whether its API takes access tokens, so that those too
    are looked for and taken out. ``rule`` is which credentials the resource takes.
    """

    __slots__ = (
        "api",
        "api_id",
        "cors",
        "key",
        "key_name",
        "key_place",
        "max_body",
        "name",
        "names",
        "resource",
        "rule",
        "steps",
        "table",
        "tokens",
    )

    def __init__(
        self,
        api: Api,
        resource: Resource,
        table: tuple[NamedStep, ...],
        steps: tuple[Step, ...],
        cors: CorsRules | None,
        rule: Combination,
        *,
        tokens: bool = False,
    ) -> None:
        self.api = api
        self.api_id = intern(api.id)
        self.resource = resource
        self.name = resource.name
        #: How a credential's restriction may name it: with its whole API, or alone.
        self.names = (self.api_id, f"{self.api_id} {self.name}")
        self.table = table
        self.steps = steps
        self.cors = cors
        self.max_body = api.max_body if resource.max_body is None else resource.max_body
        self.rule = rule
        self.tokens = tokens
        #: What is looked for, for comparison: one object for all resources with the same.
        self.key = _place_of(api.api_key, tokens)
        self.key_place, self.key_name, _ = self.key


@dataclass(frozen=True, slots=True)
class CompiledApi:
    """An API with its compiled resources, aligned with ``api.resources``; ``undeclared`` serves what it lets through."""

    api: Api
    resources: tuple[CompiledResource, ...]
    undeclared: CompiledResource | None
    cors: CorsRules | None
