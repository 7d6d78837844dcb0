"""Opens the authorization server of one environment for one command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from wardgate.cli.store import with_store

if TYPE_CHECKING:
    from wardgate.control.ports import Store
    from wardgate.identity.ports import Store as IdentityStore
    from wardgate.identity.server import Server

T = TypeVar("T")


def with_server(data_dir: Path, environment: str, issuer: str, use: Callable[[Server], Awaitable[T]]) -> T:
    """What ``use`` returns of the server of ``environment``, which is called ``issuer`` (empty: whatever it is)."""

    async def opened(store: Store) -> T:
        from wardgate.domain.settings import ServerSettings
        from wardgate.web.identity_server import build_server

        settings = ServerSettings(
            data_dir=str(data_dir), environment=environment, issuer=issuer or "https://unnamed.invalid"
        )
        return await use(build_server(settings, cast("IdentityStore", store)))

    return with_store(data_dir, opened)
