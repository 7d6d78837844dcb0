"""Why a data directory cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wardgate.control.errors import ControlError


class StoreError(ControlError):
    """The store could not be opened or could not carry out a transaction; nothing was changed."""


class MasterKeyError(StoreError):
    """The master key is missing, unsafe, damaged, or not this database's."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("master_key_unusable", message, remedy)


class NewerSchemaError(StoreError):
    """A later version of Wardgate has already migrated the database."""

    def __init__(self, database: Path | str, found: str, known: str) -> None:
        super().__init__(
            "store_newer",
            f"{database} has schema {found!r}, but this Wardgate knows only up to {known!r}",
            "Run the Wardgate version that wrote it, or restore a backup made before the upgrade",
        )


@contextmanager
def stored(what: str) -> Iterator[None]:
    """Says of ``what`` that the store holds it damaged, when it cannot be decoded.

    Raises:
        StoreError: the block raised ValueError, as decoders do.
    """
    try:
        yield
    except ValueError as error:
        raise StoreError(
            "store_damaged",
            f"The database holds {what} in a form that cannot be read ({error})",
            "Restore the database from a backup; it was changed by something else than Wardgate",
        ) from error
