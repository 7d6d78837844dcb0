"""``wardgate serve``."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from wardgate.cli.bounds import BoundOptions
from wardgate.cli.errors import CommandError
from wardgate.cli.identity_options import IdentityOptions
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, SECONDS, DataDir
from wardgate.cli.values import parse_address
from wardgate.domain.serving import served
from wardgate.domain.settings import AlsoServed, Bounds, Certificate, Listener, ServerSettings

_NETWORK = Group("Network")
_STORE = Group("Store and caches")
_default = ServerSettings()


def serve(
    *,
    data_dir: DataDir = DATA_DIR,
    environment: Annotated[
        list[str] | None,
        Parameter(
            name="--environment",
            negative=(),
            help="The environment to serve, such as development or production; may be given again, or as a list with "
            "commas. The first is the primary one. Default development.",
        ),
    ] = None,
    listen: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            group=_NETWORK,
            help="HOST:PORT for plain HTTP, or HOST:PORT@ENVIRONMENT where it serves one of several; may be given again. "
            "Default 127.0.0.1:8080.",
        ),
    ] = None,
    tls_listen: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            group=_NETWORK,
            help="HOST:PORT or HOST:PORT@ENVIRONMENT for HTTPS; may be given again.",
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        Parameter(negative=(), group=_NETWORK, help="PEM file of a certificate chain, one for each --key."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        Parameter(
            name=["--certificate-key", "--key"],
            negative=(),
            group=_NETWORK,
            help="PEM file of the certificate's private key.",
        ),
    ] = None,
    control: Annotated[
        str, Parameter(group=_NETWORK, help="HOST:PORT of metrics, health and administration.")
    ] = "127.0.0.1:8081",
    workers: Annotated[
        int, Parameter(help="Gateway processes; 0 means one for each CPU.")
    ] = _default.workers,
    trusted_proxy: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            group=_NETWORK,
            help="Network (CIDR) of proxies whose forwarding headers are believed; may be given again.",
        ),
    ] = None,
    proxy_protocol: Annotated[
        bool, Parameter(group=_NETWORK, help="Expect a PROXY protocol v2 header from trusted proxies.")
    ] = _default.proxy_protocol,
    forwarded_header: Annotated[
        Literal["x-forwarded-for", "forwarded"],
        Parameter(group=_NETWORK, help="Which header trusted proxies put the client's address in."),
    ] = _default.forwarded_header,
    access_log: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="File of the access log, - for standard output, or off."),
    ] = _default.access_log,
    credential_cache: Annotated[
        int, Parameter(group=_STORE, help="Known credentials a worker keeps in memory.")
    ] = _default.credential_cache,
    negative_cache: Annotated[
        int, Parameter(group=_STORE, help="Refusals of unknown credentials a worker keeps in memory.")
    ] = _default.negative_cache,
    max_staleness: Annotated[
        float,
        SECONDS,
        Parameter(group=_STORE, help="Time a worker serves what it knows while the store cannot be read."),
    ] = _default.max_staleness,
    identity: IdentityOptions | None = None,
    bounds: BoundOptions | None = None,
) -> None:
    """Run the gateway, its control process and their supervisor.

    SIGTERM and Ctrl-C drain: running requests finish, new connections are refused. SIGHUP reads certificates again.
    Every option can also be set in the environment, such as WARDGATE_DATA_DIR.
    """
    environments = _environments(environment or [ENVIRONMENT])
    settings = ServerSettings(
        data_dir=str(data_dir),
        environment=environments[0],
        also=tuple(AlsoServed(name=name) for name in environments[1:]),
        listeners=_listeners(listen or [], tls_listen or []),
        control=_address(control, "--control"),
        workers=workers,
        certificates=_certificates(certificate or [], key or []),
        trusted_proxies=tuple(_network(text) for text in trusted_proxy or []),
        proxy_protocol=proxy_protocol,
        forwarded_header=forwarded_header,
        access_log=access_log,
        bounds=bounds.bounds() if bounds is not None else Bounds(),
        credential_cache=credential_cache,
        negative_cache=negative_cache,
        max_staleness=max_staleness,
        **(identity or IdentityOptions()).settings(),
    )
    _check(settings)
    from wardgate.supervisor.main import ServeError  # heavy
    from wardgate.supervisor.main import serve as run

    try:
        run(settings, lambda line: print(line, flush=True))
    except ServeError as error:
        raise CommandError("serve_failed", str(error)) from error


def _environments(given: Sequence[str]) -> list[str]:
    names = [name.strip() for text in given for name in text.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise CommandError(
            "environment_invalid",
            f"--environment {','.join(given)} names one twice, or none",
            "Name each environment once, such as --environment production,staging",
        )
    return names


def _listeners(plain: Sequence[str], tls: Sequence[str]) -> tuple[Listener, ...]:
    if not plain and not tls:
        return _default.listeners
    return tuple(
        [_address(text, "--listen") for text in plain]
        + [_address(text, "--tls-listen", tls=True) for text in tls]
    )


def _address(text: str, option: str, *, tls: bool = False) -> Listener:
    try:
        return parse_address(text, tls=tls)
    except ValueError as error:
        raise CommandError("address_invalid", f"{option}: {error}") from error


def _certificates(chains: Sequence[Path], keys: Sequence[Path]) -> tuple[Certificate, ...]:
    if len(chains) != len(keys):
        raise CommandError(
            "certificate_invalid",
            f"{len(chains)} --certificate and {len(keys)} --key were given",
            "Give one --key for each --certificate, in the same order",
        )
    for path in (*chains, *keys):
        if not path.is_file():
            raise CommandError("certificate_invalid", f"{path} is no file", "Give PEM files that exist")
    return tuple(
        Certificate(certificate=str(chain.resolve()), key=str(key.resolve()))
        for chain, key in zip(chains, keys, strict=True)
    )


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise CommandError(
            "network_invalid", f"--trusted-proxy {text!r}: {error}", "Write a network such as 10.0.0.0/8"
        ) from error


def _check(settings: ServerSettings) -> None:
    if settings.control.environment:
        raise CommandError(
            "address_invalid", "--control serves every environment", "Leave out what stands after its port"
        )
    for listener in settings.listeners:
        if listener.environment not in ("", *served(settings)):
            raise CommandError(
                "environment_invalid",
                f"A listener is bound to {listener.environment!r}, which is not served",
                f"Add --environment {listener.environment}, or correct the name",
            )
    if settings.workers < 0:
        raise CommandError("workers_invalid", f"--workers {settings.workers}", "Give a number from 0")
    if any(listener.tls for listener in settings.listeners) and not settings.certificates:
        raise CommandError(
            "certificate_missing",
            "--tls-listen was given without a certificate",
            "Add --certificate chain.pem --key key.pem",
        )
    if settings.client_ca and not any(listener.tls for listener in settings.listeners):
        raise CommandError(
            "client_ca_invalid",
            "--client-ca was given without --tls-listen",
            "Add --tls-listen HOST:PORT: certificates are shown over TLS only",
        )
    if settings.proxy_protocol and not settings.trusted_proxies:
        raise CommandError(
            "trusted_proxy_missing",
            "--proxy-protocol was given without --trusted-proxy",
            "Name the networks of the proxies that send it, such as --trusted-proxy 10.0.0.0/8",
        )
