"""Revisions: the list of an API's, one of them whole, and whether they are as they were when they were made."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.control.authority import require, require_somewhere
from wardgate.control.errors import NotFoundError
from wardgate.control.ports import ApiRecord, RevisionCheck, RevisionInfo, Store, Transaction
from wardgate.domain.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionLine:
    """A revision without its content, and the environments in which it is in force."""

    info: RevisionInfo
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionVerdict:
    """Whether a revision is what it was: its content fits its hash, and its signature is this instance's."""

    api: str
    number: int
    check: RevisionCheck


async def list_revisions(store: Store, api: str) -> list[RevisionLine]:
    """Every revision of ``name/version``, newest first. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        await _viewed(tx, api)
        places: dict[int, list[str]] = {}
        for environment in await tx.environments.all():
            deployment = await tx.apis.deployment(environment.name, api)
            if deployment is not None:
                places.setdefault(deployment.revision, []).append(environment.name)
        return [
            RevisionLine(info=info, environments=tuple(places.get(info.number, ())))
            for info in await tx.apis.revisions(api)
        ]


async def show(store: Store, api: str, number: int) -> Revision:
    """One revision, whole. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        await _viewed(tx, api)
        found = await tx.apis.revision(api, number)
    if found is None:
        raise NotFoundError(
            "revision", f"{api} {number}", f"`wardgate revisions list {api}` shows those there are"
        )
    return found


async def verify(store: Store, api: str | None = None) -> list[RevisionVerdict]:
    """The verdict on every revision of one API, or of all the actor may see, oldest first.

    Raises:
        NotFoundError: there is no such API.
        ForbiddenError: the actor may see none.
    """
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        if api is not None:
            names = [(await _viewed(tx, api)).api]
        else:
            names = [
                each.api for each in await tx.apis.all() if tx.actor.may("apis.view", each.catalogue.project)
            ]
        verdicts = []
        for name in names:
            for info in reversed(await tx.apis.revisions(name)):
                check = await tx.apis.check(name, info.number)
                if check is not None:
                    verdicts.append(RevisionVerdict(api=name, number=info.number, check=check))
        return verdicts


async def _viewed(tx: Transaction, api: str) -> ApiRecord:
    require_somewhere(tx.actor, "apis.view")
    found = await tx.apis.find(api)
    if found is None:
        raise NotFoundError("api", api, "`wardgate apis list` shows those there are, like orders/v1")
    require(tx.actor, "apis.view", found.catalogue.project)
    return found
