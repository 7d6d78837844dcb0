"""Whether environments serve what was promoted to them, and which is behind which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wardgate.control.authority import require_somewhere
from wardgate.control.binding import BindingError, bind_to
from wardgate.control.lookup import environment_named
from wardgate.control.ports import Deployment, Environment, Store, Transaction

#: ``content``: a revision is not what was hashed; ``signature``: not what the instance signed; ``binding``: what is
#: served is not what the revision and the environment's settings make now; ``unbound``: they make nothing, as something
#: is missing; ``stored``: what is served is not what was deployed.
DriftKind = Literal["content", "signature", "binding", "unbound", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that is not as it should be."""

    kind: DriftKind
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    """What an environment serves of an API. ``newest`` is the API's newest revision, ``before`` what the environment before
    serves of it (``None``: nothing, or it is the first). ``served`` tells what gateways serve: the hash of the bound API."""

    environment: str
    api: str
    revision: int
    newest: int
    before: int | None
    served: str
    drifts: tuple[Drift, ...] = ()

    @property
    def behind(self) -> bool:
        """Whether the environment before serves another revision."""
        return self.before is not None and self.before != self.revision


async def drift(store: Store, environment: str | None = None) -> list[DeploymentState]:
    """Every deployment the actor may see, by environment, with what is wrong with it.

    Raises:
        NotFoundError: there is no such environment.
        ForbiddenError: the actor may see no API.
    """
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        if environment is not None:
            await environment_named(tx, environment)
        projects = {each.api: each.catalogue.project for each in await tx.apis.all()}
        found: list[DeploymentState] = []
        previous: dict[str, int] = {}
        for place in await tx.environments.all():
            deployed = [
                each
                for each in await tx.apis.deployed(place.name)
                if tx.actor.may("apis.view", projects[each.entry.api.id])
            ]
            if environment in (None, place.name):
                secrets = frozenset(each.name for each in await tx.environments.secrets(place.name))
                found += [await _state(tx, place, each, secrets, previous) for each in deployed]
            previous = {each.entry.api.id: each.revision for each in deployed}
        return found


async def _state(
    tx: Transaction,
    place: Environment,
    deployment: Deployment,
    secrets: frozenset[str],
    previous: dict[str, int],
) -> DeploymentState:
    api = deployment.entry.api.id
    return DeploymentState(
        environment=place.name,
        api=api,
        revision=deployment.revision,
        newest=max(each.number for each in await tx.apis.revisions(api)),
        before=previous.get(api),
        served=deployment.bound_hash,
        drifts=tuple(await _drifts(tx, place, deployment, secrets)),
    )


async def _drifts(
    tx: Transaction, place: Environment, deployment: Deployment, secrets: frozenset[str]
) -> list[Drift]:
    api, number = deployment.entry.api.id, deployment.revision
    found: list[Drift] = []
    check = await tx.apis.check(api, number)
    if check is None or not check.content:
        found.append(
            Drift(kind="content", sentence=f"revision {number} is not what was hashed when it was made")
        )
    if check is None or not check.signature:
        found.append(Drift(kind="signature", sentence=f"revision {number} is not what this instance signed"))
    if deployment.bound.content_hash() != deployment.bound_hash:
        found.append(Drift(kind="stored", sentence="what is served is not what was deployed"))
    try:
        bound = bind_to(deployment.entry.api, place, secrets)
    except BindingError as error:
        found.append(Drift(kind="unbound", sentence=str(error)))
    else:
        if bound != deployment.bound:
            found.append(
                Drift(
                    kind="binding",
                    sentence=f"what is served is not what revision {number} and the settings of {place.name} make",
                )
            )
    return found
