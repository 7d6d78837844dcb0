"""Slows guessing down, in a way that cannot be turned against the person whose account is guessed at.

============  ==========================  ==================================================================
counted by    free failures               then
============  ==========================  ==================================================================
device        10 for a browser that       it waits, longer each time, up to 15 minutes
              signed in to it before
pair          5 for an account from an    the same
              address (IPv6: a /64)
address       50 for an address           up to a minute, for every account but those the browser is known for
account       20 from everywhere          each attempt of an unknown browser takes a few seconds more, and is
                                          still answered by whether it is right
============  ==========================  ==================================================================

So an attacker who fails at somebody's account makes only himself wait: the person's own browser has a counter of its
own, and a new one of theirs elsewhere is slowed, never refused. Names that do not exist are counted like those that
do. A pair's or device's attempt is counted before the password is looked at: a burst gets no more guesses than a queue.
"""

from __future__ import annotations

import math
import unicodedata
from asyncio import sleep
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from wardgate.identity import trail
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call
from wardgate.identity.people.devices import known_device
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``free`` failures cost nothing; after each further one a wait, doubled each time up to ``longest`` seconds.
    ``window`` seconds after the last failure all are forgotten."""

    free: int
    longest: float
    window: float

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures."""
        over = failures - self.free
        return 0.0 if over < 0 else min(self.longest, 2.0 ** min(over, 30))


DEVICE = Rule(free=10, longest=900, window=3600)
PAIR = Rule(free=5, longest=900, window=3600)
ADDRESS = Rule(free=50, longest=60, window=3600)
ACCOUNT = Rule(free=20, longest=4, window=86400)
#: Second factors: whoever guesses at one has the password already.
SECOND = Rule(free=5, longest=900, window=86400)


class ThrottledError(OAuthError):
    """Too many failures: come back in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            "temporarily_unavailable",
            f"Too many attempts; try again in {self.in_words}",
            status=429,
            headers=(("retry-after", str(self.seconds)),),
        )

    @property
    def in_words(self) -> str:
        """``seconds`` as people say it."""
        if self.seconds < 90:
            return "a second" if self.seconds == 1 else f"{self.seconds} seconds"
        return f"{math.ceil(self.seconds / 60)} minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that was let through and is counted as a failure until :func:`succeeded` says otherwise."""

    own_key: str
    address_key: str
    account_key: str
    known: bool
    account: str
    address: str


def fold(name: str) -> str:
    """A name as it is stored and compared."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def account_of(server: Server, name: str) -> str:
    """What an account is counted under, whether it exists or not: not its name, which may be a person's address."""
    return server.digest(f"account {fold(name)}").hex()[:32]


def prefix_of(address: str) -> str:
    """The address as it is counted: IPv6 by its /64, which is one customer."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


async def begin(server: Server, call: Call, account: str) -> Attempt:
    """Lets an attempt at ``account`` through, after a pause where many have failed there.

    Raises:
        ThrottledError: this browser or address has to wait.
    """
    device = known_device(server, call, account)
    place = prefix_of(call.address)
    attempt = Attempt(
        own_key=f"device {device} {account}" if device else f"pair {account} {place}",
        address_key=f"address {place}",
        account_key=f"account {account}",
        known=device is not None,
        account=account,
        address=call.address,
    )
    async with server.store.reading() as tx:
        await _check(server, tx, attempt)
    async with server.store.writing() as tx:
        await _check(server, tx, attempt)
        await count(server, tx, attempt.own_key, DEVICE if attempt.known else PAIR)
        failures, _ = await tx.throttle.count(attempt.account_key, server.clock())
    pause = 0.0 if attempt.known else ACCOUNT.wait(failures)
    if pause:
        await sleep(pause)
    return attempt


async def _check(server: Server, tx: Transaction, attempt: Attempt) -> None:
    await check(server, tx, attempt.own_key, DEVICE if attempt.known else PAIR)
    if not attempt.known:
        await check(server, tx, attempt.address_key, ADDRESS)


async def count(server: Server, tx: Transaction, key: str, rule: Rule) -> None:
    """Counts one failure, unless ``key`` has to wait: then ThrottledError.

    It holds for attempts at the same moment too, whose transactions may overlap: only one of them is the next.
    """
    before = await check(server, tx, key, rule)
    failures = await tx.throttle.fail(key, server.clock(), rule.window)
    if failures > max(rule.free, before + 1):
        raise ThrottledError(rule.wait(failures - 1))


async def check(server: Server, tx: Transaction, key: str, rule: Rule) -> int:
    """The failures there are, or ThrottledError while ``key`` has to wait."""
    now = server.clock()
    failures, newest = await tx.throttle.count(key, now)
    left = newest + rule.wait(failures) - now if failures >= rule.free else 0.0
    if left > 0:
        raise ThrottledError(left)
    return failures


async def failed(server: Server, attempt: Attempt) -> None:
    """Counts the failure against the address and the account as well, and tells the trail of it."""
    now = server.clock()
    async with server.store.writing() as tx:
        await tx.throttle.fail(attempt.address_key, now, ADDRESS.window)
        await tx.throttle.fail(attempt.account_key, now, ACCOUNT.window)
        await trail.sign_in_failed(server, tx, f"account {attempt.account}", attempt.address, "password")


async def succeeded(tx: Transaction, attempt: Attempt) -> None:
    """Forgets the failures of this browser or of this address at this account. Those of the address stay: signing in to
    one's own account must not buy more guesses at others."""
    await tx.throttle.clear(attempt.own_key)
