"""What the demo puts into the store: both APIs from their own documents, the plans, an application, its key and client."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from wardgate.control import keys
from wardgate.control.apply import apply_document
from wardgate.control.document import load
from wardgate.identity import manage_clients
from wardgate.openapi import import_document
from wardgate.storage.database import SqlStore, open_store

ENVIRONMENT = "development"
APPLICATION = "demo"
KEY_NAME = "demo"
CLIENT_NAME = "The demo"
ORDERS_TARGET = "http://127.0.0.1:9000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the demo application shows: its API key, and its OAuth 2.0 client."""

    key: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)


def write_documents(
    folder: Path, orders: Path, httpbin: str, spec: bytes, orders_url: str
) -> tuple[str, str]:
    """Afterwards ``folder`` holds the demo's documents, to look at and to change; the base paths of orders and httpbin.

    ``orders`` is the folder of the example API, ``spec`` the Swagger 2.0 document that httpbin at ``httpbin`` gave.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(orders / "orders.openapi.yaml", folder)
    settings = (orders / "wardgate.yaml").read_text(encoding="utf-8").replace(ORDERS_TARGET, orders_url)
    (folder / "orders.yaml").write_text(settings, encoding="utf-8")
    (orders_api,) = yaml.safe_load(settings)["apis"]

    # json.dumps sorts what httpbin gives in any order, so that the same document is the same revision.
    described = json.dumps(json.loads(spec), indent=1, sort_keys=True)
    (folder / "httpbin.openapi.json").write_text(described, encoding="utf-8")
    imported = yaml.safe_load(import_document(described, "./httpbin.openapi.json", httpbin, "httpbin", None))
    (httpbin_api,) = imported["apis"]
    httpbin_api["plans"] = ["gold"]
    httpbin_api["security"]["schemes"] = ["api_key", "oauth2"]
    _write_yaml(folder / "httpbin.yaml", imported)

    subscriptions = [
        {"api": f"{orders_api['name']}/{orders_api['version']}", "plan": "free"},
        {"api": f"{httpbin_api['name']}/{httpbin_api['version']}", "plan": "gold"},
    ]
    applications = [{"name": APPLICATION, "owner": "demo@example.com", "subscriptions": subscriptions}]
    _write_yaml(folder / "demo.yaml", {"applications": applications})
    return orders_api["base_path"], httpbin_api["base_path"]


async def fill_store(data_dir: Path, documents: Path) -> Credentials:
    """Afterwards the store is as ``documents`` say, and the demo application has no credentials but those returned."""
    document = load(documents)
    async with await open_store(data_dir) as store:
        await apply_document(store, document, ENVIRONMENT, "demo", "make run")
        client_id, secret = await _fresh_client(store)
        return Credentials(key=await _fresh_key(store), client_id=client_id, client_secret=secret)


async def _fresh_client(store: SqlStore) -> tuple[str, str]:
    """The demo's client with a new secret, the only one that is good."""
    for record in await manage_clients.list_clients(store, application=APPLICATION, environment=ENVIRONMENT):
        if record.client.name == CLIENT_NAME:
            client, secret = await manage_clients.rotate_secret(store, record.client.id, overlap=0)
            return client.id, secret.reveal().decode()
    settings = {"name": CLIENT_NAME, "grant_types": ("client_credentials",)}
    client, made = await manage_clients.add(
        store, application=APPLICATION, environment=ENVIRONMENT, settings=settings
    )
    if made is None:
        raise RuntimeError("the demo's client was given no secret")
    return client.id, made.reveal().decode()


async def _fresh_key(store: SqlStore) -> str:
    for record in await keys.list_keys(store, application=APPLICATION, environment=ENVIRONMENT):
        if record.credential.name == KEY_NAME and record.credential.revoked_at is None:
            await keys.revoke(store, record.credential.id)
    _, secret = await keys.issue(store, application=APPLICATION, environment=ENVIRONMENT, name=KEY_NAME)
    return secret.reveal().decode()


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
