"""Gives back what was applied."""

from __future__ import annotations

from wardgate.control.lookup import environment_named
from wardgate.control.ports import Store
from wardgate.control.state import read_state
from wardgate.domain.document import Document


async def export_document(store: Store, environment: str) -> Document:
    """The document that, applied to ``environment``, changes nothing.

    It lists every plan and application, with the APIs and subscriptions of that environment.

    Raises:
        NotFoundError: there is no such environment.
    """
    async with store.reading() as tx:
        await environment_named(tx, environment)
        return (await read_state(tx, environment)).document
