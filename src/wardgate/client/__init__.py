"""The Python client of Wardgate's admin API, synchronous and asynchronous::

    with Client("https://control.example.com", token=token) as client:
        for key in client.list_keys(application="shop"):
            print(key["id"], key["state"])
        key = client.show_key("key_01h...")
        client.revoke_key(key["id"], if_match=key)

One method an operation, named as in the OpenAPI document; lists are iterators over all pages. Things are dictionaries, typed
in :mod:`wardgate.client.models`. Whatever changes a thing says which state of it is meant (``if_match``): the thing as
it was read, its entity tag, or ``"*"``. Refusals are :class:`ProblemError`, with ``code``, ``message`` and ``remedy``.
A request that reached nobody is sent again; POSTs carry an ``Idempotency-Key``, so that none is carried out twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardgate.client.errors import (
    ChangedMeanwhileError,
    ClientError,
    ConflictError,
    FieldProblem,
    ForbiddenError,
    NotFoundError,
    ProblemError,
    UnauthenticatedError,
    UnreachableError,
    UsageError,
)
from wardgate.client.sync import Client
from wardgate.client.wire import UNSET, Unset, etag_of

if TYPE_CHECKING:
    from wardgate.client.asynchronous import AsyncClient

__all__ = [
    "UNSET",
    "AsyncClient",
    "ChangedMeanwhileError",
    "Client",
    "ClientError",
    "ConflictError",
    "FieldProblem",
    "ForbiddenError",
    "NotFoundError",
    "ProblemError",
    "UnauthenticatedError",
    "UnreachableError",
    "Unset",
    "UsageError",
    "etag_of",
]


def __getattr__(name: str) -> object:
    """Imports the asynchronous client when it is asked for: asyncio takes longer to import than all the rest."""
    if name == "AsyncClient":
        from wardgate.client.asynchronous import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
