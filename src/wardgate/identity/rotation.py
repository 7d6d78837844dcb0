"""When signing keys follow one another: pure, so that every process comes to the same answer."""

from __future__ import annotations

from collections.abc import Iterable

from wardgate.domain.oauth import SigningAlgorithm
from wardgate.identity.ports import StoredKey
from wardgate.identity.server import IdentitySettings

#: Seconds a token signed here lives at most, whatever its client is set to: how long an old key is needed is then known.
LONGEST_TOKEN = 86400
_JWKS_MAX_AGE = 3600
#: Forgiven to whoever compares times with us, after a key's last token has expired.
_MARGIN = 600.0
#: Seconds clocks of this installation may differ by: a key that is needed at once has begun by any of them.
_CLOCKS = 60.0


def jwks_max_age(settings: IdentitySettings) -> int:
    """Seconds a copy of the JWK set may be used: a new key is published at least twice that long before it signs."""
    return min(_JWKS_MAX_AGE, settings.key_overlap // 2)


def published(keys: Iterable[StoredKey], now: float) -> list[StoredKey]:
    """The keys of the JWK set, oldest first: those to come, those that sign, those whose tokens may still be around."""
    found = [key for key in keys if key.expires_at is None or now < key.expires_at]
    return sorted(found, key=lambda key: (key.active_at, key.kid))


def active(keys: Iterable[StoredKey], algorithm: SigningAlgorithm, now: float) -> StoredKey | None:
    """The key that signs with ``algorithm`` now: of those that may, the one that began last."""
    begun = [key for key in published(keys, now) if key.algorithm == algorithm and key.active_at <= now]
    return begun[-1] if begun else None


def needed_from(
    keys: Iterable[StoredKey], algorithm: SigningAlgorithm, now: float, settings: IdentitySettings
) -> float | None:
    """When a key that is to be made now shall begin to sign; ``None`` while none is to be made."""
    known = list(keys)
    if active(known, algorithm, now) is None:
        return now - _CLOCKS
    newest = next(key for key in reversed(published(known, now)) if key.algorithm == algorithm)
    end = newest.active_at + settings.key_lifetime
    return None if now < end - settings.key_overlap else max(end, now + settings.key_overlap)


def last_needed(successor_active_at: float, settings: IdentitySettings) -> float:
    """When a key may leave the JWK set whose successor signs from then on."""
    return successor_active_at + LONGEST_TOKEN + jwks_max_age(settings) + _MARGIN
