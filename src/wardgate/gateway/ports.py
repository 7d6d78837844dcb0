"""What the request path asks of the outside, as protocols; ``storage`` and ``limits`` implement them."""

from __future__ import annotations

from typing import Protocol

from wardgate.domain.api import Api
from wardgate.domain.change import Change
from wardgate.domain.consumer import Principal
from wardgate.domain.limit import Plan


class StoreUnavailableError(Exception):
    """The store could not be read now. The worker serves what it knows and refuses what it does not."""


class LostPlaceError(Exception):
    """The feed no longer holds what came after the asked ``seq``: the worker must flush everything."""


class SigningKey(Protocol):
    """The current key assertions are signed with (ES256)."""

    @property
    def kid(self) -> str: ...
    @property
    def private_pem(self) -> bytes: ...


class GatewaySource(Protocol):
    """Reads of a gateway worker: synchronous, read-only, microseconds each. All raise StoreUnavailableError."""

    def apis(self) -> list[Api]:
        """Every API deployed to this worker's environment."""

    def api(self, api_id: str) -> Api | None:
        """One deployed API by ``name/version``; ``None`` if it is not deployed (any more)."""

    def plans(self) -> dict[str, Plan]:
        """Every plan by name."""

    def principal(self, digest: bytes) -> Principal | None:
        """The credential stored under ``digest`` with its application and that environment's subscriptions,
        whatever its state or environment: the api_key step judges. ``None`` for an unknown digest."""

    def position(self) -> int:
        """The newest ``seq`` of the change feed (0 for an empty one)."""

    def changes(self, after: int) -> list[Change]:
        """The feed after ``after`` in order. Raises LostPlaceError when rows after it were already swept."""

    def changed(self) -> bool:
        """Whether any writer committed since the last call (SQLite ``PRAGMA data_version``); cheap enough to poll."""

    def signing_keys(self) -> list[SigningKey]:
        """The instance's assertion keys, newest first: sign with the first, publish all."""

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
