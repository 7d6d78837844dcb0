"""Which step would decide a request, and why: the same parser, routes and steps as the gateway, without its traffic.

Nothing is forwarded, counted or spent: limits are described, not taken.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from time import monotonic
from urllib.parse import quote

from wardgate.domain.api import Api, ApiKeyScheme
from wardgate.domain.rejection import Rejection
from wardgate.domain.secret import Secret
from wardgate.domain.settings import Listener, ServerSettings, issuer_of
from wardgate.domain.standing import USUAL
from wardgate.gateway import mounts
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.contributions import (
    acl_words,
    header_words,
    miss_words,
    refusal_words,
    standing_words,
    subscription_words,
)
from wardgate.gateway.explain_store import Directory
from wardgate.gateway.forwarded import is_loopback
from wardgate.gateway.head import HeadError, HeadParser, RequestHead
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.ports import GatewaySource
from wardgate.gateway.response_head import ResponseParser
from wardgate.gateway.snapshot import Matched
from wardgate.jose import claims, jws
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import ALGORITHMS, KeySet
from wardgate.policy.compiled import CompiledApi
from wardgate.policy.condition import Conditions
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import PolicyRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The request to explain. ``target`` is path and query; ``headers`` are name and value."""

    method: str
    target: str
    host: str = "localhost"
    headers: tuple[tuple[str, str], ...] = ()
    #: An API key, put where the API that is asked expects it.
    key: Secret | None = None
    #: An access token, sent as ``Authorization: Bearer``.
    token: Secret | None = None
    #: The issuer of this installation; empty: the one its own token names, or else that of default settings.
    issuer: str = ""
    client: str = "127.0.0.1"
    tls: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step: its phase, the policy it comes from, ``passed`` or ``refused``, and why in words."""

    phase: str
    step: str
    outcome: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The verdict: ``forwarded`` (``status`` 0) or the rejection's status and reason, after the steps that led there."""

    verdict: str
    status: int
    reason: str
    api: str
    resource: str
    application: str
    upstream: str
    steps: tuple[StepReport, ...]


async def explain(source: GatewaySource, environment: str, question: Question) -> Explanation:
    """What the gateway of ``environment`` would do with ``question``, step by step.

    Raises:
        StoreUnavailableError: the store cannot be read.
    """
    steps: list[StepReport] = []
    try:
        issuer = question.issuer or _issuer(source, question.token)
        snapshot = _snapshot(source, environment, issuer)
        asked = _with_token(_with_key(question, snapshot))
        head = _parsed(asked)
        steps.append(_passed("hygiene", "parse", f"a valid request for the canonical path {head.path}"))
        matched = head.matched = snapshot.match(head)
    except HeadError as error:
        rejection = Rejection.of(error.reason)
        steps.append(_refused("hygiene", "parse", rejection, error.note))
        return _verdict(steps, None, rejection, "")
    if matched.preflight is not None:
        steps.append(_passed("network", "cors", "a CORS pre-flight is answered before authentication"))
        refused = None if matched.preflight else Rejection.of("cors_origin_refused")
        return _verdict(steps, matched, refused, "")
    resource = matched.resource
    if resource is None:
        rejection = Rejection.of(matched.miss)
        note = "no API has this host and base path"
        if matched.api_id:
            note = miss_words(matched.miss, matched.api_id)
        if isinstance(matched, snapshots.Unversioned):
            note = matched.detail
        steps.append(_refused("route", "match", rejection, note))
        return _verdict(steps, matched, rejection, "")
    steps.append(_passed("route", "match", f"{resource.name} of API {resource.api_id}"))
    version = snapshot.why_version(head)
    if version:
        steps.append(_passed("route", "version", version))
    if resource.api.standing != USUAL:
        steps.append(_passed("route", "standing", standing_words(resource.api.standing)))
    steps.append(_passed("route", "credentials", f"{resource.rule.kind}: {resource.rule.why}"))
    secure = question.tls or is_loopback(question.client)
    directory = Directory(source, environment, issuer)
    exchange = Exchange(head, resource, matched.digest, question.client, secure, monotonic(), directory)
    exchange.token = matched.token
    exchange.scheme = "https" if question.tls else "http"
    for named in resource.table:
        outcome = named.call(exchange)
        verdict = await outcome if isinstance(outcome, Awaitable) else outcome
        if verdict is not None:
            reason = verdict.reason.name
            notes = (verdict.note, directory.token_note(reason), refusal_words(reason, exchange))
            note = "; ".join(filter(None, notes))
            steps.append(_refused(named.phase, named.policy, verdict, note))
            return _verdict(steps, matched, verdict, _application(exchange))
        steps.append(_passed(named.phase, named.policy, _why(named.policy, named.call, exchange)))
    if resource.api.upstream.headers:
        steps.append(_passed("forward", "headers", header_words(resource.api)))
    return _verdict(steps, matched, None, _application(exchange), _where(matched, head))


def _with_key(question: Question, snapshot: snapshots.Snapshot) -> Question:
    """The question with its key in the place the API asks for that it is to; raises HeadError for what is no request."""
    if question.key is None:
        return question
    key = question.key.reveal().decode("latin-1")
    mounted = snapshot.mounted.get(snapshot.match(_parsed(replace(question, key=None, token=None))).api_id)
    scheme = mounted.api.api_key if mounted is not None else ApiKeyScheme()
    if scheme.place == "query":
        joint = "&" if "?" in question.target else "?"
        return replace(
            question, key=None, target=f"{question.target}{joint}{quote(scheme.name)}={quote(key)}"
        )
    added = (scheme.name, key) if scheme.place == "header" else ("Cookie", f"{scheme.name}={key}")
    return replace(question, key=None, headers=(*question.headers, added))


def _with_token(question: Question) -> Question:
    """The question with its token in the one place tokens are taken from (RFC 6750 section 2.1)."""
    if question.token is None:
        return question
    sent = ("Authorization", f"Bearer {question.token.reveal().decode('latin-1')}")
    return replace(question, token=None, headers=(*question.headers, sent))


def _issuer(source: GatewaySource, token: Secret | None) -> str:
    """This installation's issuer: what a token that its own keys signed says, or else that of default settings."""
    if token is not None:
        try:
            found = jws.read(token.reveal().decode("latin-1"))
            keys = KeySet.of(key.public for key in source.token_keys())
            found.verify(keys, algorithms=ALGORITHMS, types=frozenset({"at+jwt"}))
            return claims.text(found.claims, "iss")
        except JoseError:
            pass  # none of ours: the steps say what is wrong with it
    return issuer_of(ServerSettings())


def _parsed(question: Question) -> RequestHead:
    return HeadParser(1000, 64 * 1024).parse(_raw(question))


def _raw(question: Question) -> bytes:
    lines = [f"{question.method} {question.target} HTTP/1.1", f"Host: {question.host}"]
    lines += [f"{name}: {value}" for name, value in question.headers]
    return "\r\n".join(lines).encode("latin-1", "replace")


def _snapshot(source: GatewaySource, environment: str, issuer: str) -> snapshots.Snapshot:
    registry = PolicyRegistry.installed()
    parser = ResponseParser(100)

    def pool(api: Api) -> UpstreamPool:
        return UpstreamPool(api.upstream, parser, monotonic, random.random, 65536, Outbox())

    def broken(api: Api, error: Exception) -> None:
        print(f"warning: API {api.id} cannot be served: {error}", file=sys.stderr)  # noqa: T201

    def compiled(api: Api) -> CompiledApi:
        return compile_api(api, environment, registry, issuer)

    apis = source.apis()
    made = snapshots.build(apis, None, source.master_key(), compiled, pool, broken, source.secrets)
    # Where control is makes no difference to what is decided.
    own = mounts.own_apis(Listener(), apis, source.token_endpoint())
    made.own = mounts.own_snapshot(own, None, source.master_key(), compiled, pool, broken)
    return made


def _passed(phase: str, step: str, why: str) -> StepReport:
    return StepReport(phase=phase, step=step, outcome="passed", why=why)


def _refused(phase: str, step: str, rejection: Rejection, note: str) -> StepReport:
    why = f"{rejection.reason.name}: {rejection.reason.title.lower()}"
    return StepReport(phase=phase, step=step, outcome="refused", why=f"{why} ({note})" if note else why)


def _why(policy: str, step: Step, exchange: Exchange) -> str:
    """What a built-in step found, in words."""
    principal = exchange.principal
    if policy == "acl" and principal is not None:
        return acl_words(exchange, principal)
    if isinstance(step, Conditions):
        return "; ".join(f"{each.text} is true" for each in step.expressions)
    if policy == "tls_required":
        return "the way here is protected" if exchange.secure else "no credential was sent"
    if policy == "oauth2":
        token = principal.token if principal is not None else None
        if principal is None or token is None:
            return "no access token was sent"
        return f"token of client {token.client} for {token.subject or 'itself'}, application {principal.application.name}"
    if policy == "scopes":
        return "the token has every scope that is needed"
    if policy == "api_key" and exchange.digest is None:
        return "no API key was sent"
    if policy == "api_key" and principal is not None:
        return f"key {principal.credential.id} of application {principal.application.name}"
    if policy == "subscription" and exchange.subscription is not None:
        return subscription_words(exchange.subscription)
    if policy == "limits":
        limit_set = exchange.limit_set
        return "; ".join(limit_set.peek(exchange.now)) if limit_set is not None else "no limits are in force"
    return "nothing to object to"


def _application(exchange: Exchange) -> str:
    return exchange.principal.application.name if exchange.principal is not None else ""


def _where(matched: Matched, head: RequestHead) -> str:
    """The upstream URL without its query, which may hold what is nobody's business."""
    if matched.mounted is None:
        return ""
    if matched.mounted.hop:
        return "the authorization server of this installation"
    path = head.target[matched.mounted.base :].decode() or "/"
    if matched.mounted.exact:
        path = matched.mounted.exact.decode().partition(" ")[0].partition("?")[0]
    return " or ".join(target.rstrip("/") + path for target in matched.mounted.pool.upstream.targets)


def _verdict(
    steps: list[StepReport],
    matched: Matched | None,
    rejection: Rejection | None,
    application: str,
    upstream: str = "",
) -> Explanation:
    return Explanation(
        verdict="forwarded" if rejection is None else "refused",
        status=0 if rejection is None else rejection.reason.status,
        reason="ok" if rejection is None else rejection.reason.name,
        api=matched.api_id if matched is not None else "",
        resource=matched.resource_name if matched is not None else "",
        application=application,
        upstream=upstream,
        steps=tuple(steps),
    )
