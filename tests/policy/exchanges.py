"""Requests as the steps see them, without sockets: an API, a principal, an exchange, and a run through the steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wardgate.domain.api import Api, PolicyUse, Resource, SchemeName
from wardgate.domain.consumer import Application, Restrictions, Subscription
from wardgate.domain.limit import Plan
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal, Shown
from wardgate.domain.rejection import Rejection
from wardgate.domain.trust import OAuth2Settings
from wardgate.domain.upstream import Upstream
from wardgate.gateway.entitlements import Entitlements
from wardgate.gateway.head import HeadParser
from wardgate.limits.client import LimitClient
from wardgate.policy.compiled import CompiledApi, CompiledResource
from wardgate.policy.exchange import Exchange, LimitSet, PresentedToken, Step
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import CompileContext, PolicyRegistry
from wardgate.policy.trusted import Profile

NOW = 1_000.0
WALL = 1_800_000_000.0
DIGEST = b"d" * 32
ENVIRONMENT = "development"
ISSUER = "https://gateway.example"
TOKEN = b"t" * 32


def resource(
    *schemes: SchemeName,
    name: str = "GET /items",
    scopes: tuple[str, ...] = (),
    policies: Iterable[str] = (),
    **more: Any,
) -> Resource:
    """One resource with these schemes; without any it is open."""
    method, path = name.split()
    uses = tuple(PolicyUse(name=each) for each in policies)
    return Resource(method=method, path=path, schemes=schemes, scopes=scopes, policies=uses, **more)


def api(*resources: Resource, **changes: Any) -> Api:
    """The API ``orders/v1`` with these resources, or one that asks for a key."""
    made = Api(
        name="orders",
        version="v1",
        base_path="/orders/v1",
        upstream=Upstream(targets=("http://127.0.0.1:9",)),
        resources=resources or (resource("api_key"),),
        plans=("free",),
    )
    return replace(made, **changes)


def compiled(*resources: Resource, registry: PolicyRegistry | None = None, **changes: Any) -> CompiledApi:
    """That API ready to decide."""
    return compile_api(api(*resources, **changes), ENVIRONMENT, registry or PolicyRegistry(), ISSUER)


def principal(
    *,
    plan: str | None = "free",
    status: str = "active",
    subscribed: str | None = "orders/v1",
    **credential: Any,
) -> Principal:
    """An application's key, good for everything unless said otherwise."""
    restrictions = Restrictions(
        **{name: credential.pop(name) for name in ("cidrs", "referers", "resources") if name in credential}
    )
    subscriptions = {}
    if subscribed is not None:
        subscriptions[subscribed] = Subscription(id="sub_1", application="app_1", api=subscribed, plan=plan)
    return Principal(
        credential=Shown("key_1", restrictions=restrictions, **({"environment": ENVIRONMENT} | credential)),
        application=Application(id="app_1", name="mobile", status=status),  # type: ignore[arg-type]
        subscriptions=subscriptions,
    )


def bearer(*, application: str = "app_1", **changes: Any) -> Principal:
    """Whom an access token stands for: a token of this installation, good for ``orders/v1``, unless said otherwise."""
    token: dict[str, Any] = {
        "id": "jti_1",
        "issuer": ISSUER,
        "client": "client_1",
        "subject": "user_1",
        "audiences": frozenset({ISSUER}),
        "scopes": frozenset({"read"}),
        "expires_at": WALL + 300,
    }
    known = principal()
    return Principal(
        credential=Shown("", known.credential.environment),
        application=replace(known.application, id=application),
        subscriptions=known.subscriptions,
        token=Token(**(token | changes)),
    )


def with_application(who: Principal, **changes: Any) -> Principal:
    """The same caller, with an application that is otherwise."""
    return Principal(who.credential, replace(who.application, **changes), who.subscriptions, who.token)


def presented(*, dpop: bool = False, proofs: tuple[bytes, ...] = (), digest: bytes = TOKEN) -> PresentedToken:
    """An access token as it was sent."""
    return PresentedToken(digest, b"sent", dpop, proofs)


@dataclass
class Directory:
    """What a worker would look up."""

    known: Mapping[bytes, Principal] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    client: LimitClient | None = None
    asked: list[bytes] = field(default_factory=list)
    tokens: Mapping[bytes, Principal | str | Awaitable[Principal | str]] = field(default_factory=dict)
    #: What becomes of a proof of possession: the reason it is refused for, or ``None``.
    proven: str | Awaitable[str | None] | None = None

    def principal(self, digest: bytes, now: float) -> Principal | None:
        """The one known by ``digest``."""
        self.asked.append(digest)
        return self.known.get(digest)

    def limits(self, subscription: Subscription) -> LimitSet | None:
        """The limits of the subscription's plan."""
        plan = self.plans.get(subscription.plan or "")
        if plan is None or self.client is None:
            return None
        return self.client.bind(subscription.id, plan)

    def effective_limits(self, exchange: Exchange) -> LimitSet | None:
        """Every limit in force for the exchange."""
        return Entitlements(self.plans, self.client).in_force(exchange) if self.client is not None else None

    def token(
        self, presented: PresentedToken, profile: Profile, now: float
    ) -> Principal | str | Awaitable[Principal | str]:
        """The one known by the digest."""
        return self.tokens.get(presented.digest, "token_unknown")

    def proof(
        self, exchange: Exchange, token: Token, settings: OAuth2Settings
    ) -> str | Awaitable[str | None] | None:
        """What was said of it."""
        return self.proven

    def proof_nonce(self) -> str:
        """A fixed nonce."""
        return "nonce-1"

    def wall(self) -> float:
        """A fixed time."""
        return WALL


def exchange(
    target: CompiledResource,
    who: Principal | None = None,
    *fields: bytes,
    digest: bytes | None = DIGEST,
    client: str = "192.0.2.7",
    secure: bool = True,
    directory: Directory | None = None,
    token: PresentedToken | None = None,
) -> Exchange:
    """A request at ``target`` with the key of ``who`` and further fields, and with a token if one is given."""
    head = HeadParser(100, 8192).parse(
        b"\r\n".join([b"GET /orders/v1/items HTTP/1.1", b"Host: api.test", *fields])
    )
    known = directory or Directory({DIGEST: who} if who is not None else {})
    made = Exchange(head, target, digest, client, secure, NOW, known)
    made.token = token
    return made


def verdict(made: Exchange) -> Rejection | None:
    """What the resource's steps, all of them without waiting, say."""
    for step in made.resource.steps:
        outcome = step(made)
        if outcome is not None:
            assert isinstance(outcome, Rejection)
            return outcome
    return None


def reason(made: Exchange) -> str:
    """The verdict's name, or ``ok``."""
    outcome = verdict(made)
    return outcome.reason.name if outcome is not None else "ok"


class Noting:
    """A policy that notes when it runs and says what it is told to."""

    def __init__(
        self, name: str, phase: str, says: Callable[[Exchange], Rejection | None] = lambda _: None
    ) -> None:
        self.name = name
        self.phase = phase
        self.says = says
        self.ran: list[str] = []

    def validate(self, config: Mapping[str, Any]) -> None:
        """Takes anything."""

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """A step that notes the resource it guards."""

        def noting(made: Exchange) -> Rejection | None:
            self.ran.append(f"{self.name} {context.resource.name}")
            return self.says(made)

        return noting
