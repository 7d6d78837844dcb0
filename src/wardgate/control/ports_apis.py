"""What the use cases ask of a store about APIs, their revisions and deployments, environments and plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wardgate.domain.api import Api
from wardgate.domain.document import ApiEntry
from wardgate.domain.environment import Environment, EnvironmentSettings
from wardgate.domain.limit import Plan
from wardgate.domain.revision import Revision
from wardgate.domain.standing import Catalogue, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRecord:
    """An API whatever is deployed of it: what holds for it in every environment. ``api`` is ``name/version``.

    ``standing.off`` is empty: what is switched off is so in one environment, and stands at the deployment.
    """

    api: str
    standing: Standing = field(default_factory=Standing)
    catalogue: Catalogue = field(default_factory=Catalogue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """An API deployed to an environment: the revision now in force. ``id`` is the API's own, kept for ever.

    ``entry`` and ``plans`` are the revision's; ``bound`` is what the environment's variables made of it and gateways serve,
    ``bound_hash`` its ``content_hash()`` when it was bound. ``off`` is what the kill switch shut: ``*``, or resources.
    """

    id: str
    environment: str
    revision: int
    hash: str
    entry: ApiEntry
    bound: Api
    bound_hash: str
    plans: tuple[Plan, ...] = ()
    off: tuple[str, ...] = ()
    deployed_at: float = 0.0
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionInfo:
    """One immutable revision of an API, without its content. ``created_at`` is in Unix seconds."""

    id: str
    number: int
    hash: str
    created_at: float
    actor: str
    note: str
    key_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionCheck:
    """Whether what is stored is what was hashed, and the hash what was signed by a key of this instance."""

    content: bool
    signature: bool

    @property
    def sound(self) -> bool:
        """Both."""
        return self.content and self.signature


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInfo:
    """A secret of an environment, without its value, which nobody reads but gateways. ``updated_at``: Unix seconds."""

    name: str
    updated_at: float
    actor: str


class Environments(Protocol):
    """The environments of this installation."""

    async def all(self) -> list[Environment]:
        """Every environment in the order of promotion."""

    async def add(self, environment: Environment) -> None:
        """Adds one; its name, tag and position must be new."""

    async def set_production(self, environment: str) -> None:
        """Makes this one, and no other, the one for production."""

    async def set_settings(self, environment: str, settings: EnvironmentSettings) -> None:
        """Replaces what belongs to it."""

    async def order(self, names: Sequence[str]) -> None:
        """Puts all environments in this order."""

    async def in_use(self, environment: str) -> list[str]:
        """What is still in it, in words: ``3 deployments``, ``1 key``."""

    async def remove(self, environment: str) -> None:
        """Deletes one in which there is nothing any more, with its settings, secrets and plans."""

    async def secrets(self, environment: str) -> list[SecretInfo]:
        """Its secrets by name."""

    async def secret(self, environment: str, name: str) -> bytes | None:
        """The value of a secret: for what shows it to somebody, never to who asks."""

    async def set_secret(self, environment: str, name: str, value: bytes, *, at: float, actor: str) -> None:
        """Seals and stores a secret, in place of the one of that name."""

    async def remove_secret(self, environment: str, name: str) -> None:
        """Deletes it."""


class Apis(Protocol):
    """APIs, their revisions, and which is deployed where. ``api`` is always ``name/version``."""

    async def all(self) -> list[ApiRecord]:
        """Every API there ever was, in the order they were made."""

    async def find(self, api: str) -> ApiRecord | None:
        """One of them."""

    async def deployed(self, environment: str) -> list[Deployment]:
        """Every API deployed to ``environment``, in the order they were first deployed."""

    async def deployment(self, environment: str, api: str) -> Deployment | None:
        """One of them."""

    async def everywhere(self) -> list[Deployment]:
        """Every deployment, by environment."""

    async def in_force(self, environment: str) -> dict[str, str]:
        """By the API's own id, the hash of what is served of it: cheap, to see whether anything changed."""

    async def trusting(self, environment: str) -> list[Api]:
        """The APIs served there, variables in place, whose settings list issuers of access tokens."""

    async def add_revision(
        self, entry: ApiEntry, plans: tuple[Plan, ...], *, at: float, actor: str, note: str
    ) -> int:
        """Adds a signed revision, and the API if it is new; its number (from 1, never reused)."""

    async def deploy(
        self, environment: str, api: str, number: int, bound: Api, bound_hash: str, *, at: float, actor: str
    ) -> None:
        """Puts a revision in force. What the kill switch shut stays shut."""

    async def rebind(self, environment: str, api: str, bound: Api, bound_hash: str) -> None:
        """The same revision, with other values in place of its variables."""

    async def withdraw(self, environment: str, api: str) -> None:
        """Takes the API out of force; its revisions stay."""

    async def revisions(self, api: str) -> list[RevisionInfo]:
        """Every revision, newest first."""

    async def revision(self, api: str, number: int) -> Revision | None:
        """One of them, whole."""

    async def check(self, api: str, number: int) -> RevisionCheck | None:
        """Whether a revision is as it was when it was made; ``None``: there is none."""

    async def set_off(self, environment: str, api: str, off: tuple[str, ...]) -> None:
        """What the kill switch holds shut of a deployment: ``*`` for all of it, or names of resources."""

    async def set_standing(self, api: str, standing: Standing) -> None:
        """Its life cycle; ``off`` is not looked at."""

    async def set_catalogue(self, api: str, catalogue: Catalogue) -> None:
        """What people are told of it."""


class Plans(Protocol):
    """The plans of each environment."""

    async def all(self, environment: str) -> dict[str, Plan]:
        """Every plan there by name, in the order they were added; what the environment's settings override not applied."""

    async def put(self, environment: str, plan: Plan) -> None:
        """Adds the plan or replaces the one of that name."""

    async def remove(self, environment: str, name: str) -> None:
        """Deletes the plan; it must not be in use."""
