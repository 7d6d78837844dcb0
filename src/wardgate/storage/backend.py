"""What the store needs of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

from wardgate.storage.errors import StoreError

#: Seconds a transaction waits for one of this process's own connections.
POOL_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A database. ``name`` is what errors call it, without a secret.

    ``readers`` gives connections whose transactions see one state and change nothing. ``writers`` gives those that
    write; on PostgreSQL they overlap unless they ask to be ``alone`` (``advisory.WRITE``).
    """

    name: str
    readers: AsyncEngine
    writers: AsyncEngine
    overlapping: bool

    async def close(self) -> None:
        """Afterwards no connection is open."""
        await self.readers.dispose()
        await self.writers.dispose()


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns a failure of the database into an error that says what to do, and shows no value of any row.

    Raises:
        StoreError: the block raised an error of the database or of its driver.
    """
    try:
        yield
    except IntegrityError as error:
        raise StoreError(
            "store_conflict",
            f"The change contradicts what {name} holds ({_cause(error)})",
            "Look at the present state and try again: another change may have come first",
        ) from None
    except DataError as error:
        raise StoreError(
            "store_value_refused",
            f"{name} cannot hold a value of the change ({_cause(error)})",
            "Leave out what it has no form for: PostgreSQL knows no NUL in a text",
        ) from None
    except DBAPIError as error:
        raise StoreError(
            "store_unavailable",
            f"{name} refused the operation ({_cause(error)})",
            "If it is locked, another program holds it: try again; otherwise check that it runs, has space and can be used",
        ) from error
    except NoConnectionError as error:
        raise StoreError(
            "store_unavailable",
            f"No connection to {name} was free for {POOL_SECONDS:g} seconds",
            "More is asked of it than it can do: try again later",
        ) from error


def _cause(error: DBAPIError) -> str:
    """The database's own words. PostgreSQL's details are left out: they quote the row."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return str(primary or error.orig).strip()
