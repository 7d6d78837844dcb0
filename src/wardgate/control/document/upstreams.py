"""``upstream``: targets, health, retries, time-outs and TLS."""

from __future__ import annotations

import re
import ssl
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.names import LINE, LINE_WORDS, SERVER_NAME_WORDS
from wardgate.control.document.templates import SERVER_OR_VARIABLES, named, read_headers, template_problem
from wardgate.domain.template import NAME
from wardgate.domain.upstream import CircuitBreaker, HealthCheck, Timeouts, Upstream, UpstreamTls
from wardgate.openapi.paths import base_path_problem
from wardgate.openapi.tree import Node, Path, Scalar

_KNOWN = (
    "targets",
    "retries",
    "retry_budget",
    "strip_base_path",
    "preserve_host",
    "max_connections",
    "health",
    "breaker",
    "timeouts",
    "tls",
    "headers",
)
_DAY = 86400.0
_TARGET_REMEDY = "Write http://host:port or https://host:port, with a path prefix if the service has one"


def read_upstream(report: Report, node: Node, path: Path, folder: FilePath | None) -> Upstream:
    """The upstream of an API; file names in it are relative to ``folder``, and without one there must be none: what they
    named would be this machine's. Wrong settings are noted in ``report``."""
    fields = Fields(report, node, path, _KNOWN)
    default = Upstream(targets=())
    return Upstream(
        targets=_targets(fields),
        retries=fields.integer("retries", default.retries, 0, 10),
        retry_budget=fields.number("retry_budget", default.retry_budget, 0.0, 1.0),
        strip_base_path=fields.flag("strip_base_path", default.strip_base_path),
        preserve_host=fields.flag("preserve_host", default.preserve_host),
        max_connections=fields.integer("max_connections", default.max_connections, 1, 100_000),
        health=_health(fields),
        breaker=_breaker(fields),
        timeouts=_timeouts(fields),
        tls=_tls(fields, folder),
        headers=read_headers(fields),
    )


def target_problem(url: str) -> str | None:
    """What keeps ``url`` from being an upstream target, or ``None``; never repeats credentials in it."""
    if any(character <= " " or character >= "\x7f" for character in url):
        return "it holds a space, a control character or a non-ASCII character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no valid URL"
    if parts.scheme not in ("http", "https"):
        return "it must start with http:// or https://"
    if not parts.hostname or port == 0:
        return "it names no host and port to connect to"
    if "@" in parts.netloc:
        return "it holds a user name or password"
    if "?" in url or "#" in url:
        return "it holds a query or a fragment"
    trouble = base_path_problem(parts.path.rstrip("/") or "/")
    return f"its path {trouble[0]}" if trouble else None


def _targets(fields: Fields) -> tuple[str, ...]:
    targets: list[str] = []
    for item, path in fields.items("targets"):
        value = item.value if isinstance(item, Scalar) else None
        trouble = _target_problem(value) if isinstance(value, str) else "it is no text"
        target = str(value).rstrip("/")
        if trouble is None and target in targets:
            trouble = "it stands here twice"
        if trouble is not None:
            fields.report.add(item.line, path, f"the target cannot be used: {trouble}", _TARGET_REMEDY)
        else:
            targets.append(target)
    if not targets and not fields.items("targets"):
        key = "targets" if "targets" in fields else None
        fields.problem(key, "the upstream has no targets", 'Add `targets: ["http://host:port"]`')
    return tuple(targets)


def _target_problem(value: str) -> str | None:
    """As :func:`target_problem`; what holds variables is checked again when they are in place."""
    if not named(value):
        return target_problem(value)
    trouble = template_problem(value, secrets=False)
    return trouble[0] if trouble else None


def _health(fields: Fields) -> HealthCheck | None:
    inner = fields.child("health", ("path", "interval", "timeout", "healthy", "unhealthy"))
    if inner is None:
        return None
    default = HealthCheck(path="/")
    return HealthCheck(
        path=inner.required("path", r"/[!-~]{0,500}", "a path such as /health"),
        interval=inner.number("interval", default.interval, 0.1, _DAY),
        timeout=inner.number("timeout", default.timeout, 0.05, 600.0),
        healthy=inner.integer("healthy", default.healthy, 1, 1000),
        unhealthy=inner.integer("unhealthy", default.unhealthy, 1, 1000),
    )


def _breaker(fields: Fields) -> CircuitBreaker:
    default = CircuitBreaker()
    inner = fields.child("breaker", ("failures", "open_seconds"))
    if inner is None:
        return default
    return CircuitBreaker(
        failures=inner.integer("failures", default.failures, 1, 100_000),
        open_seconds=inner.number("open_seconds", default.open_seconds, 0.05, _DAY),
    )


def _timeouts(fields: Fields) -> Timeouts:
    default = Timeouts()
    inner = fields.child("timeouts", ("connect", "response", "idle"))
    if inner is None:
        return default
    return Timeouts(
        connect=inner.number("connect", default.connect, 0.05, 600.0),
        response=inner.number("response", default.response, 0.05, _DAY),
        idle=inner.number("idle", default.idle, 0.05, _DAY),
    )


def _tls(fields: Fields, folder: FilePath | None) -> UpstreamTls:
    inner = fields.child("tls", ("ca", "server_name", "certificate", "key", "verify"))
    if inner is None:
        return UpstreamTls()
    if ("certificate" in inner) != ("key" in inner):
        inner.problem(None, "mutual TLS needs both 'certificate' and 'key'", "Give both files, or neither")
    tls = UpstreamTls(
        ca=_file(inner, "ca", folder),
        server_name=inner.text("server_name", None, SERVER_OR_VARIABLES, SERVER_NAME_WORDS),
        certificate=_file(inner, "certificate", folder),
        key=_file(inner, "key", folder),
        verify=inner.flag("verify", True),
    )
    _check_files(inner, tls)
    return tls


def _check_files(fields: Fields, tls: UpstreamTls) -> None:
    """Loads the files as a gateway will, unless only the gateway may read them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca is not None and not named(tls.ca):
        try:
            context.load_verify_locations(tls.ca)
        except PermissionError:
            pass  # the gateway's user may read what the one who applies may not
        except OSError:
            message = f"{FilePath(tls.ca).name!r} holds no PEM certificate"
            fields.problem("ca", message, "Give the authorities' certificates in PEM")
    if tls.certificate is not None and tls.key is not None and not named(tls.certificate + tls.key):
        try:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        except PermissionError:
            pass  # as above
        except (OSError, ValueError):
            names = f"{FilePath(tls.certificate).name!r} and {FilePath(tls.key).name!r}"
            message = f"{names} are no PEM certificate and its key"
            fields.problem(
                "certificate", message, "Give the certificate and the unencrypted key it was issued for"
            )


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _file(fields: Fields, key: str, folder: FilePath | None) -> str | None:
    """The absolute path of an existing file named relative to the document; one with variables as it is written. Without a
    folder a variable stands there alone: who sets it chose the file."""
    name = fields.text(key, None, LINE, LINE_WORDS)
    if name is None:
        return None
    if named(name) and (trouble := template_problem(name, secrets=False)) is not None:
        fields.problem(key, *trouble)
        return name
    if folder is None and not re.fullmatch(rf"\$\{{{NAME}\}}", name):
        fields.problem(
            key,
            f"{key!r} names a file of this machine, which a document that is sent to it cannot",
            "Apply the document on the gateway's machine, where such files are, or write a variable of the environment "
            f"alone, such as ${{UPSTREAM_{key.upper()}}}",
        )
        return None
    if folder is None or named(name):
        return name
    path = (folder / name).resolve()
    if not path.is_file():
        fields.problem(key, f"there is no file {name!r}", "Give a PEM file, relative to this document")
        return None
    return str(path)
