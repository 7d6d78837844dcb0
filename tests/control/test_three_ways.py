"""The same thing done by the admin API, by commands and by a document leaves the same state: exported, and by the API."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.conftest import ORDERS

from wardgate.cli import main as cli
from wardgate.cli.connect import MOST, Where, client_for
from wardgate.client import Client, models

Document = dict[str, Any]
RATE: models.LimitSettingsInput = {"kind": "rate", "amount": 5, "per": "second"}
API = ("orders", "v1")
#: What differs with who does it and when.
_OWN = frozenset(
    ("id", "created_at", "deprecated_at", "deployed_at", "by", "waiting", "updated_at", "requested_at")
)
BASE: Document = {
    "apis": [
        {
            "name": "orders",
            "version": "v1",
            "lifecycle": "created",
            "openapi": "./orders.openapi.yaml",
            "upstream": {"targets": ["http://127.0.0.1:9000"]},
            "security": {"schemes": ["api_key"]},
            "plans": ["free", "gold"],
        }
    ],
    "plans": [
        {"name": "free", "limits": [{"kind": "rate", "amount": 100, "per": "minute"}]},
        {
            "name": "gold",
            "approval": "required",
            "limits": [
                {
                    "kind": "quota",
                    "amount": 1000,
                    "per": "day",
                    "timezone": "UTC",
                    "on_exceeded": "soften",
                    "soften": {"amount": 1, "per": "second"},
                }
            ],
        },
    ],
    "roles": [{"name": "clerk"}],
    "applications": [{"name": "mobile"}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing three ways. ``declared`` change the document, which is applied after each; empty where documents have no
    place for it."""

    by_api: Callable[[Client], object]
    by_command: tuple[tuple[str, ...], ...]
    declared: tuple[Callable[[Document], object], ...] = ()


def _environments(client: Client) -> None:
    client.add_environment(name="qa", tag="qa")
    client.order_environments(names=["development", "qa", "staging", "production"])
    client.set_environment_variable("staging", "HOST", if_match=None, value="staging.example.com")
    client.set_environment(
        "development",
        if_match=client.show_environment("development"),
        hosts=["api.dev.example.com"],
        plans={"free": [{"kind": "rate", "amount": 9, "per": "hour"}], "gold": []},
        retention={"rollups": 10, "audit": 400},
        leaks="rotate",
        leak_overlap=3600,
    )


def _environments_declared(document: Document) -> None:
    document["environments"] = [
        {
            "name": "development",
            "hosts": ["api.dev.example.com"],
            "plans": {
                "free": {"limits": [{"kind": "rate", "amount": 9, "per": "hour"}]},
                "gold": {"limits": []},
            },
            "retention": {"rollups": 10, "audit": 400},
            "leaks": "rotate",
            "leak_overlap": 3600,
        },
        {"name": "qa", "tag": "qa"},
        {"name": "staging", "variables": {"HOST": "staging.example.com"}},
        {"name": "production"},
    ]


def _described(client: Client) -> None:
    client.set_project("shop", if_match=None, description="What is sold")
    client.set_group("partners", if_match=None, description="", roles=[])
    client.describe_api(
        *API,
        if_match=client.show_api(*API),
        visibility="group",
        groups=["partners"],
        project="shop",
        tags=["sales"],
        docs="https://docs.example.com",
        contact="ops@example.com",
        description="Orders",
    )


def _described_declared(document: Document) -> None:
    document["projects"] = [{"name": "shop", "description": "What is sold"}]
    document["groups"] = [{"name": "partners"}]
    document["apis"][0] |= {
        "visibility": "group",
        "groups": ["partners"],
        "project": "shop",
        "tags": ["sales"],
        "docs": "https://docs.example.com",
        "contact": "ops@example.com",
        "description": "Orders",
    }


def _deprecated(client: Client) -> None:
    client.publish_api(*API, if_match=client.show_api(*API))
    client.deprecate_api(
        *API,
        if_match=client.show_api(*API),
        sunset=1_927_584_000.0,
        successor="https://api.example.com/orders/v2",
    )


def _lifecycle(step: str, **more: str) -> Callable[[Document], object]:
    """The document with that step of the life cycle."""

    def declare(document: Document) -> None:
        document["apis"][0] |= {"lifecycle": step, **more}

    return declare


_PUBLISHED = _lifecycle("published")
_DEPRECATED = _lifecycle("deprecated", sunset="2031-01-31", successor="https://api.example.com/orders/v2")
_DEPRECATE = (
    ("apis", "publish", "orders/v1"),
    (
        *("apis", "deprecate", "orders/v1", "--sunset", "2031-01-31"),
        *("--successor", "https://api.example.com/orders/v2"),
    ),
)


def _retired(client: Client) -> None:
    _deprecated(client)
    client.retire_api(*API, if_match=client.show_api(*API))


def _switched(client: Client) -> None:
    client.switch_api_off(
        *API, if_match=client.show_api(*API), environment="development", resource=None, reason="flood"
    )


def _consumer(client: Client) -> None:
    client.set_group("staff", if_match=None, description="Who works here", roles=["clerk"])
    found = client.add_application(name="batch", owner="ops@example.com")
    client.set_application(
        found["id"],
        if_match="*",
        limits=[{"kind": "quota", "amount": 100, "per": "day", "timezone": "Europe/Berlin"}],
        groups=["staff"],
    )


def _consumer_declared(document: Document) -> None:
    document["groups"] = [{"name": "staff", "description": "Who works here", "roles": ["clerk"]}]
    document["applications"].append(
        {
            "name": "batch",
            "owner": "ops@example.com",
            "groups": ["staff"],
            "limits": [{"kind": "quota", "amount": 100, "per": "day", "timezone": "Europe/Berlin"}],
        }
    )


def _subscribed(client: Client) -> None:
    client.publish_api(*API, if_match=client.show_api(*API))
    asked = client.add_access_request(
        application="mobile", environment="development", api="orders/v1", plan="gold"
    )
    client.approve_access_request(
        asked["id"],
        if_match=client.show_access_request(asked["id"]),
        controls={"limits": [RATE], "cidrs": ["192.0.2.0/24"], "scopes": [], "roles": ["clerk"]},
        expires_at=1_927_584_000.0,
    )
    client.set_subscription(asked["subscription"], if_match="*", status="suspended")


def _subscribed_declared(document: Document) -> None:
    document["apis"][0]["lifecycle"] = "published"
    document["applications"][0]["subscriptions"] = [
        {
            "api": "orders/v1",
            "plan": "gold",
            "controls": {"limits": [RATE], "cidrs": ["192.0.2.0/24"], "roles": ["clerk"]},
            "expires": "2031-01-31T00:00:00Z",
            "status": "suspended",
        }
    ]


def _operating(client: Client) -> None:
    client.set_project("shop", if_match=None, description="What is sold")
    client.set_operator_role(
        "releaser", if_match=None, description="Promotes", permissions=["apis.view", "apis.promote"]
    )


def _operating_declared(document: Document) -> None:
    document["projects"] = [{"name": "shop", "description": "What is sold"}]
    document["operator_roles"] = [
        {"name": "releaser", "description": "Promotes", "permissions": ["apis.promote", "apis.view"]}
    ]


def _told(client: Client) -> None:
    client.add_webhook(
        url="https://hooks.example.com/",
        events=["key.leaked"],
        environments=["production"],
        description="Chat",
    )
    found = next(client.list_webhooks())
    client.set_webhook(found["id"], if_match=client.show_webhook(found["id"]), status="paused")


def _told_declared(document: Document) -> None:
    document["webhooks"] = [
        {
            "url": "https://hooks.example.com/",
            "events": ["key.leaked"],
            "environments": ["production"],
            "description": "Chat",
            "status": "paused",
        }
    ]


def _federated(client: Client) -> None:
    client.add_provider(
        preset="generic",
        name="Staff",
        id_="staff",
        client_id="me",
        issuer="https://sso.example.com",
        environment="development",
        settings={"create": True, "roles": {"clerks": ["clerk"]}},
    )


def _federated_declared(document: Document) -> None:
    document["environments"] = [
        {
            "name": "development",
            "identity_providers": [
                {
                    "id": "staff",
                    "name": "Staff",
                    "preset": "generic",
                    "issuer": "https://sso.example.com",
                    "client_id": "me",
                    "create": True,
                    "roles": {"clerks": ["clerk"]},
                }
            ],
        }
    ]


def _clients(client: Client) -> None:
    client.add_client(
        application="mobile",
        environment="development",
        id_="mobile-app",
        authentication="none",
        redirect_uris=["http://127.0.0.1/callback"],
        scopes=["openid"],
    )
    client.update_client(
        "mobile-app",
        if_match=client.show_client("mobile-app"),
        access_lifetime=300,
        scopes=["openid", "email"],
    )


def _clients_declared(document: Document) -> None:
    document["clients"] = [
        {
            "id": "mobile-app",
            "application": "mobile",
            "authentication": "none",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "scopes": ["openid", "email"],
            "access_lifetime": 300,
        }
    ]


def _held(client: Client) -> None:
    found = client.show_application(next(client.list_applications(name="mobile"))["id"])
    client.throttle_application(found["id"], if_match=found, limits=[RATE], reason="flood")
    client.suspend_application(found["id"], if_match="*", reason="flood")


def _secret(client: Client) -> None:
    client.set_environment_secret("staging", "TOKEN", if_match=None, value="hunter2")
    client.set_environment_secret("staging", "GONE", if_match=None, value="hunter3")
    client.remove_environment_secret("staging", "GONE", if_match="*")


DEEDS: dict[str, Deed] = {
    "environments": Deed(
        by_api=_environments,
        by_command=(
            ("environments", "add", "qa", "--tag", "qa"),
            ("environments", "order", "development", "qa", "staging", "production"),
            ("environments", "variable", "set", "staging", "HOST", "staging.example.com"),
            ("environments", "set", "development", "--host", "api.dev.example.com", "--leaks", "rotate"),
            ("environments", "set", "development", "--plan", "free=rate 9/hour", "--plan", "gold=none"),
            ("environments", "set", "development", "--retain-rollups", "10", "--leak-overlap", "1h"),
            ("environments", "set", "development", "--retain-audit", "400"),
        ),
        declared=(_environments_declared,),
    ),
    "catalogue": Deed(
        by_api=_described,
        by_command=(
            ("projects", "set", "shop", "--description", "What is sold"),
            ("groups", "set", "partners"),
            ("apis", "describe", "orders/v1", "--visibility", "group", "--group", "partners"),
            ("apis", "describe", "orders/v1", "--project", "shop", "--tag", "sales"),
            ("apis", "describe", "orders/v1", "--docs", "https://docs.example.com"),
            ("apis", "describe", "orders/v1", "--contact", "ops@example.com", "--description", "Orders"),
        ),
        declared=(_described_declared,),
    ),
    "deprecated": Deed(by_api=_deprecated, by_command=_DEPRECATE, declared=(_PUBLISHED, _DEPRECATED)),
    "retired": Deed(
        by_api=_retired,
        by_command=(*_DEPRECATE, ("apis", "retire", "orders/v1")),
        declared=(_PUBLISHED, _DEPRECATED, _lifecycle("retired")),
    ),
    "kill switch": Deed(
        by_api=_switched,
        by_command=(("apis", "off", "orders/v1", "--in", "development", "--reason", "flood"),),
    ),
    "applications and groups": Deed(
        by_api=_consumer,
        by_command=(
            ("groups", "set", "staff", "--description", "Who works here", "--role", "clerk"),
            ("apps", "add", "batch", "--owner", "ops@example.com"),
            ("apps", "set", "batch", "--limit", "quota 100/day timezone=Europe/Berlin"),
            ("groups", "add", "staff", "--application", "batch"),
        ),
        declared=(_consumer_declared,),
    ),
    "subscriptions": Deed(
        by_api=_subscribed,
        by_command=(
            ("apis", "publish", "orders/v1"),
            ("access", "request", "mobile", "orders/v1", "--plan", "gold"),
            (
                *("access", "approve", "{request}", "--limit", "rate 5/second", "--cidr", "192.0.2.0/24"),
                *("--role", "clerk", "--expires", "2031-01-31T00:00:00+00:00"),
            ),
            ("subscriptions", "set", "{subscription}", "--status", "suspended"),
        ),
        declared=(_subscribed_declared,),
    ),
    "projects and roles of operators": Deed(
        by_api=_operating,
        by_command=(
            ("projects", "set", "shop", "--description", "What is sold"),
            (
                *("operators", "roles", "set", "releaser", "--description", "Promotes"),
                *("--permission", "apis.view", "--permission", "apis.promote"),
            ),
        ),
        declared=(_operating_declared,),
    ),
    "webhooks": Deed(
        by_api=_told,
        by_command=(
            (
                *("webhooks", "add", "https://hooks.example.com/", "--event", "key.leaked"),
                *("--of", "production", "--description", "Chat"),
            ),
            ("webhooks", "set", "{webhook}", "--status", "paused"),
        ),
        declared=(_told_declared,),
    ),
    "identity providers": Deed(
        by_api=_federated,
        by_command=(
            (
                *(
                    "idp",
                    "add",
                    "generic",
                    "--name",
                    "Staff",
                    "--id",
                    "staff",
                    "--client-id",
                    "me",
                    "--create",
                ),
                *("--issuer", "https://sso.example.com", "--role", "clerks=clerk"),
            ),
        ),
        declared=(_federated_declared,),
    ),
    "clients": Deed(
        by_api=_clients,
        by_command=(
            (
                *("clients", "add", "mobile", "--id", "mobile-app", "--authentication", "none"),
                *("--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid"),
            ),
            (
                *("clients", "update", "mobile-app", "--scope", "openid email"),
                *("--set", "access_lifetime=300"),
            ),
        ),
        declared=(_clients_declared,),
    ),
    "holding an application back": Deed(
        by_api=_held,
        by_command=(
            ("apps", "throttle", "mobile", "--limit", "rate 5/second", "--reason", "flood"),
            ("apps", "suspend", "mobile", "--reason", "flood"),
        ),
    ),
    "secrets": Deed(
        by_api=_secret,
        by_command=(
            ("environments", "secret", "set", "staging", "TOKEN"),
            ("environments", "secret", "set", "staging", "GONE"),
            ("environments", "secret", "remove", "staging", "GONE"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Installation:
    """A store of its own, with the base document applied, and its folder."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def data_dir(self) -> Path:
        """Where the store is."""
        return self.folder / "data"

    def run(self, *words: str) -> Any:
        """What a command that succeeds writes with ``--json``."""
        self.monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
        status = cli.main([*words, "--data-dir", str(self.data_dir), "--json"])
        captured = self.capsys.readouterr()
        assert status == 0, f"{words}: {captured.err}"
        return json.loads(captured.out)

    def apply(self, document: Document) -> Any:
        """Applies a document."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "orders.openapi.yaml").write_text((ORDERS / "orders.openapi.yaml").read_text())
        file = self.folder / "wardgate.yaml"
        file.write_text(yaml.safe_dump(document))
        return self.run("apply", "-f", str(file))

    def state(self) -> dict[str, Any]:
        """The store as exported, and as the API tells it, without what differs with who did it and when."""
        with client_for(Where(data_dir=self.data_dir)) as client:
            told: dict[str, Any] = {
                "environments": list(client.list_environments(limit=MOST)),
                "secrets": list(client.list_environment_secrets("staging", limit=MOST)),
                "apis": list(client.list_apis(limit=MOST)),
                "applications": list(client.list_applications(limit=MOST)),
                "subscriptions": list(client.list_subscriptions(limit=MOST)),
                "groups": list(client.list_groups(limit=MOST)),
                "projects": list(client.list_projects(limit=MOST)),
                "operator_roles": list(client.list_operator_roles(limit=MOST)),
                "roles": list(client.list_roles(limit=MOST)),
                "webhooks": list(client.list_webhooks(limit=MOST)),
                "clients": list(client.list_clients(limit=MOST)),
                "providers": list(client.list_providers(limit=MOST)),
            }
        files = self.run("export")["files"]
        told["exported"] = yaml.safe_load(files["wardgate.yaml"])
        told["files"] = sorted(files)
        plain: dict[str, Any] = _plain(told)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key not in _OWN}
    return value


@pytest.fixture
def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Installation]:
    """Makes installations by name, each with the base document."""

    def make(name: str) -> Installation:
        installation = Installation(tmp_path / name, monkeypatch, capsys)
        installation.apply(BASE)
        return installation

    return make


def _by_commands(installation: Installation, commands: tuple[tuple[str, ...], ...]) -> None:
    known: dict[str, str] = {}
    for words in commands:
        found = installation.run(*(word.format(**known) if word[:1] == "{" else word for word in words))
        if words[:2] == ("access", "request"):
            known = {"request": found["id"], "subscription": found["subscription"]}
        elif words[:2] == ("webhooks", "add"):
            known = {"webhook": found["webhook"]["id"]}


@pytest.mark.parametrize("name", DEEDS)
def test_the_same_is_done_by_api_command_and_document(made: Callable[[str], Installation], name: str) -> None:
    """Each way from the same beginning to the same end, which is not the beginning; the document once more, and what is
    exported from the others, change nothing."""
    deed = DEEDS[name]
    api, command = made("api"), made("command")
    before = api.state()
    with client_for(Where(data_dir=api.data_dir)) as client:
        deed.by_api(client)
    _by_commands(command, deed.by_command)
    done = api.state()
    assert done != before
    assert command.state() == done
    if not deed.declared:
        assert done["exported"] == before["exported"]
        return
    document = copy.deepcopy(BASE)
    declared = made("declared")
    for step in deed.declared:
        step(document)
        assert declared.apply(document)["changes"]
    assert declared.state() == done
    for installation in (declared, api, command):
        assert installation.apply(document)["changes"] == []


def test_no_value_of_a_secret_is_told(made: Callable[[str], Installation]) -> None:
    """Neither in what is exported nor in what the API tells."""
    installation = made("one")
    with client_for(Where(data_dir=installation.data_dir)) as client:
        _secret(client)
    listed = installation.run("environments", "secret", "list", "staging")
    assert [each["name"] for each in listed["secrets"]] == ["TOKEN"]
    told = repr((installation.state(), listed, installation.run("audit", "list")))
    assert "TOKEN" in told
    assert "hunter" not in told
