"""APIs, whatever is deployed of them, and which revision is in force where."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.errors import NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.ports_apis import ApiRecord, Deployment, RevisionCheck, RevisionInfo
from wardgate.domain.api import Api
from wardgate.domain.codec import decode_api, encode_api
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Plan
from wardgate.domain.revision import Revision
from wardgate.domain.standing import Catalogue, Standing
from wardgate.storage.documents import catalogue_from_text, catalogue_to_text
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.repositories.revisions import SqlRevisions, entry_of, plans_of
from wardgate.storage.tables import environments
from wardgate.storage.tables_apis import apis, deployments, revisions

_FIND = Prepared(
    select(apis.c.id).where(apis.c.name == bindparam("name"), apis.c.version == bindparam("version"))
)
_ADD = Prepared(insert(apis))
_DEPLOY = Prepared(insert(deployments))
_REPLACE = Prepared(
    update(deployments)
    .where(deployments.c.environment == bindparam("at_environment"), deployments.c.api == bindparam("at_api"))
    .values(
        revision=bindparam("to_revision"),
        bound=bindparam("to_bound"),
        bound_hash=bindparam("to_bound_hash"),
        deployed_at=bindparam("to_deployed_at"),
        actor=bindparam("to_actor"),
    )
)


class SqlApis:
    """The rows of ``apis``, ``revisions`` and ``deployments``."""

    def __init__(self, connection: AsyncConnection, master_key: bytes) -> None:
        self._connection = connection
        self._revisions = SqlRevisions(connection, master_key)
        #: Ids of rows by ``name/version``: they never change.
        self._ids: dict[str, str] = {}
        #: The last position of a deployment by environment, once one was added.
        self._positions: dict[str, int] = {}

    async def all(self) -> list[ApiRecord]:
        return [_record(row) for row in await self._connection.execute(select(apis).order_by(apis.c.id))]

    async def find(self, api: str) -> ApiRecord | None:
        name, _, version = api.partition("/")
        row = (
            await self._connection.execute(select(apis).where(apis.c.name == name, apis.c.version == version))
        ).first()
        return None if row is None else _record(row)

    async def deployed(self, environment: str) -> list[Deployment]:
        rows = await self._connection.execute(
            _in_force().where(deployments.c.environment == environment).order_by(*_ORDER)
        )
        return [_deployment(row) for row in rows]

    async def deployment(self, environment: str, api: str) -> Deployment | None:
        row_id = await self._find(api)
        row = (
            await self._connection.execute(
                _in_force().where(deployments.c.environment == environment, deployments.c.api == row_id)
            )
        ).first()
        return None if row is None else _deployment(row)

    async def everywhere(self) -> list[Deployment]:
        rows = await self._connection.execute(
            _in_force()
            .join(environments, environments.c.name == deployments.c.environment)
            .order_by(environments.c.position, *_ORDER)
        )
        return [_deployment(row) for row in rows]

    async def in_force(self, environment: str) -> dict[str, str]:
        rows = await self._connection.execute(
            select(deployments.c.api, deployments.c.bound_hash).where(
                deployments.c.environment == environment
            )
        )
        return {row.api: row.bound_hash for row in rows}

    async def trusting(self, environment: str) -> list[Api]:
        # As the codec writes it: other APIs need not be decoded, which takes time where they are large.
        listed = deployments.c.bound.contains('"issuers":[{', autoescape=True)
        rows = await self._connection.execute(
            select(deployments.c.bound)
            .where(deployments.c.environment == environment, listed)
            .order_by(*_ORDER)
        )
        with stored("a deployed API"):
            return [decode_api(json.loads(row.bound)) for row in rows]

    async def add_revision(
        self, entry: ApiEntry, plans: tuple[Plan, ...], *, at: float, actor: str, note: str
    ) -> int:
        row_id = await self._find(entry.api.id)
        if row_id is None:
            row_id = self._ids[entry.api.id] = new_id("api", at)
            await _ADD.run(
                self._connection,
                id=row_id,
                name=entry.api.name,
                version=entry.api.version,
                **_standing_columns(Standing()),
                **_catalogue_columns(Catalogue()),
            )
            newest = 0
        else:
            newest = await self._revisions.newest(row_id)
        number = newest + 1
        await self._revisions.add(row_id, number, entry, plans, at=at, actor=actor, note=note)
        return number

    async def deploy(
        self, environment: str, api: str, number: int, bound: Api, bound_hash: str, *, at: float, actor: str
    ) -> None:
        row_id = await self._id(api)
        values = {
            "revision": number,
            "bound": json.dumps(encode_api(bound), separators=(",", ":")),
            "bound_hash": bound_hash,
            "deployed_at": at,
            "actor": actor,
        }
        replaced = await _REPLACE.run(
            self._connection,
            at_environment=environment,
            at_api=row_id,
            **{f"to_{name}": value for name, value in values.items()},
        )
        if replaced == 0:
            position = await self._next_position(environment)
            await _DEPLOY.run(
                self._connection, environment=environment, api=row_id, off="[]", position=position, **values
            )

    async def _next_position(self, environment: str) -> int:
        # Asked once: finding the last reads every row.
        if environment not in self._positions:
            last = await self._connection.scalar(
                select(func.max(deployments.c.position)).where(deployments.c.environment == environment)
            )
            self._positions[environment] = last or 0
        self._positions[environment] += 1
        return self._positions[environment]

    async def rebind(self, environment: str, api: str, bound: Api, bound_hash: str) -> None:
        text = json.dumps(encode_api(bound), separators=(",", ":"))
        await self._connection.execute(
            update(deployments)
            .where(*_at(environment, await self._id(api)))
            .values(bound=text, bound_hash=bound_hash)
        )

    async def withdraw(self, environment: str, api: str) -> None:
        await self._connection.execute(delete(deployments).where(*_at(environment, await self._id(api))))

    async def revisions(self, api: str) -> list[RevisionInfo]:
        row_id = await self._find(api)
        return [] if row_id is None else await self._revisions.all(row_id)

    async def revision(self, api: str, number: int) -> Revision | None:
        row_id = await self._find(api)
        return None if row_id is None else await self._revisions.find(row_id, api, number)

    async def check(self, api: str, number: int) -> RevisionCheck | None:
        row_id = await self._find(api)
        return None if row_id is None else await self._revisions.check(row_id, api, number)

    async def set_off(self, environment: str, api: str, off: tuple[str, ...]) -> None:
        await self._connection.execute(
            update(deployments)
            .where(*_at(environment, await self._id(api)))
            .values(off=json.dumps(off, separators=(",", ":")))
        )

    async def set_standing(self, api: str, standing: Standing) -> None:
        await self._connection.execute(
            update(apis).where(apis.c.id == await self._id(api)).values(**_standing_columns(standing))
        )

    async def set_catalogue(self, api: str, catalogue: Catalogue) -> None:
        await self._connection.execute(
            update(apis).where(apis.c.id == await self._id(api)).values(**_catalogue_columns(catalogue))
        )

    async def _find(self, api: str) -> str | None:
        """The id of the row of ``name/version``."""
        if api not in self._ids:
            name, _, version = api.partition("/")
            found = await _FIND.first(self._connection, name=name, version=version)
            if found is None:
                return None
            self._ids[api] = found.id
        return self._ids[api]

    async def _id(self, api: str) -> str:
        found = await self._find(api)
        if found is None:
            raise NotFoundError("api", api, "`wardgate apis list` shows those there are; add it with `apply`")
        return found


_ORDER = (deployments.c.position, deployments.c.api)


def _at(environment: str, row_id: str) -> tuple[Any, Any]:
    return deployments.c.environment == environment, deployments.c.api == row_id


def _in_force() -> Select[Any]:
    return (
        select(
            deployments.c.api.label("id"),
            deployments.c.environment,
            deployments.c.bound,
            deployments.c.bound_hash,
            deployments.c.off,
            deployments.c.deployed_at,
            deployments.c.actor,
            revisions.c.number,
            revisions.c.hash,
            revisions.c.source,
            revisions.c.openapi_name,
            revisions.c.openapi_text,
            revisions.c.resolved,
            revisions.c.plans,
        )
        .select_from(deployments)
        .join(
            revisions, (revisions.c.api == deployments.c.api) & (revisions.c.number == deployments.c.revision)
        )
    )


def _deployment(row: Row[Any]) -> Deployment:
    with stored(f"revision {row.number} of API {row.id}"):
        entry = entry_of(row)
        return Deployment(
            id=row.id,
            environment=row.environment,
            revision=row.number,
            hash=row.hash,
            entry=entry,
            # Where no variable was put in, one decoding serves for both.
            bound=entry.api if row.bound == row.resolved else decode_api(json.loads(row.bound)),
            bound_hash=row.bound_hash,
            plans=plans_of(row),
            off=tuple(json.loads(row.off)),
            deployed_at=row.deployed_at,
            actor=row.actor,
        )


def _record(row: Row[Any]) -> ApiRecord:
    api = f"{row.name}/{row.version}"
    with stored(f"what is told of the API {api}"):
        catalogue = catalogue_from_text(row.catalogue, row.project)
    return ApiRecord(
        api=api,
        standing=Standing(
            lifecycle=row.lifecycle,
            deprecated_at=row.deprecated_at,
            sunset_at=row.sunset_at,
            successor=row.successor,
        ),
        catalogue=catalogue,
    )


def _standing_columns(standing: Standing) -> dict[str, Any]:
    return {
        "lifecycle": standing.lifecycle,
        "deprecated_at": standing.deprecated_at,
        "sunset_at": standing.sunset_at,
        "successor": standing.successor,
    }


def _catalogue_columns(catalogue: Catalogue) -> dict[str, Any]:
    return {"project": catalogue.project, "catalogue": catalogue_to_text(catalogue)}
