"""Policies by name: the built-in ones and those third parties add through the entry-point group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from wardgate.domain.api import Api, Resource
from wardgate.policy.exchange import Step

ENTRY_POINT_GROUP = "wardgate.policies"

#: Phases in their fixed order; a policy names one and stands there, after the built-in steps of that phase.
PHASES = ("network", "authenticate", "authorize", "limit", "inspect")


class PolicyConfigError(ValueError):
    """A policy's settings are wrong: ``path`` below the policy, what is wrong, and the remedy."""

    def __init__(self, path: str, message: str, remedy: str) -> None:
        super().__init__(f"{path}: {message}. {remedy}")
        self.path = path
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class CompileContext:
    """What a policy may use while it compiles: the API and the resource it will guard."""

    api: Api
    resource: Resource


@runtime_checkable
class Policy(Protocol):
    """A pluggable policy. The class docstring is its users' documentation."""

    #: The name used in ``policies: [{use: NAME, ...}]``; third parties use a prefix (``acme.tenant``).
    name: str
    #: One of PHASES.
    phase: str

    def validate(self, config: Mapping[str, Any]) -> None:
        """Raises PolicyConfigError for unknown or wrong settings."""

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """The step for one resource, everything computed that can be; ``None`` when there is nothing to check."""


class PolicyLoadError(ValueError):
    """An installed package offers a policy that cannot be used; the message names it and the remedy."""


class PolicyRegistry:
    """The policies this installation knows."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._policies: dict[str, Policy] = {}
        for policy in policies:
            self.add(policy)

    def add(self, policy: Policy) -> None:
        """Registers ``policy``.

        Raises:
            ValueError: the name is taken, or the phase is unknown.
        """
        if policy.name in self._policies:
            raise ValueError(f"policy {policy.name!r} is registered twice")
        if policy.phase not in PHASES:
            raise ValueError(
                f"policy {policy.name!r} names phase {policy.phase!r}; use one of {', '.join(PHASES)}"
            )
        self._policies[policy.name] = policy

    def get(self, name: str) -> Policy:
        """The policy called ``name``.

        Raises:
            PolicyConfigError: nobody registered it.
        """
        try:
            return self._policies[name]
        except KeyError:
            known = ", ".join(sorted(self._policies)) or "none"
            raise PolicyConfigError(
                "use", f"unknown policy {name!r}", f"Install the package that brings it; known here: {known}"
            ) from None

    @classmethod
    def installed(cls) -> PolicyRegistry:
        """The registry with every policy the installed packages offer.

        Raises:
            PolicyLoadError: an entry point cannot be imported, is not a policy, or takes another one's name.
        """
        registry = cls()
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
            try:
                policy = entry.load()()
                if not isinstance(policy, Policy):
                    raise TypeError("it is not a Wardgate policy")
                registry.add(policy)
            except (ImportError, AttributeError, TypeError, ValueError) as error:
                raise PolicyLoadError(
                    f"the installed policy {entry.name!r} ({entry.value}) cannot be used: {error}. "
                    "Repair or uninstall the package that brings it"
                ) from error
        return registry
