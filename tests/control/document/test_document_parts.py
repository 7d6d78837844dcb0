"""The settings of plans, upstreams and APIs: what is accepted, and each refusal with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.control.document.conftest import one_api, openapi
from tests.e2e.certificates import Authority

from wardgate.domain.api import Api, Cors, PolicyUse
from wardgate.domain.limit import Limit
from wardgate.domain.upstream import CircuitBreaker, HealthCheck, Timeouts, Upstream, UpstreamTls

if TYPE_CHECKING:
    from tests.control.document.conftest import Load, Refuse, Resolve


def test_limits_with_every_key(loaded: Load) -> None:
    """Each kind of limit takes its own keys."""
    text = """plans:
  - name: all
    description: Everything
    limits:
      - { kind: rate, amount: 1, per: week, burst: 3, when_away: local }
      - { kind: spike, amount: 5, per: second, queue: 0.5 }
      - { kind: quota, amount: 7, per: year, timezone: Europe/Berlin, when_away: allow }
      - { kind: concurrency, amount: 2 }
"""
    (plan,) = loaded(text).plans
    assert plan.description == "Everything"
    assert plan.limits == (
        Limit(kind="rate", amount=1, per="week", burst=3, when_away="local"),
        Limit(kind="spike", amount=5, per="second", queue=0.5),
        Limit(kind="quota", amount=7, per="year", timezone="Europe/Berlin", when_away="allow"),
        Limit(kind="concurrency", amount=2),
    )


@pytest.mark.parametrize(
    ("limit", "key", "message", "remedy"),
    [
        ("{ amount: 1 }", "", "the key 'kind' is missing", "Add `kind:` with one of rate, spike"),
        ("{ kind: rat, amount: 1 }", ".kind", "'rat' is no valid kind", "Did you mean 'rate'?"),
        ("{ kind: rate, per: minute }", "", "the key 'amount' is missing", "Add `amount:`"),
        (
            "{ kind: rate, amount: 0, per: minute }",
            ".amount",
            "'amount' must be a whole number, not 0",
            "Write a",
        ),
        (
            "{ kind: rate, amount: 1.5, per: minute }",
            ".amount",
            "'amount' must be a whole number, not 1.5",
            "Write",
        ),
        (
            "{ kind: rate, amount: true, per: minute }",
            ".amount",
            "'amount' must be a whole number",
            "Write a",
        ),
        (
            "{ kind: rate, amount: 1 }",
            "",
            "a limit of kind rate needs 'per'",
            "Add `per:` with one of second, minute",
        ),
        (
            "{ kind: rate, amount: 1, per: month }",
            ".per",
            "a limit of kind rate cannot be per month: its period must have a fixed length",
            "Use one of second, minute, hour, day, week, or a limit of kind quota",
        ),
        (
            "{ kind: quota, amount: 1 }",
            "",
            "a limit of kind quota needs 'per'",
            "Add `per:` with one of minute",
        ),
        (
            "{ kind: quota, amount: 1, per: second }",
            ".per",
            "a limit of kind quota cannot be per second",
            "Use one",
        ),
        (
            "{ kind: concurrency, amount: 1, per: day }",
            ".per",
            "a limit of kind concurrency takes no 'per'",
            "Remove",
        ),
        (
            "{ kind: spike, amount: 1, per: day, burst: 2 }",
            ".burst",
            "a limit of kind spike takes no 'burst'",
            "Rem",
        ),
        (
            "{ kind: rate, amount: 1, per: day, queue: 2 }",
            ".queue",
            "a limit of kind rate takes no 'queue'",
            "Rem",
        ),
        (
            "{ kind: spike, amount: 1, per: day, queue: 99 }",
            ".queue",
            "'queue' must be a number, not 99",
            "Write a",
        ),
        (
            "{ kind: rate, amount: 1, per: day, timezone: UTC }",
            ".timezone",
            "a limit of kind rate takes no",
            "Remove",
        ),
        (
            "{ kind: quota, amount: 1, per: day, timezone: Europe/Berln }",
            ".timezone",
            "'Europe/Berln' is no time zone",
            "Did you mean 'Europe/Berlin'?",
        ),
        (
            "{ kind: quota, amount: 1, per: day, timezone: ../x }",
            ".timezone",
            "'../x' is no time zone",
            "Use a name",
        ),
        (
            "{ kind: rate, amount: 1, per: day, when_away: ask }",
            ".when_away",
            "'ask' is no valid when_away",
            "Known",
        ),
    ],
)
def test_wrong_limits_are_named(refused: Refuse, limit: str, key: str, message: str, remedy: str) -> None:
    """Each combination a limit cannot have is refused with its remedy in words."""
    (problem,) = refused(f"plans:\n  - name: p\n    limits:\n      - {limit}\n")
    assert (problem.line, problem.path) == (4, f"plans[0].limits[0]{key}")
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


FULL = """base_path: /
hosts: [api.example.com, "*.example.org"]
security: { schemes: [api_key] }
undeclared: allow
max_body: 10MB
identity: { headers: false, assertion: false }
policies:
  - { use: acme.tenant, header: X-Tenant, deep: { list: [1, off] } }
cors:
  origins: [https://app.example.com, "http://localhost:3000"]
  methods: [get, PUT]
  headers: [X-One]
  expose: [X-Two]
  credentials: true
  max_age: 5
"""


def test_every_key_of_an_api(resolved: Resolve) -> None:
    """Each setting of an API arrives where the gateway reads it."""
    api = resolved(FULL)
    assert (api.base_path, api.hosts, api.undeclared) == ("", ("api.example.com", "*.example.org"), "allow")
    assert (api.max_body, api.identity_headers, api.assertion) == (10 * 1024 * 1024, False, False)
    config = {"header": "X-Tenant", "deep": {"list": [1, "off"]}}
    assert api.policies == (PolicyUse(name="acme.tenant", config=config),)
    assert api.cors == Cors(
        origins=("https://app.example.com", "http://localhost:3000"),
        methods=("GET", "PUT"),
        headers=("X-One",),
        expose=("X-Two",),
        credentials=True,
        max_age=5,
    )


def test_defaults_are_those_of_the_domain(resolved: Resolve) -> None:
    """What is not written has the domain's own default, and the base path is the API's name and version."""
    api = resolved()
    plain = Api(
        name="orders",
        version="v1",
        base_path="/orders/v1",
        upstream=Upstream(targets=("http://127.0.0.1:9000",)),
        resources=api.resources,
    )
    assert api == plain


def test_every_key_of_an_upstream(loaded: Load, tmp_path: Path) -> None:
    """Each setting of an upstream arrives, with files as absolute paths and numbers as floats."""
    authority = Authority(tmp_path)
    for made, name in zip(authority.issue("client.example"), ("c.pem", "k.pem"), strict=True):
        made.rename(tmp_path / name)
    text = one_api().replace(
        '{ targets: ["http://127.0.0.1:9000"] }',
        """
      targets: ["https://[::1]:9443/prefix/", http://b]
      retries: 2
      retry_budget: 1
      strip_base_path: false
      preserve_host: true
      max_connections: 5
      health: { path: /up, interval: 1, timeout: 1, healthy: 1, unhealthy: 1 }
      breaker: { failures: 1, open_seconds: 2 }
      timeouts: { connect: 1, response: 2, idle: 3.5 }
      tls: { ca: ./ca.pem, server_name: x.example, certificate: c.pem, key: k.pem, verify: false }""",
    )
    upstream = loaded(text).apis[0].api.upstream
    assert upstream == Upstream(
        targets=("https://[::1]:9443/prefix", "http://b"),
        retries=2,
        retry_budget=1.0,
        strip_base_path=False,
        preserve_host=True,
        max_connections=5,
        health=HealthCheck(path="/up", interval=1.0, timeout=1.0, healthy=1, unhealthy=1),
        breaker=CircuitBreaker(failures=1, open_seconds=2.0),
        timeouts=Timeouts(connect=1.0, response=2.0, idle=3.5),
        tls=UpstreamTls(
            ca=str(tmp_path / "ca.pem"),
            server_name="x.example",
            certificate=str(tmp_path / "c.pem"),
            key=str(tmp_path / "k.pem"),
            verify=False,
        ),
    )
    assert type(upstream.retry_budget) is float


@pytest.mark.parametrize(
    ("tls", "key", "message"),
    [
        ("ca: api.json", "ca", "'api.json' holds no PEM certificate"),
        (
            "certificate: 1.pem, key: 2.key",
            "certificate",
            "'1.pem' and '2.key' are no PEM certificate and its key",
        ),
        (
            "certificate: 1.key, key: 1.key",
            "certificate",
            "'1.key' and '1.key' are no PEM certificate and its key",
        ),
        (
            "certificate: 1.pem, key: locked.key",
            "certificate",
            "'1.pem' and 'locked.key' are no PEM certificate",
        ),
    ],
)
def test_files_no_gateway_could_use_are_told(
    refused: Refuse, tmp_path: Path, tls: str, key: str, message: str
) -> None:
    """Certificates and keys of an upstream are loaded before anything is stored, and no passphrase is ever asked for."""
    authority = Authority(tmp_path)
    _, private = authority.issue("one.example")
    authority.issue("two.example")
    opened = serialization.load_pem_private_key(private.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"x")
    pkcs8 = serialization.PrivateFormat.PKCS8
    (tmp_path / "locked.key").write_bytes(opened.private_bytes(serialization.Encoding.PEM, pkcs8, locked))
    text = one_api().replace(" }\n", f", tls: {{ {tls} }} }}\n", 1)
    (problem,) = refused(text)
    assert problem.path == f"apis[0].upstream.tls.{key}"
    assert problem.message.startswith(message)
    assert problem.remedy.startswith("Give the ")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("ftp://h", "it must start with http:// or https://"),
        ("127.0.0.1:9000", "it must start with http:// or https://"),
        ("http://", "it names no host and port to connect to"),
        ("http://h:0", "it names no host and port to connect to"),
        ("http://h:99999", "it is no valid URL"),
        ("http://[::1", "it is no valid URL"),
        ("http://user:hunter2@h", "it holds a user name or password"),
        ("http://h/?x=1", "it holds a query or a fragment"),
        ("http://h#x", "it holds a query or a fragment"),
        ("http://h/a/../b", "its path has an empty segment or a dot segment"),
        ("http://h x", "it holds a space, a control character or a non-ASCII character"),
        ("http://h\u00e9", "it holds a space, a control character or a non-ASCII character"),
    ],
)
def test_wrong_targets_are_named_without_their_credentials(refused: Refuse, target: str, reason: str) -> None:
    """A target that is no plain http or https URL is refused; a password in it is not repeated."""
    (problem,) = refused(one_api().replace("http://127.0.0.1:9000", target))
    assert problem.path == "apis[0].upstream.targets[0]"
    assert problem.message == f"the target cannot be used: {reason}"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "remedy"),
    [
        (
            '["http://127.0.0.1:9000"]',
            "[]",
            "upstream.targets",
            "the upstream has no targets",
            "Add `targets:",
        ),
        (
            'targets: ["http://127.0.0.1:9000"]',
            "",
            "upstream",
            "the upstream has no targets",
            "Add `targets:",
        ),
        (
            '"http://127.0.0.1:9000"',
            "http://a, http://a/",
            "upstream.targets[1]",
            "the target cannot",
            "Write",
        ),
        (
            " }\n",
            ", retry_budget: 2 }\n",
            "upstream.retry_budget",
            "'retry_budget' must be a number",
            "Write a",
        ),
        (
            " }\n",
            ", retries: -1 }\n",
            "upstream.retries",
            "'retries' must be a whole number",
            "Write a whole",
        ),
        (
            " }\n",
            ", timeouts: { conect: 1 } }\n",
            "upstream.timeouts.conect",
            "unknown key 'conect'",
            "Did you mean",
        ),
        (
            " }\n",
            ", timeouts: { idle: 0 } }\n",
            "upstream.timeouts.idle",
            "'idle' must be a number",
            "Write a",
        ),
        (
            " }\n",
            ", health: {} }\n",
            "upstream.health",
            "the key 'path' is missing",
            "Add `path:` with a path",
        ),
        (
            " }\n",
            ", preserve_host: 'yes' }\n",
            "upstream.preserve_host",
            "'preserve_host' must be true or",
            "Write",
        ),
        (
            " }\n",
            ", tls: { ca: none.pem } }\n",
            "upstream.tls.ca",
            "there is no file 'none.pem'",
            "Give a PEM",
        ),
        (" }\n", ", tls: { key: api.json } }\n", "upstream.tls", "mutual TLS needs both", "Give both files"),
        ("    openapi: ./api.json\n", "", "", "the key 'openapi' is missing", "Add `openapi:"),
        ("./api.json", "./nope.json", "openapi", "there is no file './nope.json'", "Correct the path"),
        (
            "./api.json",
            "/etc/hosts",
            "openapi",
            "'/etc/hosts' is an absolute path",
            "Write the path relative",
        ),
        ("name: orders", "name: or/ders", "name", "'or/ders' is no valid name", "Use up to 64"),
        ("version: v1", "version: 1.10", "version", "'version' must be text, not 1.1", "Put it in quotes"),
    ],
)
def test_wrong_keys_are_named(
    refused: Refuse, old: str, new: str, path: str, message: str, remedy: str
) -> None:
    """Each wrong setting of an API's basics is told with its place and remedy."""
    (problem,) = refused(one_api("base_path: /x\nsecurity: { schemes: [api_key] }").replace(old, new, 1))
    assert problem.path == f"apis[0].{path}".removesuffix(".")
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("line", "path", "message", "remedy"),
    [
        ("base_path: x", "base_path", "the base path 'x' does not start with a slash", "Write /x"),
        ("base_path: /x/", "base_path", "the base path '/x/' ends with a slash", "Write /x"),
        ("base_path: //x", "base_path", "the base path '//x' has an empty segment", "Write the canonical"),
        (
            "base_path: '/{x}'",
            "base_path",
            "the base path '/{x}' holds a parameter",
            "A base path is literal",
        ),
        ("hosts: [A.example]", "hosts[0]", "'A.example' cannot stand here", "Use a host name in lower case"),
        ("hosts: ['a.example:80']", "hosts[0]", "'a.example:80' cannot stand here", "Use a host name"),
        ("hosts: [a.example, a.example]", "hosts[1]", "'a.example' stands here twice", "Remove one"),
        ("undeclared: maybe", "undeclared", "'maybe' is no valid undeclared", "Known values: allow, deny"),
        ("max_body: 10 apples", "max_body", "'10 apples' is no size", "Write bytes"),
        ("max_body: -1", "max_body", "-1 is no size", "Write bytes"),
        ("identity: { header: true }", "identity.header", "unknown key 'header'", "Did you mean 'headers'?"),
        ("policies: [{ used: x }]", "policies[0]", "the key 'use' is missing", "Add `use:`"),
        (
            "policies: [{ use: X Y }]",
            "policies[0].use",
            "'X Y' is no valid use",
            "Use the name of an installed",
        ),
        ("plans: [[x]]", "plans[0]", "a list or mapping cannot stand here", "Use the name of a plan"),
        ("cors: {}", "cors", "CORS without origins allows nobody", "Add `origins:`"),
        (
            "cors: { origins: ['*', 'https://x.example'] }",
            "cors.origins",
            "'*' already means",
            "Keep '*' alone",
        ),
        (
            "cors: { origins: ['*'], credentials: true }",
            "cors.origins",
            "'*' cannot go with credentials (Fetch standard",
            "List the origins by name, or set `credentials: false`",
        ),
        (
            "cors: { origins: ['https://x.example/'] }",
            "cors.origins[0]",
            "'https://x.example/' cannot",
            "Use an",
        ),
        ("cors: { origins: ['null'] }", "cors.origins[0]", "'null' cannot stand here", "Use an origin"),
        (
            "cors: { origins: ['*'], max_age: -1 }",
            "cors.max_age",
            "'max_age' must be a whole number",
            "Write",
        ),
    ],
)
def test_wrong_api_settings_are_named(
    refused: Refuse, line: str, path: str, message: str, remedy: str
) -> None:
    """Each wrong setting of an API is told with its line, place and remedy."""
    (problem,) = refused(one_api(f"security: off\n{line}"))
    assert (problem.line, problem.path) == (7, f"apis[0].{path}")
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("size", "value"), [("0", 0), ("512", 512), ("2 KB", 2048), ("1GiB", 1024**3), ("7B", 7)]
)
def test_sizes(resolved: Resolve, size: str, value: int) -> None:
    """Sizes are bytes or have a unit in powers of 1024."""
    assert resolved(f"security: off\nmax_body: {size}").max_body == value


def test_policies_check_their_own_settings(refused: Refuse) -> None:
    """A policy's objection is told where the setting stands; an unknown policy is refused with the known ones."""
    text = "security: off\npolicies:\n  - use: acme.x\n    deep:\n      wrong: 1\n  - use: acme.y"
    wrong, unknown = refused(one_api(text))
    assert (wrong.line, wrong.path, wrong.message) == (10, "apis[0].policies[0].deep.wrong", "this is wrong")
    assert (unknown.line, unknown.path) == (11, "apis[0].policies[1].use")
    assert unknown.message == "unknown policy 'acme.y'"
    assert unknown.remedy.endswith("known here: acme.tenant, acme.x")


def test_an_api_without_operations_is_told(refused: Refuse) -> None:
    """An OpenAPI document without operations exposes nothing, which is a mistake unless undeclared ones are let in."""
    (problem,) = refused(one_api(), openapi({}))
    assert problem.message == "the OpenAPI document declares no operation"
