"""What the authorization server asks of the network, as protocols; ``identity/fetch.py`` implements them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer of somebody else's server: JSON, whatever its status. ``max_age`` is what its cache rules allow."""

    status: int
    document: Any
    max_age: float


class FetchError(Exception):
    """A URL could not be fetched or must not be: the message names host and cause, never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a server answered to a message whose answer does not matter. ``retry_after`` is in seconds, 0 where it does
    not say."""

    status: int
    retry_after: float


class Fetcher(Protocol):
    """Calls to URLs that others chose: https only, to public addresses only, bounded in time and size, no redirects."""

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        """Raises FetchError."""

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """Raises FetchError."""


class Sender(Protocol):
    """Messages to URLs that others chose, under the same rules."""

    async def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Sent:
        """POSTs JSON; what is answered besides the status is not read. Raises FetchError."""
