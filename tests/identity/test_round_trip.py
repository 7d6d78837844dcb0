"""Whatever use cases and the registration of clients put into a store, an export of it is a document that loads, changes
nothing there, and makes the same of an empty store."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.front import CALLBACK, Clock, Web, api_call, make_server

from wardgate.control import applications, catalogue, environments, subscriptions, webhooks
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.document import export
from wardgate.control.document.uploaded import load_uploaded
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.export import export_document
from wardgate.control.operators import projects
from wardgate.control.operators import roles as operator_roles
from wardgate.domain.consumer import Controls
from wardgate.domain.document import Document
from wardgate.domain.environment import Retention
from wardgate.domain.limit import Limit, Soften
from wardgate.domain.provider import PRESET_ISSUERS, PresetName
from wardgate.identity import manage_clients, registration
from wardgate.identity.client_metadata import ACR_VALUES
from wardgate.identity.declared_clients import DeclaredClients, client_problem
from wardgate.identity.errors import OAuthError
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.declared import DeclaredProviders, provider_problem
from wardgate.identity.people import manage_groups, manage_roles
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore, open_store

HERE = "development"
API = "orders/v1"
BASE = {
    "wardgate.yaml": """
apis:
  - name: orders
    version: v1
    openapi: ./orders.openapi.yaml
    upstream: { targets: ["http://127.0.0.1:9000"] }
    security:
      schemes: [oauth2]
      scopes: { read: See orders }
      resources: { "GET /items": { scopes: [read] } }
    plans: [free]
plans: [{ name: free, limits: [{ kind: rate, amount: 100, per: minute }] }]
applications: [{ name: first, subscriptions: [{ api: orders/v1, plan: free }] }]
""",
    "orders.openapi.yaml": """
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths: { /items: { get: { responses: { "200": { description: ok } } } } }
""",
}
#: What YAML, shells and people may read otherwise.
PITFALLS = (
    *(
        "Web shop",
        " padded ",
        "yes",
        "off",
        "null",
        "~",
        "1",
        "1.0",
        "0o17",
        "1e3",
        ".inf",
        "2027-01-31",
        "-",
        "- a",
    ),
    *(
        "a: b",
        "a #b",
        "#x",
        "'",
        '"',
        "\\",
        "{}",
        "[x]",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%Y",
        "@x",
        "`x",
        "${X}",
        "<<",
    ),
    *(
        "${secret:X}",
        "Ünïcödé",
        "日本",
        "\U0001d54f",
        "\u200b",
        "\ufeff",
        "\u202e",
        "\u2028",
        "\x85",
        "\x00",
        "\t",
        "\n",
        "e\u0301",
    ),
    *("x" * 64, "x" * 100, "x" * 101, "x" * 500, "x" * 501, "x" * 1000, "default", "local", "owner", ""),
)
TEXTS = st.one_of(
    st.sampled_from(PITFALLS),
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.text("ab -_.1@", max_size=8),
)
#: Mostly such as things that need one may have.
NAMES = st.one_of(
    *[st.text("abc019", min_size=1, max_size=4)] * 3,
    st.sampled_from(("yes", "1e3", "null", "a.b-c_1")),
    TEXTS,
)
SCOPES = st.one_of(
    st.sampled_from(("read", "write", "orders:read2", "a/b", "é")), st.text("ab:/.!", max_size=4)
)
HOSTS = st.sampled_from(("a.example", "b.example:8443", "[::1]:80", "A.example", "127.0.0.1", ""))
URLS = st.one_of(
    st.sampled_from(
        (
            *(
                "https://a.example/x",
                "https://a.example/x?b=1&c=%20",
                "http://127.0.0.1:8080/x",
                "http://10.0.0.1/",
            ),
            *(
                "https://a.example/'\"",
                "https://[::1]/x",
                "https://a.example:8443/{x}",
                "https://a_b.example/",
            ),
            *(
                "https://a.example/" + "x" * 1000,
                "com.example.app:/done",
                "https://é.example/",
                "HTTPS://A.example/",
            ),
        )
    ),
    TEXTS,
)
TIMES = st.floats(1.9e9, 4e9) | st.sampled_from((253402300799.0, 253402300800.0, 2e9 + 1 / 3))
AMOUNTS = st.one_of(st.integers(-1, 5), st.sampled_from((10**15, 10**15 + 1)))
PERIODS = st.sampled_from(("second", "minute", "hour", "day", "week", "month", None))


def some(of: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """A few of them, now and then one twice."""
    return st.lists(of, max_size=most).map(tuple)


LIMITS: st.SearchStrategy[tuple[Limit, ...]] = some(
    st.builds(
        Limit,
        kind=st.sampled_from(("rate", "spike", "quota", "concurrency")),
        amount=AMOUNTS,
        per=PERIODS,
        burst=st.none() | AMOUNTS,
        queue=st.none() | st.floats(0, 60) | st.integers(0, 60),
        timezone=st.sampled_from(("UTC", "UTC", "Europe/Berlin", "Nowhere/At_all")),
        when_away=st.sampled_from(("deny", "allow", "local")),
    )
    | st.builds(
        Limit,
        kind=st.just("quota"),
        amount=AMOUNTS,
        per=PERIODS,
        on_exceeded=st.just("soften"),
        soften=st.builds(Soften, amount=AMOUNTS, per=st.sampled_from(("second", "minute"))),
    ),
    2,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
KEY = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}
KEY |= {"y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "sig"}
GRANTS = ("authorization_code", "refresh_token", "client_credentials", "implicit", "password")
CLIENT: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "authentication": st.sampled_from(("none", "client_secret_post", "private_key_jwt", "tls_client_auth")),
    "grant_types": st.sampled_from(GRANTS).map(lambda each: (each,)) | some(st.sampled_from(GRANTS)),
    "redirect_uris": some(URLS) | st.just((CALLBACK, CALLBACK)) | st.just(("com.example.app:/done",)),
    "post_logout_redirect_uris": some(URLS),
    "scopes": some(SCOPES),
    "audiences": some(URLS) | st.just(("urn:a:b c", "urn:a:b c")),
    "token_format": st.sampled_from(("jwt", "opaque")),
    "access_lifetime": st.integers(0, 90000),
    "jwks": st.dictionaries(TEXTS, JSON, max_size=2).map(lambda more: {**more, "keys": [{**more, **KEY}]}),
    "tls_subject_dn": TEXTS,
    "default_max_age": st.sampled_from((0, 60)),
    "default_acr_values": some(st.sampled_from(ACR_VALUES)),
    "authorization_details_types": some(SCOPES),
    "client_uri": URLS,
    "backchannel_logout_uri": URLS,
    "contacts": some(TEXTS),
    "trusted": st.booleans(),
}
MAPPED = st.dictionaries(TEXTS, some(st.sampled_from(("clerk", "nobody"))), max_size=2)
PROVIDER: dict[str, st.SearchStrategy[Any]] = {
    "tenant": st.sampled_from(("common", "11111111-2222-3333-4444-55555555555A")),
    "tenants": some(st.sampled_from(("11111111-2222-3333-4444-555555555555", "x"))),
    "domains": some(TEXTS),
    "scopes": some(SCOPES),
    "algorithms": some(st.sampled_from(("RS256", "ES256", "HS256"))),
    "groups_claim": TEXTS,
    "roles_claim": TEXTS,
    "name_claim": TEXTS,
    "roles": MAPPED,
    "groups": MAPPED.map(lambda each: {key: tuple("people" for _ in names) for key, names in each.items()}),
    "operators": st.dictionaries(
        TEXTS, some(st.sampled_from(("viewer", "viewer@default", "viewer@", "x"))), max_size=2
    ),
    "on_overage": st.sampled_from(("ignore", "x")),
    "create": st.booleans(),
    "authentication": st.just("client_secret_post"),
    "assertion_clients": some(TEXTS),
}
ENVIRONMENT: dict[str, st.SearchStrategy[Any]] = {
    "hosts": some(HOSTS),
    "plans": st.dictionaries(NAMES, LIMITS, max_size=2),
    "retention": st.builds(Retention, rollups=st.integers(0, 9), audit=st.integers(1, 9)),
    "token_endpoint": URLS,
    "leaks": st.sampled_from(("notify", "rotate", "revoke")),
    "leak_overlap": st.integers(-1, 99),
}


def sparse(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the settings."""
    return st.sets(st.sampled_from(sorted(fields)), max_size=4).flatmap(
        lambda names: st.fixed_dictionaries({name: fields[name] for name in sorted(names)})
    )


#: What is done: a method of :class:`House`, and with what.
Step = tuple[str, tuple[Any, ...]]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("project"), st.tuples(NAMES, TEXTS)),
    st.tuples(st.just("operator_role"), st.tuples(NAMES, TEXTS)),
    st.tuples(st.just("role"), st.tuples(NAMES, some(SCOPES), TEXTS)),
    st.tuples(st.just("group"), st.tuples(NAMES, TEXTS)),
    st.tuples(st.just("application"), st.tuples(NAMES, TEXTS, LIMITS)),
    st.tuples(st.just("environment"), st.tuples(NAMES, TEXTS)),
    st.tuples(st.just("variable"), st.tuples(NAMES, TEXTS)),
    st.tuples(st.just("settings"), st.tuples(sparse(ENVIRONMENT))),
    st.tuples(st.just("describe"), st.tuples(some(TEXTS), some(TEXTS), URLS, TEXTS, TEXTS)),
    st.tuples(st.just("deprecate"), st.tuples(st.none() | TIMES, URLS)),
    st.tuples(st.just("subscription"), st.tuples(LIMITS, some(SCOPES), some(NAMES), st.none() | TIMES)),
    st.tuples(st.just("webhook"), st.tuples(URLS, TEXTS, st.booleans())),
    st.tuples(
        st.just("provider"),
        st.tuples(st.sampled_from(sorted(PRESET_ISSUERS)), TEXTS, TEXTS, URLS, NAMES, sparse(PROVIDER)),
    ),
    st.tuples(st.just("client"), st.tuples(NAMES, sparse(CLIENT))),
    st.tuples(st.just("register"), st.tuples(TEXTS, TEXTS, st.booleans())),
)


class House:
    """A store, and its use cases as the steps call them. What they refuse is not done."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.server: Server = make_server(store, Clock(), web=Web(), open_registration=True)

    async def take(self, steps: list[Step], *, sure: bool = False) -> None:
        """Afterwards those steps that are accepted are done; all of them are with ``sure``."""
        done = await self.put(read(BASE))
        assert done.changes
        await manage_roles.put_role(self.server, "clerk", ("read",))
        await manage_groups.set_group(self.server, "people", roles=("clerk",))
        for name, wanted in steps:
            step: Callable[..., Awaitable[object]] = getattr(self, name)
            try:
                await step(*wanted)
            except (InvalidError, ConflictError, NotFoundError, OAuthError):
                if sure:
                    raise

    async def put(self, wanted: Document, *, prune: bool = False, dry_run: bool = False) -> ApplyResult:
        """Applies a document."""
        return await apply_document(
            self.store,
            wanted,
            HERE,
            "test",
            "",
            prune,
            dry_run=dry_run,
            federation=DeclaredProviders(self.server),
            registrar=DeclaredClients(self.store),
        )

    async def given_back(self) -> dict[str, str]:
        """The files of an export."""
        return export(await export_document(self.store, HERE))

    async def project(self, name: str, description: str) -> None:
        await projects.set_project(self.store, name=name, description=description)

    async def operator_role(self, name: str, description: str) -> None:
        await operator_roles.set_role(
            self.store, name=name, permissions=("apis.view",), description=description
        )

    async def role(self, name: str, scopes: tuple[str, ...], description: str) -> None:
        await manage_roles.put_role(self.server, name, scopes, description)

    async def group(self, name: str, description: str) -> None:
        await manage_groups.set_group(self.server, name, description=description, roles=("clerk",))
        await manage_groups.add_members(self.server, name, applications=("first",))

    async def application(self, name: str, owner: str, limits: tuple[Limit, ...]) -> None:
        made = await applications.add(self.store, name=name, owner=owner)
        await applications.change(self.store, made.id, limits=limits, groups=("people",))

    async def environment(self, name: str, tag: str) -> None:
        await environments.add(self.store, name=name, tag=tag)

    async def variable(self, name: str, value: str) -> None:
        await environments.set_variable(self.store, HERE, name, value)

    async def settings(self, given: dict[str, Any]) -> None:
        await environments.set_settings(self.store, HERE, **given)

    async def describe(
        self, groups: tuple[str, ...], tags: tuple[str, ...], docs: str, contact: str, description: str
    ) -> None:
        for said in (
            {"groups": groups, "visibility": "group"},
            {"tags": tags},
            {"docs": docs},
            {"contact": contact},
            {"description": description},
        ):
            try:
                await catalogue.describe(self.store, API, **said)
            except InvalidError:
                continue

    async def deprecate(self, sunset: float | None, successor: str) -> None:
        await catalogue.deprecate(self.store, API, sunset=sunset, successor=successor)

    async def subscription(
        self,
        limits: tuple[Limit, ...],
        scopes: tuple[str, ...],
        roles: tuple[str, ...],
        expires: float | None,
    ) -> None:
        (found,) = await subscriptions.list_subscriptions(self.store)
        await subscriptions.change(
            self.store,
            found.subscription.id,
            controls=Controls(limits=limits, scopes=scopes, roles=roles, cidrs=("10.0.0.0/8",)),
            expires_at=expires,
            status="suspended",
        )

    async def webhook(self, url: str, description: str, paused: bool) -> None:
        made, _ = await webhooks.add(
            self.store, url=url, description=description, events=("key.issued",) * 2, environments=(HERE,) * 2
        )
        if paused:
            await webhooks.change(self.store, made.id, status="paused")

    async def provider(
        self, preset: PresetName, name: str, client_id: str, issuer: str, id_: str, given: dict[str, Any]
    ) -> None:
        await manage_providers.add(
            self.server,
            preset=preset,
            name=name,
            client_id=client_id,
            secret="",
            issuer=issuer,
            id_=id_,
            settings=given,
        )

    async def client(self, id_: str, given: dict[str, Any]) -> None:
        usual = {"grant_types": ("client_credentials",)}
        await manage_clients.add(
            self.store, application="first", environment=HERE, settings={**usual, **given}, id_=id_
        )

    async def register(self, name: str, contact: str, native: bool) -> None:
        uri = "com.example.app:/done" if native else CALLBACK
        said = {"client_name": name, "contacts": [contact], "redirect_uris": [uri, uri]}
        if native:
            said["application_type"] = "native"
        await registration.register(
            self.server,
            api_call(
                "/oauth2/register",
                headers={"content-type": "application/json"},
                body=json.dumps(said).encode(),
                query={},
            ),
        )


def read(files: dict[str, str]) -> Document:
    """The document in these files, as a server reads what it is sent."""
    return load_uploaded(files, ".", client_problem, provider_problem)


WITH_ODD_NAMES: list[Step] = [
    ("application", ("Web shop", "Jane: Doe #1", ())),
    ("register", ("Web shop", "", True)),
    ("register", ("yes", "a@b.example", False)),
    ("register", (" " * 80 + "Till", "", False)),
    ("client", ("shop", {"audiences": ("urn:a", "urn:a"), "name": "'\"\\ ü"})),
    ("webhook", ("https://a.example/?token=1", "x" * 1000, True)),
    ("project", ("web", "x" * 1000)),
    ("variable", ("A", "\x85\u2028\t")),
    ("role", ("writer", ("gone", "read"), "")),
]
WITH_PROVIDERS: list[Step] = [
    (
        "provider",
        ("generic", "x" * 100, " id", "http://10.0.0.1/", "sso", {"groups_claim": "", "domains": ()}),
    ),
    (
        "provider",
        (
            "google",
            "Google: #1",
            "a",
            "",
            "google",
            {
                "domains": ("a.example", "Ä", "Ä"),
                "name_claim": "a\nb",
                "assertion_clients": ("a b", ""),
                "roles": {"": ("clerk", "clerk"), "a: b\n": ()},
                "operators": {"x": ("viewer@",)},
            },
        ),
    ),
]
WITH_AN_END: list[Step] = [
    ("deprecate", (2e9 + 1 / 3, "https://a.example/v2")),
    ("describe", (("Ä b", "c"), (" a", "b"), "https://a.example/'\"", "", "off")),
    ("subscription", ((), ("read",), ("clerk",), 2e9 + 1 / 7)),
]


async def check(new_data_dir: Path, place: Path, steps: list[Step], *, sure: bool = False) -> None:
    """Asserts what this module is about of a store that these steps filled."""
    for name in ("old", "new"):
        shutil.copytree(new_data_dir, place / name)
    async with await open_store(place / "old") as old, await open_store(place / "new") as new:
        house, empty = House(old), House(new)
        await house.take(steps, sure=sure)
        files = await house.given_back()
        document = read(files)
        for prune in (False, True):
            plan = await house.put(document, prune=prune, dry_run=True)
            assert (plan.changes, plan.differences) == ((), ())
        await empty.put(document)
        assert await empty.given_back() == files


@given(st.lists(STEPS, min_size=1, max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
async def test_what_is_exported_changes_nothing_and_makes_the_same(
    new_data_dir: Path, tmp_path: Path, steps: list[Step]
) -> None:
    """Loaded by the rules that an administrator's document is loaded by, with ``--prune`` and without."""
    await check(new_data_dir, tmp_path / secrets.token_hex(8), steps)


@pytest.mark.parametrize("steps", [WITH_ODD_NAMES, WITH_PROVIDERS, WITH_AN_END])
async def test_what_is_odd_and_accepted_is_given_back(
    new_data_dir: Path, tmp_path: Path, steps: list[Step]
) -> None:
    """Each of these was once taken by a use case, and by no document."""
    await check(new_data_dir, tmp_path, steps, sure=True)
