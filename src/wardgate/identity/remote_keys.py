"""JWK sets that clients and foreign issuers publish: fetched when needed, kept while fresh, asked for anew rarely."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.oauth import Client
from wardgate.identity.ports import Fetcher, FetchError
from wardgate.jose.keys import KeySet

#: Sets that are kept; the one not used for longest goes first.
MOST = 512
#: Seconds a set is good for: what its server says, within these bounds, and the first where it says nothing.
_USUAL, _LEAST, _LONGEST = 600.0, 60.0, 3600.0
#: Seconds between two calls to one URL, whatever tokens ask for and however the last one ended.
REFETCH = 30.0
#: Seconds a set that cannot be read anew is still believed.
STALE = 3600.0


@dataclass(frozen=True, slots=True)
class RemoteSet:
    """A JWK set as it was read at ``read_at``."""

    document: Mapping[str, Any] = field(default_factory=dict)
    keys: KeySet = field(default_factory=KeySet)
    read_at: float = 0.0
    fresh_until: float = 0.0


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read: RemoteSet | None = None
    asked_at: float = float("-inf")


class RemoteKeys:
    """JWK sets by URL, bounded. One call per URL at a time."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def get(self, fetch: Fetcher, url: str, now: float, *, kid: str | None = None) -> RemoteSet:
        """The set at ``url``; read anew where it is not fresh, or does not have ``kid``, at most every ``REFETCH`` seconds.

        Raises:
            FetchError: it cannot be read, and what was read before is too old.
        """
        entry = self._entries.get(url)
        if entry is None:
            entry = self._entries[url] = _Entry()
            while len(self._entries) > MOST:
                self._entries.popitem(last=False)
        self._entries.move_to_end(url)
        if _serves(entry.read, now, kid):
            return _known(entry, url, now)
        async with entry.lock:
            if not _serves(entry.read, now, kid) and now >= entry.asked_at + REFETCH:
                entry.asked_at = now
                try:
                    entry.read = await _fetch(fetch, url, now)
                except FetchError:
                    if entry.read is None:
                        raise
            return _known(entry, url, now)


def _serves(read: RemoteSet | None, now: float, kid: str | None) -> bool:
    if read is None or now >= read.fresh_until:
        return False
    return kid is None or any(key.kid == kid for key in read.keys.keys)


def _known(entry: _Entry, url: str, now: float) -> RemoteSet:
    """What was read, if it may still be believed."""
    if entry.read is None or now >= entry.read.fresh_until + STALE:
        raise FetchError(f"the JWK set of {url.split('/')[2]} could not be read a moment ago")
    return entry.read


async def _fetch(fetch: Fetcher, url: str, now: float) -> RemoteSet:
    answer = await fetch.get(url)
    if answer.status != 200 or not isinstance(answer.document, Mapping):
        raise FetchError(f"the JWK set of {url.split('/')[2]} was answered with {answer.status}")
    age = min(max(answer.max_age, _LEAST), _LONGEST) if answer.max_age else _USUAL
    return RemoteSet(answer.document, KeySet.from_jwks(answer.document), now, now + age)


class ClientKeys:
    """The keys of clients that registered them, read once per client and set."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, tuple[Mapping[str, Any], KeySet]] = OrderedDict()

    def of(self, client: Client) -> KeySet:
        """The keys in ``client.jwks``."""
        if client.jwks is None:
            return KeySet()
        found = self._read.get(client.id)
        if found is None or (found[0] is not client.jwks and found[0] != client.jwks):
            found = self._read[client.id] = (client.jwks, KeySet.from_jwks(client.jwks))
            while len(self._read) > MOST:
                self._read.popitem(last=False)
        self._read.move_to_end(client.id)
        return found[1]
