"""Notices certificate files that changed, and has every worker read them once they are whole and good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from wardgate.domain.settings import Certificate
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child

#: The files are looked at this often (seconds); a change counts once a second look finds no further one.
LOOK_SECONDS = 1.0

#: Which file stands at a path and since when: device, inode, size and time of the last write; ``None`` where none does.
_Mark = tuple[int, int, int, int] | None

_log = logging.getLogger("wardgate.supervisor")


class CertificateDesk:
    """Runs ``reload`` after any of the files of ``certificates`` changed, within three looks.

    Files that cannot be used are reported once for each change and not announced: what workers have stays in use.
    """

    def __init__(
        self, certificates: tuple[Certificate, ...], reload: Callable[[], None] | None = None
    ) -> None:
        self._certificates = certificates
        self._files = tuple(dict.fromkeys(f for one in certificates for f in (one.certificate, one.key)))
        self._reload = reload
        self._task: asyncio.Task[None] | None = None

    async def open(self, hub: Hub) -> None:
        """From now on changes are noticed."""
        if self._files:
            reload = self._reload or (lambda: hub.broadcast({"kind": "reload"}))
            self._task = asyncio.create_task(self._watch(self._marks(), reload), name="certificates")

    def child_ended(self, child: Child) -> None:
        """A new process reads the files as they are."""

    async def close(self) -> None:
        """No file is looked at any more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self, known: tuple[_Mark, ...], reload: Callable[[], None]) -> None:
        last = known
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            marks = self._marks()
            # Certificate and key are two files: who renews them gets a moment between the one and the other.
            if marks != known and marks == last:
                known = marks
                trouble = await asyncio.to_thread(_trouble, self._certificates)
                if trouble is None:
                    _log.info("certificate files changed: reloading certificates")
                    reload()
                else:
                    _log.error(
                        "changed certificate files are not taken, those before stay in use: %s", trouble
                    )
            last = marks

    def _marks(self) -> tuple[_Mark, ...]:
        return tuple(map(_mark, self._files))


def _mark(file: str) -> _Mark:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _trouble(certificates: tuple[Certificate, ...]) -> str | None:
    """Why the files cannot be used now; ``None`` when they can."""
    # What reads certificates is large, and needed on the day they change.
    from wardgate.gateway.certificates import CertificateError, CertificateStore

    try:
        CertificateStore(certificates)
    except CertificateError as error:
        return str(error)
    return None
