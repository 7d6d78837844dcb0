"""Opens the store for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wardgate.cli.errors import CommandError
from wardgate.storage.layout import database_path

if TYPE_CHECKING:
    from wardgate.control.ports import Store

T = TypeVar("T")


def with_store(data_dir: Path, use: Callable[[Store], Awaitable[T]], *, create: bool = False) -> T:
    """What ``use`` returns of the open store of ``data_dir``; a store that is not there is made only with ``create``.

    Raises:
        CommandError: there is no store.
        ControlError: it cannot be opened, or ``use`` was refused.
    """
    if not create and not database_path(data_dir).exists():
        raise CommandError(
            "store_not_found",
            f"There is no store in {data_dir}",
            "Make one with `wardgate apply -f wardgate.yaml` or `wardgate serve`, or name it with --data-dir",
        )

    async def opened() -> T:
        from wardgate.storage.database import open_store  # imports SQLAlchemy

        async with await open_store(data_dir) as store:
            return await use(store)

    return asyncio.run(opened())
