"""What the demo puts into the store: both APIs from their own documents, the plans, an application and its key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

from wardgate.control import keys
from wardgate.control.apply import apply_document
from wardgate.control.document import load
from wardgate.control.ports import Store
from wardgate.openapi import import_document
from wardgate.storage.database import open_store

ENVIRONMENT = "development"
APPLICATION = "demo"
KEY_NAME = "demo"
ORDERS_TARGET = "http://127.0.0.1:9000"


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
    _write_yaml(folder / "httpbin.yaml", imported)

    subscriptions = [
        {"api": f"{orders_api['name']}/{orders_api['version']}", "plan": "free"},
        {"api": f"{httpbin_api['name']}/{httpbin_api['version']}", "plan": "gold"},
    ]
    applications = [{"name": APPLICATION, "owner": "demo@example.com", "subscriptions": subscriptions}]
    _write_yaml(folder / "demo.yaml", {"applications": applications})
    return orders_api["base_path"], httpbin_api["base_path"]


async def fill_store(data_dir: Path, documents: Path) -> str:
    """Afterwards the store is as ``documents`` say and the returned key of the demo application is its only one."""
    document = load(documents)
    async with await open_store(data_dir) as store:
        await apply_document(store, document, ENVIRONMENT, "demo", "make run")
        return await _fresh_key(store)


async def _fresh_key(store: Store) -> str:
    for record in await keys.list_keys(store, application=APPLICATION, environment=ENVIRONMENT):
        if record.credential.name == KEY_NAME and record.credential.revoked_at is None:
            await keys.revoke(store, record.credential.id)
    _, secret = await keys.issue(store, application=APPLICATION, environment=ENVIRONMENT, name=KEY_NAME)
    return secret.reveal().decode()


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
