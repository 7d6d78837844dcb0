"""One request as the steps see it: what was received, and what earlier steps have established."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from wardgate.domain.consumer import Subscription
    from wardgate.domain.oauth import Token
    from wardgate.domain.principal import Principal
    from wardgate.domain.rejection import Rejection
    from wardgate.domain.trust import OAuth2Settings
    from wardgate.policy.compiled import CompiledResource
    from wardgate.policy.trusted import Profile

#: A header field as received: lower-case name and value without outer white space.
Field = tuple[bytes, bytes]


class Head(Protocol):
    """What the client sent, parsed and canonical; never changed by a step."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> bytes: ...
    @property
    def host(self) -> str: ...
    @property
    def fields(self) -> Sequence[Field]: ...

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header ``name`` (lower case), in order."""

    @property
    def passed(self) -> Sequence[tuple[bytes, bytes, bytes]]:
        """Of every header that an upstream may get: lower-case name, value, and what is left of the name where a server
        makes a variable of it (``x_a`` and ``x-a`` are ``x-a``)."""


class PresentedToken(NamedTuple):
    """An access token as sent: never in a log. ``digest`` is empty for what cannot be one; ``proofs`` are the values of
    ``DPoP``, and ``dpop`` tells whether that scheme was used."""

    digest: bytes
    text: bytes
    dpop: bool
    proofs: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"PresentedToken(dpop={self.dpop})"


class Denied(Protocol):
    """Why the limits refused."""

    @property
    def reason(self) -> str: ...
    @property
    def retry_after(self) -> float: ...
    @property
    def headers(self) -> bytes: ...


class LimitSet(Protocol):
    """A subscription's limits as the limits step uses them; see ``limits/limitset.py``."""

    holds: bool

    def take(self, now: float) -> Denied | Awaitable[Denied | None] | None: ...
    def release(self) -> None: ...
    def headers(self, now: float) -> bytes: ...
    def peek(self, now: float) -> list[str]: ...


class Directory(Protocol):
    """Look-ups a worker offers the steps."""

    def principal(self, digest: bytes, now: float) -> Principal | None:
        """The principal of a credential digest, from cache or store; raises StoreUnavailableError."""

    def token(
        self, presented: PresentedToken, profile: Profile, now: float
    ) -> Principal | str | Awaitable[Principal | str]:
        """Whom an access token stands for, or the reason it is not believed; raises StoreUnavailableError.

        What is answered holds now: signature, issuer, time and revocation are right. Audience, binding and scopes
        are the caller's to check.
        """

    def proof(
        self, exchange: Exchange, token: Token, settings: OAuth2Settings
    ) -> str | Awaitable[str | None] | None:
        """The reason the DPoP proof of the exchange does not show possession of the token's key; ``None``: it does."""

    def proof_nonce(self) -> str:
        """The nonce a DPoP proof should hold now (RFC 9449 section 8)."""

    def limits(self, subscription: Subscription) -> LimitSet | None:
        """The counters of a subscription's plan, or ``None`` when it has no plan or no limits."""

    def effective_limits(self, exchange: Exchange) -> LimitSet | None:
        """The counters of all limits in force for the exchange's subscription, wherever they were set."""

    def wall(self) -> float:
        """Unix seconds."""


class Exchange:
    """The request and what is known of it so far. Steps add to it; none rewrites what another established.

    ``head``, ``client`` (address after trusted proxies), ``secure`` (the credential was protected on the way),
    ``now`` (monotonic seconds), ``resource`` and ``digest`` are set before the first step. ``digest``
    is the presented key's digest, ``None`` if no key was presented, or ``b""`` if it is no well-formed key.
    ``token`` is the access token that was presented; with one come ``certificate``, the thumbprint of the connection's
    client certificate (empty: none), and ``scheme``, ``http`` or ``https`` as the client called. ``proven``: possession
    of the token's key was shown. ``overridden``: limits were set for this caller besides its plan's. ``forward`` and
    ``answer`` are header lines (with CRLF) for the upstream and for the
    client.
    """

    __slots__ = (
        "answer",
        "certificate",
        "client",
        "digest",
        "directory",
        "forward",
        "head",
        "limit_set",
        "now",
        "overridden",
        "principal",
        "proven",
        "resource",
        "scheme",
        "secure",
        "subscription",
        "token",
    )

    def __init__(
        self,
        head: Head,
        resource: CompiledResource,
        digest: bytes | None,
        client: str,
        secure: bool,
        now: float,
        directory: Directory,
    ) -> None:
        self.head = head
        self.resource = resource
        self.digest = digest
        self.client = client
        self.secure = secure
        self.now = now
        self.directory = directory
        self.principal: Principal | None = None
        self.subscription: Subscription | None = None
        self.limit_set: LimitSet | None = None
        self.token: PresentedToken | None = None
        self.certificate = ""
        self.scheme = ""
        self.proven = False
        self.overridden = False
        self.forward = b""
        self.answer = b""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The path parameters by name, decoded; worked out when asked for, as most requests are not."""
        match = getattr(getattr(self.head, "matched", None), "match", None)
        return match.parameters if match is not None else {}


class Step(Protocol):
    """One compiled check. ``None`` goes on, a Rejection stops; an awaitable of either when it must wait."""

    def __call__(self, exchange: Exchange, /) -> Rejection | Awaitable[Rejection | None] | None: ...
