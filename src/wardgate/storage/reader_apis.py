"""What a gateway worker reads of APIs, plans and its environment: like the rest of ``reader.py``, straight from SQLite."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Protocol

from wardgate.domain.api import Api
from wardgate.domain.codec import decode, decode_api, decode_plan
from wardgate.domain.environment import EnvironmentSettings, host_name
from wardgate.domain.limit import Plan
from wardgate.domain.secret import Secret
from wardgate.domain.standing import USUAL, Standing
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.errors import MasterKeyError
from wardgate.storage.vault import Vault

_APIS = """
SELECT d.bound, d.off, json_extract(a.catalogue, '$.visibility'), a.lifecycle, a.deprecated_at, a.sunset_at, a.successor
FROM deployments AS d JOIN apis AS a ON a.id = d.api
WHERE d.environment = ? ORDER BY a.name, a.version
"""
_API = """
SELECT d.bound, d.off, json_extract(a.catalogue, '$.visibility'), a.lifecycle, a.deprecated_at, a.sunset_at, a.successor
FROM apis AS a JOIN deployments AS d ON d.api = a.id AND d.environment = ?
WHERE a.name = ? AND a.version = ?
"""
_PLANS = "SELECT name, document FROM plans WHERE environment = ? ORDER BY name"
_SETTINGS = "SELECT document FROM environment_settings WHERE environment = ?"
_SECRETS = "SELECT name, sealed FROM environment_secrets WHERE environment = ?"

Row = tuple[Any, ...]


class _Source(Protocol):
    """What the class has that these reads are mixed into."""

    _environment: str
    _master_key: bytes

    def _rows(self, statement: str, parameters: Row = ()) -> list[Row]: ...
    def settings(self) -> EnvironmentSettings: ...


class ApiReads:
    """The part of ``gateway.ports.GatewaySource`` about APIs; ``SqliteSource`` brings the connection."""

    def apis(self: _Source) -> list[Api]:
        """Every API deployed to this environment, as it is bound and stands there."""
        hosts = _names(self.settings().hosts)
        return [_api(row, hosts) for row in self._rows(_APIS, (self._environment,))]

    def api(self: _Source, api_id: str) -> Api | None:
        """One deployed API by ``name/version``."""
        name, _, version = api_id.partition("/")
        rows = self._rows(_API, (self._environment, name, version))
        return _api(rows[0], _names(self.settings().hosts)) if rows else None

    def settings(self: _Source) -> EnvironmentSettings:
        """What belongs to the environment itself."""
        rows = self._rows(_SETTINGS, (self._environment,))
        try:
            return decode(EnvironmentSettings, json.loads(rows[0][0])) if rows else EnvironmentSettings()
        except ValueError as error:
            raise StoreUnavailableError(f"the settings of the environment cannot be read: {error}") from error

    def hosts(self: _Source) -> tuple[str, ...]:
        """The hosts of the environment's gateways."""
        return self.settings().hosts

    def token_endpoint(self: _Source) -> str:
        """Where the environment's token requests are passed on to; empty: nowhere."""
        return self.settings().token_endpoint

    def plans(self: _Source) -> dict[str, Plan]:
        """Every plan of the environment by name, with the limits its settings put in place of the plan's own."""
        limits = self.settings().plans
        try:
            plans = {
                name: decode_plan(json.loads(document))
                for name, document in self._rows(_PLANS, (self._environment,))
            }
        except ValueError as error:
            raise StoreUnavailableError(f"a stored plan cannot be read: {error}") from error
        return {
            name: replace(plan, limits=limits[name]) if name in limits else plan
            for name, plan in plans.items()
        }

    def secrets(self: _Source) -> dict[str, Secret]:
        """The secrets of the environment by name."""
        vault = Vault(self._master_key)
        try:
            return {
                name: Secret(vault.open(sealed, f"secret/{self._environment}/{name}"))
                for name, sealed in self._rows(_SECRETS, (self._environment,))
            }
        except MasterKeyError as error:
            raise StoreUnavailableError(str(error)) from error


def _names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts without their ports, which APIs are not told apart by."""
    return tuple(dict.fromkeys(host_name(host) for host in hosts))


def _api(row: Row, hosts: tuple[str, ...]) -> Api:
    """An API without hosts of its own answers on those of the environment."""
    bound, off, visibility, *standing = row
    try:
        api = decode_api(json.loads(bound))
        listed = visibility == "public" or api.versioning is None
        found = _standing(standing, tuple(json.loads(off)) if off != "[]" else (), listed=listed)
    except ValueError as error:
        raise StoreUnavailableError(f"a stored API cannot be read: {error}") from error
    if found == USUAL and (api.hosts or not hosts):
        return api
    return replace(api, standing=found, hosts=api.hosts or hosts)


def _standing(row: list[Any], off: tuple[str, ...], *, listed: bool) -> Standing:
    lifecycle, deprecated_at, sunset_at, successor = row
    return Standing(
        lifecycle=lifecycle,
        deprecated_at=deprecated_at,
        sunset_at=sunset_at,
        successor=successor,
        off=off,
        listed=listed,
    )
