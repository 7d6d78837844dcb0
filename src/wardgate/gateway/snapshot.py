"""What a worker serves: every API of its environment compiled, routed and joined to its upstream; swapped whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import NoReturn

from wardgate.domain.api import Api
from wardgate.domain.headers import cgi_name
from wardgate.domain.reserved import METADATA, OAUTH2, OWN, TOKEN, reserved
from wardgate.domain.standing import Standing
from wardgate.gateway import path as paths
from wardgate.gateway.head import HeadError, RequestHead
from wardgate.gateway.lifecycle import standing_lines
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.gateway.presented import KeyReader
from wardgate.gateway.router import Match, Miss, Router, Several
from wardgate.gateway.secrets import NOTHING, Revealed, SecretMissingError, Secrets, reveal
from wardgate.gateway.versions import VersionError, Versions
from wardgate.policy.compiled import CompiledApi, CompiledResource
from wardgate.policy.cors import CorsRules
from wardgate.policy.exchange import PresentedToken

_PREFLIGHT_METHOD = b"access-control-request-method"
_WELL_KNOWN = "/.well-known/"
#: What a worker answers itself.
_DOCUMENTS = tuple(f"{path}/" for path in OWN)
#: What may be the authorization server's: everything below its path, its metadata, and any token endpoint.
_OWN = (OAUTH2, *METADATA)
_SECRET_MISSING = "secret_missing"
_VERSION = b" HTTP/1.1\r\n"
_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_VERBS = {
    method: method.encode() + b" " for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}


class Mounted:
    """A compiled API with its pool of upstream connections; ``base`` is the encoded prefix to strip.

    ``api`` is as it was read; ``revealed`` what it needs of secrets, which ``compiled`` may hold too. ``shut`` is the reason
    that all of it is refused for, empty for none. ``lines`` stand in every answer. ``plain``: there is neither of these
    nor a header to send. ``hop`` are lines that only the control process is told, ``exact`` the rest of the request line
    where every request goes to one URL; both are empty for APIs. ``oauth``: what is here are endpoints of OAuth 2.0.
    """

    __slots__ = (
        "api",
        "base",
        "compiled",
        "exact",
        "hop",
        "lines",
        "oauth",
        "plain",
        "pool",
        "revealed",
        "shut",
    )

    def __init__(
        self, api: Api, compiled: CompiledApi, pool: UpstreamPool, revealed: Revealed, shut: str = ""
    ) -> None:
        self.api = api
        self.compiled = compiled
        self.pool = pool
        self.revealed = revealed
        self.shut = shut
        self.lines = standing_lines(api.standing)
        self.plain = not (shut or self.lines or revealed.lines)
        base = api.base_path.rstrip("/").encode() if api.upstream.strip_base_path else b""
        self.base = len(paths.canonical(base)[1]) if base else 0
        self.hop = b""
        self.exact = b""
        self.oauth = False

    def sent(self, fields: bytes) -> bytes:
        """The header lines for the upstream: ``fields`` with those of the API in place of any copies."""
        names = self.revealed.names
        kept = [
            line for line in fields.split(b"\r\n") if cgi_name(line.partition(b":")[0].lower()) not in names
        ]
        return b"\r\n".join(kept) + self.revealed.lines


class Matched:
    """What the gateway made of one head under one snapshot: pure in both, so kept with the head.

    ``resource`` is ``None`` for what is not declared; ``miss`` and ``api_id`` then say what is missing. ``preflight``
    holds the answer to a CORS pre-flight (``None``: it is none; an empty list: refused). ``lines`` stand in the answer
    (CORS, life cycle). ``verb``, the target's prefix, ``tail``, the Host line and ``fields`` make the upstream request's
    head.
    """

    __slots__ = (
        "api_id",
        "digest",
        "fields",
        "lines",
        "match",
        "miss",
        "mounted",
        "preflight",
        "resource",
        "resource_name",
        "snapshot",
        "tail",
        "token",
        "verb",
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
        self.lines = b""
        self.digest: bytes | None = None
        self.token: PresentedToken | None = None
        self.verb = b""
        self.tail = b""
        self.fields = b""


class Unversioned(Matched):
    """A request to a place where versions stand side by side that names none of them; ``detail`` tells which there are."""

    __slots__ = ("detail",)

    def __init__(self, snapshot: Snapshot, versions: Versions[CompiledResource], error: VersionError) -> None:
        super().__init__(snapshot)
        self.miss = error.reason
        self.lines = versions.vary
        self.detail = error.detail


class Snapshot:
    """Immutable once built. ``pools`` are kept across snapshots for APIs whose upstream did not change, and of
    ``before`` the routes of those that did not change at all. ``own`` is what the gateway itself serves, asked before
    any API (``mounts.py``)."""

    __slots__ = ("_keys", "mounted", "own", "router")

    def __init__(
        self, mounted: dict[str, Mounted], master_key: bytes, before: Snapshot | None = None
    ) -> None:
        self.mounted = mounted
        self.own: Snapshot | None = None
        self._keys = KeyReader(master_key)
        self.router: Router[CompiledResource] = Router(
            [(m.compiled.api, m.compiled.resources, m.compiled.undeclared) for m in mounted.values()],
            before.router if before is not None else None,
        )

    def match(self, head: RequestHead) -> Matched:
        """Finds the resource ``head`` asks for, its presented credentials, and renders what can be for the upstream.

        Raises:
            HeadError: the key was sent more than once.
        """
        own = self.own
        if own is not None and (head.path.startswith(_OWN) or head.path.endswith(TOKEN)):
            ours = own.match(head)
            if ours.resource is not None or reserved(head.path):
                ours.snapshot = self
                return ours
        matched = Matched(self)
        method = head.method
        origin = head.block.meaning.origin
        if origin is not None and method == "OPTIONS":
            asked = head.values(_PREFLIGHT_METHOD)
            if asked:
                every = self._rules(head, asked[0].decode("latin-1"), matched)
                if any(every):
                    wanted = b",".join(head.values(b"access-control-request-headers")) or None
                    answers = [
                        rules.preflight(origin, asked[0], wanted) if rules else None for rules in every
                    ]
                    # A pre-flight names no version: what any of them would refuse is refused.
                    matched.preflight = answers[0] if all(answers) and answers[0] else []
                    return matched
        if head.path.startswith(_WELL_KNOWN) and f"{head.path}/".startswith(_DOCUMENTS):
            # The gateway's own documents; no API, wherever it is mounted, takes their place.
            matched.miss = "resource_not_found"
            return matched
        found = self.router.match(head.host, method, head.path)
        if isinstance(found, Several):
            versions = found.versions
            matched.lines = versions.vary
            try:
                found = found.chosen(head)
            except VersionError as error:
                return Unversioned(self, versions, error)
        if not isinstance(found, Match):
            matched.miss = found.reason
            if found.api is not None:
                matched.api_id = found.api.id
                self._shut(matched, self.mounted[found.api.id])
            return matched
        resource = found.resource
        matched.match = found
        matched.resource = resource
        matched.api_id = resource.api_id
        matched.resource_name = resource.name
        mounted = matched.mounted = self.mounted[resource.api_id]
        if resource.cors is not None:
            matched.lines += resource.cors.actual(origin or b"")
        presented = self._keys.find(head, resource)
        matched.digest = presented.digest
        matched.token = presented.token
        fields = presented.fields
        query = presented.query
        matched.verb = _VERBS.get(method) or method.encode() + b" "
        target = head.target[mounted.base :] or b"/"
        matched.tail = mounted.exact or (target + b"?" + query + _VERSION if query else target + _VERSION)
        if not mounted.plain:
            fields = mounted.sent(fields)
            self._shut(matched, mounted)
        matched.fields = fields + _UPGRADE if head.upgrade else fields
        if mounted.hop:
            matched.fields += mounted.hop
        return matched

    def why_version(self, head: RequestHead) -> str:
        """Why ``head`` gets the version it got; empty where there are none. Raises as ``Versions.choose``."""
        found = self.router.match(head.host, head.method, head.path)
        return found.versions.choose(head)[1] if isinstance(found, Several) else ""

    def _shut(self, matched: Matched, mounted: Mounted) -> None:
        """Says how the API stands in the answer, and gives none but that where all of it is shut."""
        matched.lines += mounted.lines
        if mounted.shut:
            matched.resource = None
            matched.miss = mounted.shut
        elif matched.resource is None and mounted.api.standing.lifecycle == "retired":
            matched.miss = "api_retired"
        elif matched.resource is None and "*" in mounted.api.standing.off:
            matched.miss = "api_disabled"

    def _rules(self, head: RequestHead, method: str, matched: Matched) -> list[CorsRules | None]:
        """The CORS rules of what a pre-flight asks about: those of each version that has it, the default's first."""
        found = self.router.match(head.host, method, head.path)
        if not isinstance(found, Several):
            return [self._rules_of(found, matched)]
        every = found.each()
        declared = [each for each in every if isinstance(each, Match)] or every
        # The first is what is logged.
        return [self._rules_of(each, matched) for each in reversed(declared)][::-1]

    def _rules_of(self, found: Match[CompiledResource] | Miss, matched: Matched) -> CorsRules | None:
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
    broken: Callable[[Api, Exception], None],
    secrets: Secrets = dict,
) -> Snapshot:
    """The snapshot of ``apis``; what did not change keeps its compiled form, an equal upstream keeps its pool.

    ``secrets`` are those of the environment; an API that names one there is not stays shut until there is.
    An API that cannot be compiled or routed (a policy this installation lacks, a file that is gone) is reported to
    ``broken`` and stays as it was before; if it is new it is not served. The others are not held up by it.
    """
    mounted: dict[str, Mounted] = {}
    known = cache(secrets)
    for api in apis:
        old = before.mounted.get(api.id) if before is not None else None
        shut = ""
        try:
            revealed = reveal(api, known)
        except SecretMissingError as error:
            revealed, shut = NOTHING, _SECRET_MISSING
            if old is None or old.api != api or old.shut != shut:
                broken(api, error)
        if old is not None and old.api == api and old.revealed == revealed and old.shut == shut:
            mounted[api.id] = old
            continue
        keep = old is not None and old.api.upstream == api.upstream
        try:
            # What is shut is not compiled with settings that lack their secrets.
            compiled = compile_api(_bare(api) if shut else revealed.api or api)
            pool = old.pool if keep and old is not None else make_pool(api)
            mounted[api.id] = Mounted(api, compiled, pool, revealed, shut)
        except Exception as error:  # also what a third party's policy may raise
            hidden = revealed.api is not None and not isinstance(error, StoreUnavailableError)
            broken(
                api, ValueError(f"{type(error).__name__} in settings that hold secrets") if hidden else error
            )
            if old is not None:
                mounted[api.id] = _as_before(old, api.standing, compile_api)
    try:
        return Snapshot(mounted, master_key, before)
    except ValueError:
        return _without_clashes(mounted, before, master_key, compile_api, broken)


def _bare(api: Api) -> Api:
    """The API without its policies."""
    return replace(
        api, policies=(), resources=tuple(replace(resource, policies=()) for resource in api.resources)
    )


def _as_before(old: Mounted, standing: Standing, compile_api: Callable[[Api], CompiledApi]) -> Mounted:
    """``old``, which stays as its new form cannot be served, but with what is shut now shut in it too."""
    if old.api.standing == standing:
        return old
    api = replace(old.api, standing=standing)
    shut = _SECRET_MISSING if old.shut == _SECRET_MISSING else ""
    wanted = _bare(old.api) if shut else old.revealed.api or old.api
    try:
        compiled = compile_api(replace(wanted, standing=standing))
    except Exception:  # reported for the new form already; what cannot be shut in part is shut whole
        compiled = old.compiled
        if not shut and standing.lifecycle == "retired":
            shut = "api_retired"
        elif not shut and standing.off:
            shut = "api_disabled"
    return Mounted(api, compiled, old.pool, old.revealed, shut)


def _without_clashes(
    mounted: dict[str, Mounted],
    before: Snapshot | None,
    master_key: bytes,
    compile_api: Callable[[Api], CompiledApi],
    broken: Callable[[Api, Exception], None],
) -> Snapshot:
    """The routes contradict each other: each API stays as it was, and takes its new form or its place if that fits."""
    old = before.mounted if before is not None else {}
    chosen = {
        api_id: _as_before(old[api_id], wanted.api.standing, compile_api)
        for api_id, wanted in mounted.items()
        if api_id in old
    }
    snapshot = Snapshot(chosen, master_key, before)
    for api_id, wanted in mounted.items():
        if chosen.get(api_id) is wanted:
            continue
        try:
            snapshot = Snapshot(chosen | {api_id: wanted}, master_key, snapshot)
        except ValueError as collision:
            broken(wanted.api, collision)
        else:
            chosen[api_id] = wanted
    return snapshot


class NoSnapshot(Snapshot):
    """That of a host of no environment: nothing is served."""

    __slots__ = ()

    def match(self, head: RequestHead) -> NoReturn:
        """Raises HeadError: no environment has the host."""
        raise HeadError("host_not_served")
