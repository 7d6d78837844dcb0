"""Who asks: the bearer token of a request (RFC 6750 section 2.1), and nothing else. No cookie is ever looked at, so no
page can make a browser act here."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from wardgate.control.errors import UnauthenticatedError
from wardgate.domain.actor import Actor
from wardgate.web.admin_api.problems import TooManyFailuresError
from wardgate.web.calls import hop_secret

if TYPE_CHECKING:
    from wardgate.storage.database import SqlStore

#: ``(store, bearer, address, now)`` to who that is; raises UnauthenticatedError.
Authenticate = Callable[["SqlStore", str, str, float], Awaitable[Actor]]
#: Who a request is of; raises UnauthenticatedError or TooManyFailuresError.
WhoAsks = Callable[[Request], Awaitable[Actor]]

#: Failures an address may make at once, and seconds after which it may make one more.
BURST = 20
STEP = 3.0
_LONGEST = 4096
_MOST = 10_000


@dataclass(slots=True)
class Failures:
    """Failed attempts by address, each a theoretical arrival time as in ``limits/gcra.py``. Bounded: the address whose
    last failure is longest ago is forgotten first."""

    times: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def wait(self, address: str, now: float) -> float:
        """Seconds until ``address`` may fail again; 0: now."""
        return max(0.0, self.times.get(address, 0.0) - now - (BURST - 1) * STEP)

    def add(self, address: str, now: float) -> None:
        """Counts a failure."""
        self.times[address] = max(now, self.times.pop(address, 0.0)) + STEP
        if len(self.times) > _MOST:
            self.times.popitem(last=False)


class BearerActors:
    """Finds out who asks by ``authenticate``. An address with too many failures waits; a token that was good before is
    looked at nevertheless, so that nobody is locked out by a neighbour behind the same address."""

    def __init__(self, store: SqlStore, authenticate: Authenticate, clock: Callable[[], float]) -> None:
        self._store = store
        self._authenticate = authenticate
        self._clock = clock
        self._key = store.master_key()
        self._hop = hop_secret(self._key).encode()
        self._failures = Failures()
        self._good: OrderedDict[bytes, None] = OrderedDict()

    async def __call__(self, request: Request) -> Actor:
        """Who asks.

        Raises:
            UnauthenticatedError: nobody known.
            TooManyFailuresError: the address has to wait.
        """
        bearer = _bearer(request)
        address = address_of(request.scope, self._hop)
        now = self._clock()
        place = _network(address)
        digest = hashlib.blake2b(bearer.encode(), key=self._key, digest_size=16).digest()
        if digest not in self._good and (wait := self._failures.wait(place, now)) > 0:
            raise TooManyFailuresError(math.ceil(wait))
        try:
            actor = await self._authenticate(self._store, bearer, address, now)
        except UnauthenticatedError:
            self._good.pop(digest, None)
            self._failures.add(place, now)
            raise
        self._good[digest] = None
        self._good.move_to_end(digest)
        if len(self._good) > _MOST:
            self._good.popitem(last=False)
        return actor


def always(actor: Actor) -> WhoAsks:
    """For an application that only ``actor`` can reach."""

    async def who(request: Request) -> Actor:
        return actor

    return who


def address_of(scope: MutableMapping[str, Any], hop: bytes) -> str:
    """The client's address: the peer's, or what this installation's gateway says with proof (``X-Wardgate-Hop``)."""
    told = {
        name: value for name, value in scope["headers"] if name in (b"x-wardgate-hop", b"x-forwarded-for")
    }
    peer: str = (scope.get("client") or ("",))[0]
    if hmac.compare_digest(told.get(b"x-wardgate-hop", b""), hop):
        return told.get(b"x-forwarded-for", b"").partition(b",")[0].strip().decode("latin-1") or peer
    return peer


def _bearer(request: Request) -> str:
    values = request.headers.getlist("authorization")
    if not values:
        raise UnauthenticatedError(
            "The request names nobody", "Send an access token as `Authorization: Bearer ...`"
        )
    scheme, _, token = values[0].partition(" ")
    token = token.strip(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST or not token.isascii():
        raise UnauthenticatedError
    return token


def _network(address: str) -> str:
    """What failures are counted for: an IPv4 address, an IPv6 /64."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return address if not isinstance(known, IPv6Address) else str(int(known) >> 64)
