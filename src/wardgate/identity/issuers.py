"""Keys of foreign issuers: read before they are needed, read again when they change, kept while nobody answers.

What is read goes to the store and from there, by the change feed, to the gateway's workers. An issuer that cannot be
reached changes nothing: its known keys go on for as long as the API's settings let them (``max_key_age``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wardgate.domain.api import Api
from wardgate.domain.trust import TrustedIssuer
from wardgate.identity.discovery import read_issuer
from wardgate.identity.ports import Fetcher, FetchError, Store

_log = logging.getLogger("wardgate.identity")

#: Bounds of how long keys are taken to be the same, whatever their cache headers say; seconds.
SHORTEST = 300.0
LONGEST = 86400.0
#: Seconds between two attempts that a token with an unknown key causes.
PAUSE = 10.0
#: The pause after a failure doubles from the one to the other.
_FIRST_PAUSE = 15.0
_LAST_PAUSE = 300.0
#: Issuers read at a time.
_AT_ONCE = 8


@dataclass(slots=True)
class _Reading:
    """What is known of the attempts at one issuer; times are Unix seconds."""

    tried_at: float = float("-inf")
    next_at: float = 0.0
    failures: int = 0
    error: str = ""
    flight: asyncio.Task[None] | None = None

    def landed(self, flight: asyncio.Task[None]) -> None:
        """The flight is over; its failure is its waiters' to tell, if there are any left."""
        self.flight = None
        if not flight.cancelled():
            flight.exception()


@dataclass(slots=True)
class _Deployed:
    """The issuers of the deployed APIs, true while the same is served of each."""

    served: dict[str, str] | None = None
    trusted: tuple[TrustedIssuer, ...] = field(default=())


class Issuers:
    """The foreign issuers that APIs of one environment trust."""

    def __init__(self, store: Store, fetch: Fetcher, environment: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._fetch = fetch
        self._environment = environment
        self._clock = clock
        self._readings: dict[str, _Reading] = {}
        self._deployed = _Deployed()

    async def trusted(self) -> tuple[TrustedIssuer, ...]:
        """Every foreign issuer that a deployed API lists, as it lists it."""
        async with self._store.reading() as tx:
            served = await tx.apis.in_force(self._environment)
            if served != self._deployed.served:
                found = _foreign(await tx.apis.trusting(self._environment))
                self._deployed = _Deployed(served, found)
        return self._deployed.trusted

    async def round(self) -> bool:
        """Reads every issuer whose keys are due; one that fails is logged and tried again later."""
        due: list[TrustedIssuer] = []
        listed = {each.issuer: each for each in await self.trusted() if each.kind == "jwks"}
        for issuer in self._readings.keys() - listed.keys():
            if self._readings[issuer].flight is None:
                del self._readings[issuer]
        for issuer, each in listed.items():
            reading = self._readings.get(issuer)
            if reading is None:
                reading = self._readings[issuer] = _Reading(next_at=await self._due(issuer))
            if reading.next_at <= self._clock():
                due.append(each)
        for start in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._quietly(each) for each in due[start : start + _AT_ONCE]))
        return False

    async def refresh(self, issuer: str) -> None:
        """Returns once the issuer's keys were read anew, or at once when they were less than ``PAUSE`` ago.

        Raises:
            FetchError: no deployed API lists it, or it cannot be read (or could not, less than ``PAUSE`` ago).
        """
        trusted = next(
            (each for each in await self.trusted() if each.issuer == issuer and each.kind == "jwks"), None
        )
        if trusted is None:
            raise FetchError("no deployed API trusts this issuer's keys")
        reading = self._readings.setdefault(issuer, _Reading())
        if reading.flight is None and self._clock() - reading.tried_at < PAUSE:
            if reading.error:
                raise FetchError(reading.error)
            return
        await self._read(trusted, reading)

    async def _quietly(self, trusted: TrustedIssuer) -> None:
        reading = self._readings.setdefault(trusted.issuer, _Reading())
        try:
            await self._read(trusted, reading)
        except FetchError as error:
            _log.warning(
                "keys of the issuer %s could not be read, next try in %.0f s: %s",
                trusted.issuer,
                reading.next_at - self._clock(),
                error,
            )

    async def _read(self, trusted: TrustedIssuer, reading: _Reading) -> None:
        """One flight an issuer: whoever asks meanwhile waits for it, and going away ends it for nobody else."""
        if reading.flight is None:
            reading.flight = asyncio.create_task(self._fly(trusted, reading))
            reading.flight.add_done_callback(reading.landed)
        await asyncio.shield(reading.flight)

    async def _fly(self, trusted: TrustedIssuer, reading: _Reading) -> None:
        reading.tried_at = self._clock()
        try:
            published = await read_issuer(self._fetch, trusted.issuer, trusted.jwks_uri)
        except FetchError as error:
            reading.error = str(error)
            reading.failures += 1
            pause = min(_LAST_PAUSE, _FIRST_PAUSE * 2.0 ** min(reading.failures - 1, 10))
            reading.next_at = self._clock() + pause
            raise
        now = self._clock()
        max_age = min(LONGEST, max(SHORTEST, published.max_age))
        document = {"jwks": published.jwks, "jwks_uri": published.jwks_uri, "max_age": max_age}
        async with self._store.writing() as tx:
            await tx.issuer_keys.put(trusted.issuer, document, now)
        if reading.failures:
            _log.info("keys of the issuer %s can be read again", trusted.issuer)
        reading.error = ""
        reading.failures = 0
        reading.next_at = now + max_age

    async def _due(self, issuer: str) -> float:
        """When an issuer is to be read that this process has not read yet: others, or an earlier life, may have."""
        async with self._store.reading() as tx:
            found = await tx.issuer_keys.get(issuer)
        if found is None:
            return 0.0
        document, at = found
        max_age = document.get("max_age")
        return at + (float(max_age) if isinstance(max_age, int | float) else SHORTEST)


def _foreign(apis: Iterable[Api]) -> tuple[TrustedIssuer, ...]:
    found: list[TrustedIssuer] = []
    for api in apis:
        for issuer in api.oauth2.issuers if api.oauth2 is not None else ():
            if issuer.kind != "builtin" and issuer not in found:
                found.append(issuer)
    return tuple(found)
