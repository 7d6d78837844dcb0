"""What a worker serves: every API of its environment compiled, routed and joined to its upstream; swapped whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wardgate.domain.api import Api
from wardgate.gateway import path as paths
from wardgate.gateway import presented
from wardgate.gateway.head import RequestHead
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.router import Match, Router
from wardgate.policy.compiled import CompiledApi, CompiledResource
from wardgate.policy.cors import CorsRules

_PREFLIGHT_METHOD = b"access-control-request-method"


class Mounted:
    """A compiled API with its pool of upstream connections; ``base`` is the encoded prefix to strip."""

    __slots__ = ("base", "compiled", "pool")

    def __init__(self, compiled: CompiledApi, pool: UpstreamPool) -> None:
        self.compiled = compiled
        self.pool = pool
        api = compiled.api
        base = api.base_path.rstrip("/").encode() if api.upstream.strip_base_path else b""
        self.base = len(paths.canonical(base)[1]) if base else 0


class Matched:
    """What the gateway made of one head under one snapshot: pure in both, so kept with the head.

    ``resource`` is ``None`` for what is not declared; ``miss`` and ``api_id`` then say what is missing. ``preflight``
    holds the answer to a CORS pre-flight (``None``: it is none; an empty list: refused). ``start`` and ``fields`` are
    the upstream request's start line around the target's prefix, and its fields.
    """

    __slots__ = (
        "api_id",
        "cors",
        "digest",
        "fields",
        "match",
        "miss",
        "mounted",
        "preflight",
        "resource",
        "resource_name",
        "snapshot",
        "tail",
        "verb",
        "whole",
        "whole_target",
    )

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.resource: CompiledResource | None = None
        self.resource_name = ""
        self.api_id = ""
        self.miss = ""
        self.mounted: Mounted | None = None
        self.match: Match[CompiledResource] | None = None
        self.preflight: list[bytes] | None = None
        self.cors = b""
        self.digest: bytes | None = None
        self.verb = b""
        self.tail = b""
        self.fields = b""
        #: The upstream head without what changes per request, for the target it was rendered for.
        self.whole = b""
        self.whole_target: object = None


class Snapshot:
    """Immutable once built. ``pools`` are kept across snapshots for APIs whose upstream did not change."""

    __slots__ = ("_master_key", "_router", "mounted")

    def __init__(self, mounted: dict[str, Mounted], master_key: bytes) -> None:
        self.mounted = mounted
        self._master_key = master_key
        self._router: Router[CompiledResource] = Router(
            (m.compiled.api, m.compiled.resources, m.compiled.undeclared) for m in mounted.values()
        )

    def match(self, head: RequestHead) -> Matched:
        """Finds the resource ``head`` asks for, its presented key, and renders what can be for the upstream.

        Raises:
            HeadError: the key was sent more than once.
        """
        matched = Matched(self)
        method = head.method
        origins = head.values(b"origin")
        if method == "OPTIONS" and origins:
            asked = head.values(_PREFLIGHT_METHOD)
            if asked:
                rules = self._rules(head, asked[0].decode("latin-1"), matched)
                if rules is not None:
                    wanted = b",".join(head.values(b"access-control-request-headers")) or None
                    matched.preflight = rules.preflight(origins[0], asked[0], wanted) or []
                    return matched
        found = self._router.match(head.host, method, head.path)
        if not isinstance(found, Match):
            matched.miss = found.reason
            matched.api_id = found.api.id if found.api is not None else ""
            return matched
        resource = found.resource
        matched.match = found
        matched.resource = resource
        matched.api_id = resource.api_id
        matched.resource_name = resource.name
        mounted = matched.mounted = self.mounted[resource.api_id]
        if resource.cors is not None:
            matched.cors = resource.cors.actual(origins[0] if origins else b"")
        what = presented.find(head, resource, self._master_key)
        matched.digest = what.digest
        matched.verb = method.encode() + b" "
        target = head.target[mounted.base :] or b"/"
        matched.tail = (target + b"?" + what.query if what.query else target) + b" HTTP/1.1\r\n"
        fields = [line.text for line in what.lines]
        if head.chunked:
            fields.append(b"Transfer-Encoding: chunked")
        elif head.length_text is not None:
            fields.append(head.length_text)
        if head.upgrade:
            fields.append(b"Connection: Upgrade\r\nUpgrade: websocket")
        fields.append(b"")
        matched.fields = b"\r\n".join(fields)
        return matched

    def _rules(self, head: RequestHead, method: str, matched: Matched) -> CorsRules | None:
        """The CORS rules of what a pre-flight asks about."""
        found = self._router.match(head.host, method, head.path)
        if isinstance(found, Match):
            matched.api_id = found.resource.api_id
            matched.resource_name = found.resource.name
            return found.resource.cors
        if found.api is None:
            return None
        matched.api_id = found.api.id
        return self.mounted[found.api.id].compiled.cors


def build(
    apis: Iterable[Api],
    before: Snapshot | None,
    master_key: bytes,
    compile_api: Callable[[Api], CompiledApi],
    make_pool: Callable[[Api], UpstreamPool],
) -> Snapshot:
    """The snapshot of ``apis``; what did not change keeps its compiled form, an equal upstream keeps its pool."""
    mounted: dict[str, Mounted] = {}
    for api in apis:
        old = before.mounted.get(api.id) if before is not None else None
        if old is not None and old.compiled.api == api:
            mounted[api.id] = old
            continue
        keep = old is not None and old.compiled.api.upstream == api.upstream
        pool = old.pool if keep and old is not None else make_pool(api)
        mounted[api.id] = Mounted(compile_api(api), pool)
    return Snapshot(mounted, master_key)
