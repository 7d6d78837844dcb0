"""The server's context: what every endpoint is given."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wardgate.domain import apikey
from wardgate.identity.memory import Memory
from wardgate.identity.people.passwords import Passwords
from wardgate.identity.stored_tokens import StoreTokenReader

if TYPE_CHECKING:
    from wardgate.identity.ports import ClientReader, Fetcher, Keys, Store, TokenReader, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """How one environment's server runs. ``issuer`` is its URL without a trailing slash; lifetimes are seconds."""

    issuer: str
    environment: str
    code_lifetime: int = 60
    pushed_lifetime: int = 90
    device_lifetime: int = 600
    device_interval: int = 5
    #: Seconds within which the losers of a race for one refresh token get the winner's successor.
    refresh_grace: float = 60.0
    session_lifetime: int = 12 * 3600
    session_idle: int = 3600
    #: Clock difference that is forgiven in what others sign.
    skew: float = 30.0
    key_lifetime: int = 90 * 86400
    key_overlap: int = 7 * 86400
    open_registration: bool = False
    open_signup: bool = False
    require_dpop_nonce: bool = True

    @property
    def secure(self) -> bool:
        """Whether people reach it over TLS (a plain issuer is for loopback only)."""
        return urlsplit(self.issuer).scheme == "https"

    @property
    def origin(self) -> str:
        """The issuer's origin as browsers write it (RFC 6454): what forms of its own pages come from."""
        parts = urlsplit(self.issuer)
        usual = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{parts.port}"

    def url(self, path: str) -> str:
        """The external URL of ``path``."""
        return self.issuer + path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One environment's authorization server. ``clock`` gives Unix seconds; ``random`` secure random bytes."""

    settings: IdentitySettings
    store: Store
    clients: ClientReader
    keys: Keys
    vault: Vault
    fetch: Fetcher
    clock: Callable[[], float] = time.time
    random: Callable[[int], bytes] = field(default=secrets.token_bytes)
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    passwords: Passwords = field(default_factory=Passwords, repr=False, compare=False)
    #: Where there is a faster way to what is stored of tokens than a transaction.
    token_reader: TokenReader | None = None

    @property
    def tokens(self) -> TokenReader:
        """What is stored of access tokens."""
        return self.token_reader or StoreTokenReader(self.store)

    def digest(self, secret: str) -> bytes:
        """What a secret is stored under: BLAKE2b-256 keyed with the master key."""
        return apikey.digest(secret.encode(), self.store.master_key())
