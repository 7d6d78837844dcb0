"""Opens the store for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wardgate.cli.acting import local, note_refusal
from wardgate.cli.errors import CommandError
from wardgate.control.errors import ForbiddenError
from wardgate.storage.layout import database_path

if TYPE_CHECKING:
    from wardgate.control.ports import Store

T = TypeVar("T")


def require_store(data_dir: Path) -> None:
    """Returns when there is a store in ``data_dir``. Raises CommandError."""
    if not database_path(data_dir).exists():
        raise CommandError(
            "store_not_found",
            f"There is no store in {data_dir}",
            "Make one with `wardgate apply -f wardgate.yaml` or `wardgate serve`, or name it with --data-dir",
        )


def with_store(data_dir: Path, use: Callable[[Store], Awaitable[T]], *, create: bool = False) -> T:
    """What ``use`` returns of the open store of ``data_dir``; a store that is not there is made only with ``create``.

    Whoever runs the command acts, and that they were refused something is kept in the audit trail.

    Raises:
        CommandError: there is no store.
        ControlError: it cannot be opened, or ``use`` was refused.
    """
    if not create:
        require_store(data_dir)

    async def opened() -> T:
        from wardgate.storage.database import open_store  # imports SQLAlchemy

        async with await open_store(data_dir) as store:
            acting = store.acting(local())
            try:
                return await use(acting)
            except ForbiddenError as error:
                await note_refusal(acting, error)
                raise

    return asyncio.run(opened())
