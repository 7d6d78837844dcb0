"""Refuses a credential that crossed the network unencrypted, and says to rotate it."""

from __future__ import annotations

from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange

_REFUSED = Rejection.of("credential_over_plain_http")


def tls_required(exchange: Exchange) -> Rejection | None:
    """The step: any presented credential on an exchange that is not ``secure`` is refused, valid or not."""
    if exchange.secure or (exchange.digest is None and exchange.token is None):
        return None
    return _REFUSED
