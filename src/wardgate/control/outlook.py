"""What an environment would serve with a revision in force, beside what it serves: the ground decisions stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wardgate.control.binding import BindingError, bind_to
from wardgate.control.compare import Deployable, compare, compare_all
from wardgate.control.compare.places import places_taken
from wardgate.control.errors import ConflictError, NotFoundError
from wardgate.control.ports import Deployment, Environment, Transaction
from wardgate.control.state import State, check, check_mounts, read_state
from wardgate.domain.api import Api
from wardgate.domain.audit import AuditEvent
from wardgate.domain.difference import Difference, weakenings
from wardgate.domain.document import ApiEntry, Document
from wardgate.domain.limit import Plan
from wardgate.domain.promotion import fingerprint
from wardgate.domain.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A revision bound to an environment. ``plans`` are those it brings along that are new or other there; ``before`` is
    what is deployed now. ``differences`` are of every API that changes, others on the same plans included."""

    environment: Environment
    api: str
    number: int
    bound: Api
    plans: tuple[Plan, ...]
    before: Deployment | None
    differences: tuple[Difference, ...]
    #: The APIs that are weaker then, or whose place is taken, besides this one: others may answer for them.
    others: frozenset[str] = frozenset()

    @property
    def weakenings(self) -> tuple[Difference, ...]:
        """Those of the differences that weaken."""
        return weakenings(self.differences)

    @property
    def fingerprint(self) -> str:
        """What tells these weakenings from others."""
        return fingerprint(self.differences)


async def outlook(
    tx: Transaction,
    environment: Environment,
    api: str,
    number: int,
    *,
    extra: tuple[Difference, ...] = (),
    subscribed: bool = True,
) -> Outlook:
    """What would hold with revision ``number`` of ``api`` in force; ``extra`` differences are known beforehand.

    With ``subscribed`` the revision must offer the plans that applications are on there.

    Raises:
        NotFoundError: there is no such revision.
        ConflictError: it is not as it was signed, or does not fit what else is deployed there.
        BindingError: it names a variable or secret that the environment does not have.
    """
    await require_sound(tx, api, number)
    revision = await tx.apis.revision(api, number)
    if revision is None:
        raise no_revision(api, number)
    state = await read_state(tx, environment.name)
    bound = bind_to(revision.entry.api, environment, state.secrets)
    known = {plan.name: plan for plan in state.document.plans}
    changed = {plan.name: plan for plan in revision.plans if known.get(plan.name) != plan}
    _check_fit(state, replace(revision.entry, api=bound), {**known, **changed}, subscribed=subscribed)
    before: dict[str, Deployable] = {}
    after: dict[str, Deployable] = {}
    settings = environment.settings
    for name, each in state.deployments.items():
        if name == api or changed.keys() & set(each.bound.plans):
            text = each.entry.openapi_text
            before[name] = Deployable.of(each.bound, known, settings, openapi_text=text)
            after[name] = Deployable.of(each.bound, {**known, **changed}, settings, openapi_text=text)
    after[api] = Deployable.of(
        bound, {**known, **changed}, settings, openapi_text=revision.entry.openapi_text
    )
    gone = await _withdrawn(tx, state)
    current = state.deployments.get(api)
    if current is None and api in gone:
        last = gone[api]
        before[api] = Deployable.of(
            _bound_if_it_can_be(last, environment, state.secrets),
            {**{plan.name: plan for plan in last.plans}, **known},
            settings,
            openapi_text=last.entry.openapi_text,
            served=False,
        )
        extra = (*extra, *(each for each in compare(None, after[api]) if each.kind == "api_added"))
    taken = tuple(
        places_taken(
            current.bound if current is not None else None,
            bound,
            (each.bound for each in state.deployments.values()),
            (_bound_if_it_can_be(each, environment, state.secrets) for each in gone.values()),
        )
    )
    others = {str(each.before) for each in taken}
    others |= {name for name in before if name != api and weakenings(compare(before[name], after[name]))}
    return Outlook(
        environment=environment,
        api=api,
        number=number,
        bound=bound,
        plans=tuple(changed.values()),
        before=state.deployments.get(api),
        differences=(*extra, *taken, *compare_all(before, after)),
        others=frozenset(others),
    )


async def _withdrawn(tx: Transaction, state: State) -> dict[str, Revision]:
    """The last revision of every API that was withdrawn from the environment and is not there: what takes its place is
    measured by it, or whoever withdraws could bring back something weaker that no second person saw."""
    found: dict[str, Revision] = {}
    for api, number in (await tx.promotions.withdrawn(state.environment.name)).items():
        if api not in state.deployments and (revision := await tx.apis.revision(api, number)) is not None:
            found[api] = revision
    return found


def _bound_if_it_can_be(revision: Revision, environment: Environment, secrets: frozenset[str]) -> Api:
    """As it would be there now; as it is written where the environment has not all it needs any more."""
    try:
        return bind_to(revision.entry.api, environment, secrets)
    except BindingError:
        return revision.entry.api


async def require_sound(tx: Transaction, api: str, number: int) -> None:
    """Returns when the revision is what was hashed and signed. Raises NotFoundError or ConflictError."""
    found = await tx.apis.check(api, number)
    if found is None:
        raise no_revision(api, number)
    if not found.sound:
        what = (
            "its content is not what was hashed"
            if not found.content
            else "its signature is not this instance's"
        )
        raise ConflictError(
            "revision_unsound",
            f"Revision {number} of {api} was changed since it was made: {what}",
            "Restore the database from a backup, or apply the API's document again for a new revision",
        )


def no_revision(api: str, number: int) -> NotFoundError:
    """There is no such revision."""
    return NotFoundError(
        "revision", f"{api}@{number}", f"`wardgate revisions list {api}` shows those there are"
    )


def _check_fit(state: State, entry: ApiEntry, plans: dict[str, Plan], *, subscribed: bool) -> None:
    """The API fits the others there, and its subscribers."""
    entries = {name: replace(each.entry, api=each.bound) for name, each in state.deployments.items()}
    entries[entry.api.id] = entry
    applications = state.document.applications
    if not subscribed:
        applications = tuple(replace(each, subscriptions=()) for each in applications)
    check(Document(apis=tuple(entries.values()), plans=tuple(plans.values()), applications=applications))
    check_mounts((each.api for each in entries.values()), state.environment.settings.hosts)


async def put_in_force(tx: Transaction, found: Outlook, now: float, *, actor: str, reason: str) -> None:
    """Afterwards the environment serves the revision, and gateways are told of what is other than it was."""
    place = found.environment.name
    for plan in found.plans:
        await tx.plans.put(place, plan)
        await tx.feed.append("plan", f"{place} {plan.name}", at=now)
        await tx.audit.record(
            AuditEvent(action="plan.set", target=plan.name, environment=place, note=reason), at=now
        )
    await tx.apis.deploy(
        place, found.api, found.number, found.bound, found.bound.content_hash(), at=now, actor=actor
    )
    if found.before is None or found.before.bound != found.bound:
        await tx.feed.append("api", f"{place} {found.api}", at=now)
