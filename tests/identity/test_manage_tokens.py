"""Tokens taken back by those who run the installation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.identity.token_side import Side

from wardgate.domain.oauth import RevocationKind, Token
from wardgate.identity.manage_tokens import issuer_said, revoke
from wardgate.jose.encoding import encode

DAY = 86400.0


@pytest.mark.parametrize(("kind", "days"), [("application", 365), ("client", 1)])
async def test_a_revocation_outlives_every_token_it_covers(
    side: Side, kind: RevocationKind, days: float
) -> None:
    """A client's tokens live a day at most. An application's may be a foreign issuer's too, and live for a year: they
    must not become good again when the revocation is swept."""
    client = await side.client()
    key = {"application": client.application, "client": client.id}[kind]
    await revoke(side.server, kind, key)
    now = side.clock()
    token = Token(
        id="x",
        issuer="https://foreign.example",
        client=client.id if kind == "client" else "azp",
        subject="somebody",
        audiences=frozenset(),
        scopes=frozenset(),
        issued_at=now - 1,
        issued_ms=int((now - 1) * 1000),
        expires_at=now + days * DAY,
    )
    for passed in (0.0, days * DAY):
        async with side.server.store.writing() as tx:
            await tx.sweep(now + passed)
            assert await tx.revocations.covers(token, client.application)
            later = replace(token, issued_ms=int((now + 1) * 1000))
            assert not await tx.revocations.covers(later, client.application)


@pytest.mark.parametrize(
    ("text", "issuer"),
    [
        ("e30." + encode(b'{"iss":"https://id.example"}') + ".x", "https://id.example"),
        ("e30." + encode(b"[" * 100_000) + ".x", ""),
        ("e30." + encode(b'{"iss":["https://id.example"]}') + ".x", ""),
        ("e30." + encode(b"\xff") + ".x", ""),
        ("e30.e30", ""),
    ],
)
def test_whom_a_token_names(text: str, issuer: str) -> None:
    """The issuer of a JWT, and nobody for what is none, however deep it nests."""
    assert issuer_said(text) == issuer
