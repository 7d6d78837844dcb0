"""OAuth 2.0 clients of an environment as documents see them: what there is, and what would be there. What is done to them
is for use cases of the authorization server, which whoever applies a document hands in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wardgate.control.errors import ConflictError
from wardgate.control.ports import Transaction
from wardgate.domain.consumer import Application
from wardgate.domain.document import Document, Unseen
from wardgate.domain.oauth import Client
from wardgate.domain.operator import ADMIN_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class PutClients:
    """What became of clients: those with a secret that nobody was shown, and the ids of those that wait, suspended, until
    another person restores them."""

    unseen: tuple[Unseen, ...] = ()
    held: tuple[str, ...] = ()


class Registrar(Protocol):
    """The use cases of clients, as a part of somebody's transaction (``identity/declared_clients.py``)."""

    async def put(
        self, tx: Transaction, environment: str, before: Sequence[Client], after: Sequence[Client], now: float
    ) -> PutClients:
        """Adds, changes and removes what differs of an environment's clients; their applications are there, by name.

        Raises:
            ForbiddenError: the transaction's actor may not.
            ConflictError: one is in use and would be weaker, or its id is taken.
            InvalidError: a setting is wrong.
        """


async def read_clients(
    tx: Transaction, environment: str, applications: Iterable[Application]
) -> tuple[Client, ...]:
    """The environment's clients as a document would say them. That with which operators sign on is none of them."""
    names = {each.id: each.name for each in applications}
    return tuple(
        replace(
            each,
            application=names[each.application],
            # Whoever registers a client themselves may say a thing twice, and nothing as a contact.
            redirect_uris=tuple(dict.fromkeys(each.redirect_uris)),
            post_logout_redirect_uris=tuple(dict.fromkeys(each.post_logout_redirect_uris)),
            audiences=tuple(dict.fromkeys(each.audiences)),
            contacts=tuple(dict.fromkeys(filter(None, each.contacts))),
            environment="",
            status="active",
            created_at=0.0,
            held_by=(),
            held_at=0.0,
        )
        for each in await tx.clients.list(environment=environment)
        if ADMIN_SCOPE not in each.scopes
    )


def merged_clients(
    old: Document, new: Document, *, prune: bool, registered: Collection[str]
) -> tuple[Client, ...]:
    """What holds after ``new`` is applied to ``old``. ``prune`` takes away what a list that is there does not name, but for
    those that ``registered`` themselves, which nobody declares.

    Raises:
        ConflictError: a client would be of another application.
    """
    known: Mapping[str, Client] = {each.id: each for each in old.clients or ()}
    if new.clients is None:
        return tuple(known.values())
    merged = {id_: each for id_, each in known.items() if not prune or id_ in registered}
    for each in new.clients:
        before = known.get(each.id)
        if before is not None and before.application != each.application:
            raise ConflictError(
                "client_fixed",
                f"The client {each.id!r} is one of the application {before.application!r}, and would be of "
                f"{each.application!r}: what people let it do was for that one",
                "Declare another client with an id of its own, and take this one out with `wardgate clients remove`",
            )
        merged[each.id] = each
    return tuple(merged.values())


def check_clients(said: Document, target: Document) -> None:
    """Returns when the applications of the clients that ``said`` names would be there. Raises ConflictError."""
    known = {each.name for each in target.applications}
    for each in said.clients or ():
        if each.application not in known:
            raise ConflictError(
                "application_unknown",
                f"The client {each.id!r} is of the application {each.application!r}, which would not exist",
                "Declare it in `applications`, or correct the name",
            )
