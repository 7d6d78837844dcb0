"""Who issued each access token of the control plane, and which identity providers wait for a second person."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "v0013"
down_revision = "v0012"
branch_labels = None
depends_on = None

_TOKENS = sa.table(
    "admin_tokens",
    sa.column("id", sa.Text),
    sa.column("issued_by", sa.Text),
    sa.column("issued_through", sa.Text),
)
_AUDIT = sa.table(
    "audit",
    sa.column("seq", sa.Integer),
    sa.column("actor_id", sa.Text),
    sa.column("token", sa.Text),
    sa.column("action", sa.Text),
    sa.column("target", sa.Text),
    sa.column("outcome", sa.Text),
)


def upgrade() -> None:
    """Adds columns. Of tokens that are there the audit trail says who issued them, as far as it reaches back."""
    op.add_column("admin_tokens", sa.Column("issued_by", sa.Text))
    op.add_column("admin_tokens", sa.Column("issued_through", sa.Text, nullable=False, server_default="[]"))
    op.add_column("identity_providers", sa.Column("held_by", sa.Text, nullable=False, server_default="[]"))
    op.add_column("identity_providers", sa.Column("held_at", sa.Float, nullable=False, server_default="0"))
    issued: dict[str, tuple[str, str]] = {}
    connection = op.get_bind()
    columns = _AUDIT.c
    for row in connection.execute(
        sa.select(columns.target, columns.actor_id, columns.token)
        .where(columns.action == "admin_token.issue", columns.outcome == "done")
        .order_by(columns.seq)
    ):
        issued[row.target] = (row.actor_id, row.token)
    for (token,) in connection.execute(sa.select(_TOKENS.c.id)).all():
        issuers = _issuers(issued, token)
        if issuers:
            connection.execute(
                sa.update(_TOKENS)
                .where(_TOKENS.c.id == token)
                .values(issued_by=issuers[0], issued_through=json.dumps(issuers[1:]))
            )


def _issuers(issued: dict[str, tuple[str, str]], token: str) -> list[str]:
    """Who issued the token, then who issued the one it was issued with, and so on; nobody where one of them is not known."""
    found: list[str] = []
    seen: set[str] = set()
    while token.startswith("wat_") and token not in seen:
        seen.add(token)
        if token not in issued:
            return []
        actor, token = issued[token]
        if actor not in found:
            found.append(actor)
    return found
