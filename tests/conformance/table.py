"""The whole table, document by document."""

from __future__ import annotations

from tests.conformance import (
    openid,
    openid_logout,
    rfc6749,
    rfc6750,
    rfc7009,
    rfc7523,
    rfc7591,
    rfc7592,
    rfc7636,
    rfc7662,
    rfc8252,
    rfc8414,
    rfc8628,
    rfc8693,
    rfc8705,
    rfc8707,
    rfc9068,
    rfc9101,
    rfc9126,
    rfc9207,
    rfc9396,
    rfc9449,
    rfc9470,
    rfc9700,
    rfc9728,
)
from tests.conformance.rows import Row, Sound

DOCUMENTS = (
    rfc6749.DOCUMENT,
    rfc6750.DOCUMENT,
    rfc7009.DOCUMENT,
    rfc7523.DOCUMENT,
    rfc7591.DOCUMENT,
    rfc7592.DOCUMENT,
    rfc7636.DOCUMENT,
    rfc7662.DOCUMENT,
    rfc8252.DOCUMENT,
    rfc8414.DOCUMENT,
    rfc8628.DOCUMENT,
    rfc8693.DOCUMENT,
    rfc8705.DOCUMENT,
    rfc8707.DOCUMENT,
    rfc9068.DOCUMENT,
    rfc9101.DOCUMENT,
    rfc9126.DOCUMENT,
    rfc9207.DOCUMENT,
    rfc9396.DOCUMENT,
    rfc9449.DOCUMENT,
    rfc9470.DOCUMENT,
    rfc9700.DOCUMENT,
    rfc9728.DOCUMENT,
    openid.DOCUMENT,
    openid_logout.DOCUMENT,
)


def rows(at: str) -> list[Row]:
    """Every row whose requests go to the ``server`` or to the ``gateway``."""
    return [row for document in DOCUMENTS for row in document.rows if row.sound.at == at]


def controls(at: str) -> list[Sound]:
    """Every control of these rows, once."""
    return list(dict.fromkeys(row.sound for row in rows(at)))
