"""What the gateway serves besides APIs: the authorization server in the control process, and token endpoints elsewhere.

Each is an API of the gateway's own making, open and forwarded like any other: to control with proof that it is this
installation's gateway that speaks (``X-Wardgate-Hop``), to others' token endpoints exactly at their URL.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wardgate.domain.api import Api, Resource
from wardgate.domain.rejection import Rejection
from wardgate.domain.reserved import METADATA, OAUTH2, SECRET_SCANNING, TOKEN, token_places
from wardgate.domain.settings import Listener
from wardgate.domain.trust import OAuth2Settings
from wardgate.domain.upstream import CircuitBreaker, Timeouts, Upstream
from wardgate.gateway.snapshot import Snapshot, build
from wardgate.policy.compiled import CompiledApi, NamedStep
from wardgate.policy.exchange import Exchange

if TYPE_CHECKING:
    from wardgate.gateway.pool import UpstreamPool

#: A name no document can give an API.
OWN = "wardgate:"
_VERSION = "v1"
_MAX_BODY = 64 * 1024
_MAX_REPORT = 1024 * 1024
_HOP_LABEL = b"wardgate/hop/v1"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_PLAIN = Rejection.of("credential_over_plain_http")
#: Control is restarted within a second or two; meanwhile each request finds out by itself.
_PATIENT = CircuitBreaker(failures=100, open_seconds=1.0)

Broken = Callable[[Api, Exception], None]


def own_apis(
    control: Listener, apis: Iterable[Api], token_endpoint: str, *, secret_scanning: bool = False
) -> list[Api]:
    """Every mount: of the control process at ``control``, of each API's token endpoint, and of the environment's, which
    is ``token_endpoint`` or empty."""
    found = [_control(f"{OWN}oauth2", OAUTH2, control)]
    found += [_control(f"{OWN}metadata-{index}", path, control) for index, path in enumerate(METADATA)]
    if secret_scanning:
        found.append(replace(_control(f"{OWN}scanning", SECRET_SCANNING, control), max_body=_MAX_REPORT))
    if token_endpoint:
        found.append(_token(f"{OWN}token", "", TOKEN, token_endpoint))
    for api in apis:
        for index, (host, path) in enumerate(token_places(api)):
            if api.oauth2 is not None:
                name = f"{OWN}token-{index}:{api.name}/{api.version}"
                found.append(_token(name, host, path, api.oauth2.token_endpoint))
    return found


def own_snapshot(
    apis: list[Api],
    before: Snapshot | None,
    master_key: bytes,
    compile_api: Callable[[Api], CompiledApi],
    make_pool: Callable[[Api], UpstreamPool],
    broken: Broken,
    environment: str = "",
) -> Snapshot:
    """The routes of :func:`own_apis`; like APIs', what did not change is kept, and one that is wrong holds up no other.

    ``environment`` is what control is told of: which of several one has asked for."""
    snapshot = build(apis, before, master_key, lambda api: _guarded(compile_api(api)), make_pool, broken)
    hop = f"X-Wardgate-Hop: {hmac.digest(master_key, _HOP_LABEL, 'sha256').hex()}\r\n".encode()
    if environment:
        hop += f"X-Wardgate-Environment: {environment}\r\n".encode()
    for mounted in snapshot.mounted.values():
        settings = mounted.compiled.api.oauth2
        if settings is None:
            mounted.hop = hop
            mounted.oauth = mounted.api.base_path == OAUTH2
        else:
            parts = urlsplit(settings.token_endpoint)
            query = f"?{parts.query}" if parts.query else ""
            mounted.oauth = True
            mounted.exact = f"{parts.path or '/'}{query} HTTP/1.1\r\n".encode()
    return snapshot


def _control(name: str, path: str, control: Listener) -> Api:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(control.host, control.host)  # noqa: S104  not bound here
    shown = f"[{host}]" if ":" in host else host
    upstream = Upstream(
        targets=(f"http://{shown}:{control.port}",),
        strip_base_path=False,
        breaker=_PATIENT,
        timeouts=Timeouts(connect=5.0, response=60.0, idle=30.0),
    )
    return Api(
        name=name,
        version=_VERSION,
        base_path=path,
        upstream=upstream,
        resources=(),
        schemes=(),
        undeclared="allow",
        max_body=_MAX_BODY,
        identity_headers=False,
        assertion=False,
    )


def _token(name: str, host: str, path: str, url: str) -> Api:
    parts = urlsplit(url)
    return Api(
        name=name,
        version=_VERSION,
        base_path=path,
        hosts=(host,) if host else (),
        upstream=Upstream(targets=(f"{parts.scheme}://{parts.netloc}",), retries=0, breaker=_PATIENT),
        resources=tuple(Resource(method=method, path="/", schemes=()) for method in ("POST", "OPTIONS")),
        max_body=_MAX_BODY,
        identity_headers=False,
        assertion=False,
        oauth2=OAuth2Settings(token_endpoint=url),
    )


def _guarded(compiled: CompiledApi) -> CompiledApi:
    """The same, refusing first what should not have crossed a network in clear."""
    first = NamedStep("tls_required", "network", _credentials_over_tls)
    others = [compiled.undeclared] if compiled.undeclared is not None else []
    for resource in (*compiled.resources, *others):
        resource.table = (first, *resource.table)
        resource.steps = (_credentials_over_tls, *resource.steps)
    return compiled


def _credentials_over_tls(exchange: Exchange) -> Rejection | None:
    """The step: forms, cookies and ``Authorization`` hold secrets here."""
    if exchange.secure:
        return None
    head = exchange.head
    if head.method in _SAFE and not head.values(b"authorization") and not head.values(b"cookie"):
        return None
    return _PLAIN
