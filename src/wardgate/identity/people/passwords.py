"""Passwords: what may be one, and how it is hashed and checked without stopping everything else.

A hash costs tens of milliseconds of CPU and 64 MiB, so hashing has threads of its own, a few of them, and a queue of
bounded length: past it people are asked to come back, and the rest of the server does not notice. NIST SP 800-63B-4
section 3.1.1.2: length counts, no rules of composition, Unicode normalised, what is commonly used is refused.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from wardgate.identity.errors import OAuthError
from wardgate.identity.people.common import is_common

MIN_CHARACTERS = 12
MAX_BYTES = 1024
_RETRY_SECONDS = "5"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashParameters:
    """The cost of argon2id: by default the low-memory profile of RFC 9106 section 4."""

    time_cost: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


class PasswordRefusedError(ValueError):
    """A password that must not be one; the message tells the person why, and never quotes it."""


def normalised(password: str) -> bytes:
    """The bytes that are hashed: NFC, so that every keyboard writes the same password."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check_new(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Whether ``password`` may become one; ``about`` is what is known of the person: name, address.

    Raises:
        PasswordRefusedError: too short, too long, or among what is tried first.
    """
    text = unicodedata.normalize("NFC", password)
    if len(text) < MIN_CHARACTERS:
        raise PasswordRefusedError(f"Use at least {MIN_CHARACTERS} characters. Several words are fine.")
    if len(normalised(password)) > MAX_BYTES:
        raise PasswordRefusedError(f"Use at most {MAX_BYTES} bytes.")
    if is_common(text, about):
        raise PasswordRefusedError(
            "This password, or one made the same way, is among the first that are tried. Choose words that have "
            "nothing to do with each other, or let a password manager make one."
        )


class Passwords:
    """Hashes and checks passwords with ``parameters``, ``workers`` at a time, with ``queue`` more waiting."""

    def __init__(
        self, parameters: HashParameters | None = None, *, workers: int | None = None, queue: int = 32
    ) -> None:
        chosen = parameters or HashParameters()
        self._hasher = PasswordHasher(
            time_cost=chosen.time_cost,
            memory_cost=chosen.memory_kib,
            parallelism=chosen.parallelism,
            type=Type.ID,
        )
        self._workers = workers or max(1, min(4, (os.cpu_count() or 1) // 2))
        self._most = self._workers + queue
        self._running = 0
        self._threads: ThreadPoolExecutor | None = None
        salt, tag = b64encode(secrets.token_bytes(16)), b64encode(secrets.token_bytes(32))
        self._nobodys = (
            f"$argon2id$v=19$m={chosen.memory_kib},t={chosen.time_cost},p={chosen.parallelism}"
            f"${salt.rstrip(b'=').decode()}${tag.rstrip(b'=').decode()}"
        )

    async def hash(self, password: str) -> str:
        """The PHC string to store. Raises OAuthError (503) when too many wait already."""
        text = normalised(password)
        return await self._run(lambda: self._hasher.hash(text))

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether ``password`` is the one ``known`` was made of.

        Without a hash (an unknown name, an account without password) the same work is done for nothing, so that the
        answer takes as long. Raises OAuthError (503) when too many wait already.
        """
        text = normalised(password)
        if len(text) > MAX_BYTES:
            text, known = b"", None
        return await self._run(lambda: self._verify(known or self._nobodys, text)) and known is not None

    def is_outdated(self, known: str) -> bool:
        """Whether it was made with other parameters than today's."""
        try:
            return self._hasher.check_needs_rehash(known)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Afterwards no thread runs; what was waiting is cancelled."""
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def _verify(self, known: str, text: bytes) -> bool:
        try:
            return self._hasher.verify(known, text)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._running >= self._most:
            raise OAuthError(
                "temporarily_unavailable",
                "Too many people are signing in at this moment; try again in a few seconds",
                status=503,
                headers=(("retry-after", _RETRY_SECONDS),),
            )
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="wardgate-passwords")
        self._running += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, future: asyncio.Future[_Result]) -> None:
        self._running -= 1
