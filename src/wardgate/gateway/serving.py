"""What a worker serves now: the snapshot of its APIs, what the gateway serves besides, and pools that still finish."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from time import monotonic

from wardgate.domain.api import Api
from wardgate.domain.settings import ServerSettings, issuer_of
from wardgate.gateway import mounts
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.response_head import ResponseParser
from wardgate.gateway.secrets import Secrets
from wardgate.gateway.snapshot import Mounted, Snapshot
from wardgate.policy.compiled import CompiledApi, CompiledResource
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import PolicyRegistry

log = logging.getLogger("wardgate.gateway")


class Serving:
    """Builds each snapshot from the one before it, and lets go of what is served no more.

    ``token_endpoint`` reads where the environment's token requests are passed on to; empty: nowhere. ``secrets`` reads
    those of the environment. ``several``: whether the control process must be told which environment this is.
    """

    def __init__(
        self,
        settings: ServerSettings,
        master_key: bytes,
        outbox: Outbox,
        registry: PolicyRegistry,
        token_endpoint: Callable[[], str],
        secrets: Secrets,
        *,
        several: bool = False,
    ) -> None:
        self._environment = settings.environment if several else ""
        self._settings = settings
        self._issuer = issuer_of(settings)
        self._master_key = master_key
        self._outbox = outbox
        self._registry = registry
        self._token_endpoint = token_endpoint
        self._secrets = secrets
        self._parser = ResponseParser(settings.bounds.max_header_count)
        self._retired: list[UpstreamPool] = []
        self.snapshot: Snapshot = self._build([], None)

    def load(self, apis: list[Api]) -> Snapshot:
        """The snapshot of ``apis``, in force from now on; pools that it does not use finish what they have.

        Raises:
            StoreUnavailableError: the store cannot be read; nothing has changed then.
        """
        before = self.mounted()
        built = self._build(apis, self.snapshot)
        served = [mounted.api for mounted in built.mounted.values()]
        own = mounts.own_apis(
            self._settings.control,
            served,
            self._token_endpoint(),
            secret_scanning=bool(self._settings.secret_scanning_keys),
        )
        built.own = mounts.own_snapshot(
            own,
            self.snapshot.own,
            self._master_key,
            self._compile,
            self._make_pool,
            self._broken,
            self._environment,
        )
        self.snapshot = built
        kept = {id(mounted.pool) for mounted in self.mounted()}
        for mounted in before:
            if id(mounted.pool) not in kept:
                mounted.pool.retire()
                self._retired.append(mounted.pool)
        return built

    def current(self, resource: CompiledResource) -> CompiledResource | str:
        """The resource as it is served now, by whose steps what is open at it is judged; or the reason that it is not.

        Mounts of the gateway's own ask no right that could be taken back, so a request that was under way when its mount
        was exchanged is answered.
        """
        if resource.api_id.startswith(mounts.OWN):
            return resource
        mounted = self.snapshot.mounted.get(resource.api_id)
        if mounted is None:
            return "api_not_found"
        if mounted.shut:
            return mounted.shut
        compiled = mounted.compiled
        if compiled.undeclared is not None and compiled.undeclared.name == resource.name:
            return compiled.undeclared
        found = (each for each in compiled.resources if each.name == resource.name)
        return next(found, "resource_not_found")

    def mounted(self) -> list[Mounted]:
        """The APIs of the present snapshot, and what the gateway serves besides."""
        own = self.snapshot.own
        return [*self.snapshot.mounted.values(), *(own.mounted.values() if own is not None else ())]

    def pools(self) -> list[UpstreamPool]:
        """Every pool in use, and those that still finish old exchanges."""
        self._retired = [pool for pool in self._retired if pool.connections]
        return [mounted.pool for mounted in self.mounted()] + self._retired

    def _build(self, apis: list[Api], before: Snapshot | None) -> Snapshot:
        return snapshots.build(
            apis, before, self._master_key, self._compile, self._make_pool, self._broken, self._secrets
        )

    def _broken(self, api: Api, error: Exception) -> None:
        """An API cannot be served as deployed: it stays as it was, or shut if it is new."""
        log.error("API %s cannot be served as deployed: %s", api.id, error)

    def _compile(self, api: Api) -> CompiledApi:
        return compile_api(api, self._settings.environment, self._registry, self._issuer)

    def _make_pool(self, api: Api) -> UpstreamPool:
        return UpstreamPool(
            api.upstream,
            self._parser,
            monotonic,
            random.random,
            self._settings.bounds.write_buffer,
            self._outbox,
        )
