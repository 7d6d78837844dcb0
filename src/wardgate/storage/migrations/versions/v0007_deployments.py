"""Revisions belong to APIs and are signed; what is deployed where; plans and settings of environments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None

#: Tables that get another form: their rows wait under these names meanwhile.
_MOVED = ("revisions", "apis", "subscriptions", "plans", "environment_settings")


def upgrade() -> None:
    """Every deployment serves what it served. Rows of one API in several environments become one API, whose revisions are
    numbered anew, those of the first environment first. They are signed by whoever calls, which has the key."""
    connection = op.get_bind()
    for name in _MOVED:
        connection.execute(sa.text(f"CREATE TABLE {name}_old AS SELECT * FROM {name}"))  # noqa: S608 constants
        op.drop_table(name)
    _create()
    _move_plans(connection)
    _move_settings(connection)
    _move_subscriptions(connection)
    _move_apis(connection)
    for name in _MOVED:
        op.drop_table(f"{name}_old")


def _create() -> None:
    op.create_table(
        "environment_settings",
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "environment_secrets",
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "name"),
    )
    op.create_table(
        "plans",
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "name"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "application_id", sa.Text, sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.ForeignKeyConstraint(["environment", "plan"], ["plans.environment", "plans.name"]),
        sa.UniqueConstraint("application_id", "environment", "api"),
    )
    op.create_index("subscriptions_plan", "subscriptions", ["environment", "plan"])
    op.create_table(
        "instance_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    _create_apis()


def _create_apis() -> None:
    op.create_table(
        "apis",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("lifecycle", sa.Text, nullable=False),
        sa.Column("deprecated_at", sa.Float),
        sa.Column("sunset_at", sa.Float),
        sa.Column("successor", sa.Text, nullable=False),
        sa.Column("catalogue", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("api", sa.Text, sa.ForeignKey("apis.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("openapi_name", sa.Text, nullable=False),
        sa.Column("openapi_text", sa.Text, nullable=False),
        sa.Column("resolved", sa.Text, nullable=False),
        sa.Column("plans", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("api", "number"),
    )
    op.create_table(
        "deployments",
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("api", sa.Text, sa.ForeignKey("apis.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("bound", sa.Text, nullable=False),
        sa.Column("bound_hash", sa.Text, nullable=False),
        sa.Column("off", sa.Text, nullable=False),
        sa.Column("deployed_at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("environment", "api"),
        sa.ForeignKeyConstraint(["api", "revision"], ["revisions.api", "revisions.number"]),
    )


def _move_plans(connection: sa.Connection) -> None:
    """Plans were shared: every environment gets its own copy."""
    connection.execute(
        sa.text(
            "INSERT INTO plans (environment, name, position, document) "
            "SELECT e.name, p.name, p.position, p.document FROM environments AS e CROSS JOIN plans_old AS p"
        )
    )


def _move_settings(connection: sa.Connection) -> None:
    for row in connection.execute(sa.text("SELECT * FROM environment_settings_old")).all():
        document = json.dumps({"token_endpoint": row.token_endpoint}, separators=(",", ":"))
        _insert(connection, "environment_settings", environment=row.environment, document=document)


def _move_subscriptions(connection: sa.Connection) -> None:
    columns = "id, application_id, environment, api, plan, created_at"
    connection.execute(
        sa.text(f"INSERT INTO subscriptions ({columns}) SELECT {columns} FROM subscriptions_old")  # noqa: S608
    )


def _move_apis(connection: sa.Connection) -> None:
    plans = {
        row.name: json.loads(row.document)
        for row in connection.execute(sa.text("SELECT name, document FROM plans_old"))
    }
    rows = connection.execute(
        sa.text(
            "SELECT a.id, a.environment, a.name, a.version, a.revision FROM apis_old AS a "
            "JOIN environments AS e ON e.name = a.environment ORDER BY a.name, a.version, e.position"
        )
    ).all()
    # In the order in which they were first deployed to an environment, which is that of their ids.
    order = {row.id: position for position, row in enumerate(sorted(rows, key=lambda row: row.id), 1)}
    for (name, version), found in groupby(rows, lambda row: (row.name, row.version)):
        group = list(found)
        api = group[0].id
        _insert(
            connection,
            "apis",
            id=api,
            name=name,
            version=version,
            project="default",
            lifecycle="published",
            successor="",
            catalogue="{}",
        )
        number = 0
        for place in group:
            for row in _revisions(connection, place.id):
                number += 1
                _move_revision(connection, row, api, number, plans)
                if row.number == place.revision:
                    _deploy(connection, place, row, api, number, order[place.id])


def _revisions(connection: sa.Connection, api: str) -> Iterator[Any]:
    """The revisions of an old row, oldest first; one at a time in memory."""
    numbers = connection.execute(
        sa.text("SELECT number FROM revisions_old WHERE api = :api ORDER BY number"), {"api": api}
    ).scalars()
    for number in numbers.all():
        yield connection.execute(
            sa.text("SELECT * FROM revisions_old WHERE api = :api AND number = :number"),
            {"api": api, "number": number},
        ).one()


def _move_revision(connection: sa.Connection, row: Any, api: str, number: int, plans: dict[str, Any]) -> None:
    """What holds a dollar sign had no variables in it: escaped, it means the same."""
    resolved, source = _escaped_api(json.loads(row.resolved)), _escaped_source(json.loads(row.source))
    offered = [plans[name] for name in resolved["plans"] if name in plans]
    content = {
        "api": resolved,
        "source": source,
        "openapi_name": row.openapi_name,
        "openapi_text": row.openapi_text,
        "plans": offered,
    }
    _insert(
        connection,
        "revisions",
        id=row.id,
        api=api,
        number=number,
        hash=_hash(content),
        source=_text(source),
        openapi_name=row.openapi_name,
        openapi_text=row.openapi_text,
        resolved=_text(resolved),
        plans=_text(offered),
        created_at=row.created_at,
        actor=row.actor,
        note=row.note,
        key="",
        signature=b"",
    )


def _deploy(connection: sa.Connection, place: Any, row: Any, api: str, number: int, position: int) -> None:
    """Bound is what was resolved; only what a gateway looks for secrets in is escaped."""
    bound = _escaped_policies(json.loads(row.resolved))
    _insert(
        connection,
        "deployments",
        environment=place.environment,
        api=api,
        revision=number,
        bound=_text(bound),
        bound_hash=_hash(bound),
        off="[]",
        deployed_at=row.created_at,
        actor=row.actor,
        position=position,
    )


def _insert(connection: sa.Connection, table: str, **values: Any) -> None:
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)  # noqa: S608


def _escaped_api(api: dict[str, Any]) -> dict[str, Any]:
    """An API whose text means, with variables, what it meant without."""
    escaped = _escaped_policies(api)
    upstream = escaped["upstream"]
    escaped["upstream"] = upstream | {
        key: _escaped(upstream[key]) for key in ("targets", "tls") if key in upstream
    }
    if escaped.get("oauth2"):
        escaped["oauth2"] = _escaped(escaped["oauth2"])
    return escaped


def _escaped_policies(api: dict[str, Any]) -> dict[str, Any]:
    resources = [each | {"policies": _escaped(each.get("policies", []))} for each in api["resources"]]
    return api | {"policies": _escaped(api.get("policies", [])), "resources": resources}


def _escaped_source(source: Any) -> Any:
    """The settings as written: the same, wherever they may stand."""
    if isinstance(source, dict):
        return {
            key: _escaped(value)
            if key in ("policies", "targets", "tls", "oauth2")
            else _escaped_source(value)
            for key, value in source.items()
        }
    if isinstance(source, list):
        return [_escaped_source(each) for each in source]
    return source


def _escaped(value: Any) -> Any:
    """Every text with ``${`` or ``$$`` in it with its dollar signs doubled."""
    if isinstance(value, str):
        return value.replace("$", "$$") if "${" in value or "$$" in value else value
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
