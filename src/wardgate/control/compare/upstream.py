"""Where requests go: TLS to the upstream, what it is told, and bounds that protect it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from wardgate.control.compare.rules import (
    Aspect,
    At,
    bound,
    differences,
    exposes,
    nested,
    neutral,
    protects,
    told,
)
from wardgate.domain.difference import REDACTED, Difference
from wardgate.domain.upstream import Upstream, UpstreamTls

HEALTH = (neutral("path", "interval", "timeout", "healthy", "unhealthy"),)
BREAKER = (neutral("failures", "open_seconds"),)
TIMEOUTS = (neutral("connect", "response", "idle"),)


def _targets(at: At, before: Upstream, after: Upstream) -> Iterator[Difference]:
    old, new = set(before.targets), set(after.targets)
    clear = sorted(each for each in new - old if _scheme(each) != "https")
    if clear and any(_scheme(each) == "https" for each in old):
        yield at.found(
            "upstream_tls_off",
            before.targets,
            after.targets,
            f"requests go to {', '.join(clear)} without TLS, where all went by https before"
            if all(_scheme(each) == "https" for each in old)
            else f"requests go to {', '.join(clear)} without TLS",
            weakens=True,
        )
        return
    same = old == new
    yield at.found(
        "targets_reordered" if same else "targets_changed",
        before.targets,
        after.targets,
        "targets: another order"
        if same
        else f"targets go from {told(before.targets)} to {told(after.targets)}",
    )


def _scheme(target: str) -> str:
    return urlsplit(target).scheme.lower()


def _authority(at: At, before: UpstreamTls, after: UpstreamTls) -> Iterator[Difference]:
    yield at.found(
        "upstream_ca_changed",
        before.ca,
        after.ca,
        "another set of authorities vouches for the upstream"
        if after.ca is not None
        else "every authority the system knows vouches for the upstream, no longer one's own alone",
        weakens=before.ca is not None,
    )


def _server_name(at: At, before: UpstreamTls, after: UpstreamTls) -> Iterator[Difference]:
    yield at.found(
        "upstream_name_changed",
        before.server_name,
        after.server_name,
        f"the upstream's certificate is to name {after.server_name or 'its host'}, "
        f"instead of {before.server_name or 'its host'}",
        weakens=True,
    )


def _mutual(at: At, before: UpstreamTls, after: UpstreamTls) -> Iterator[Difference]:
    off = after.certificate is None and before.certificate is not None
    yield at.found(
        "upstream_mutual_tls_off" if off else "upstream_certificate_changed",
        before.certificate,
        after.certificate,
        "the gateway no longer shows the upstream a certificate"
        if off
        else "the gateway shows another certificate",
        weakens=off,
    )


TLS: tuple[Aspect, ...] = (
    protects("verify", "checking the upstream's certificate"),
    Aspect(("ca",), _authority),
    Aspect(("server_name",), _server_name),
    Aspect(("certificate", "key"), _mutual),
)


def _tls(at: At, before: Upstream, after: Upstream) -> Iterator[Difference]:
    yield from differences(at.within(f"{at.place} tls"), before.tls, after.tls, TLS)


def _headers(at: At, before: Upstream, after: Upstream) -> Iterator[Difference]:
    """An upstream may take them for authority, and one that is no longer set is the client's to send. Their values may be
    confidential."""
    for name in sorted(before.headers.keys() | after.headers.keys()):
        old, new = before.headers.get(name), after.headers.get(name)
        if old == new:
            continue
        verb = "changed" if old is not None and new is not None else "removed" if new is None else "added"
        words = {
            "added": "is sent to the upstream",
            "removed": "is no longer set by the gateway: the client's own passes",
            "changed": "is sent to the upstream with another value",
        }[verb]
        yield at.found(
            f"upstream_header_{verb}",
            None if old is None else {name: REDACTED},
            None if new is None else {name: REDACTED},
            f"the header {name} {words}",
            weakens=True,
        )


UPSTREAM: tuple[Aspect, ...] = (
    Aspect(("targets",), _targets),
    Aspect(("tls",), _tls),
    exposes("preserve_host", "passing the client's Host on to the upstream"),
    bound("max_connections", "how many connections each worker may have to the upstream"),
    Aspect(("headers",), _headers),
    neutral("retries", "retry_budget", "strip_base_path"),
    nested("health", HEALTH),
    nested("breaker", BREAKER),
    nested("timeouts", TIMEOUTS),
)
