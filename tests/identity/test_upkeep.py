"""Now and then: keys in order, expired rows gone, and one failure is no end."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.identity.token_side import Side
from tests.storage.samples import count

from wardgate.identity import upkeep


async def test_a_round_makes_the_key_and_sweeps(side: Side) -> None:
    """Before the first token there is a key that gateways know already."""
    async with side.store.writing() as tx:
        for number in range(10):
            await tx.once.put("code", bytes([number] * 32), {}, side.clock())
    await upkeep.round_of(side.server, side.keys)
    assert len((await side.keys.jwks())["keys"]) == 1
    assert count(side.store.data_dir, "once") == 10
    side.clock.forward(2 * 86400)
    await upkeep.round_of(side.server, side.keys)
    assert count(side.store.data_dir, "once") == 0


async def test_a_failure_is_logged_and_the_next_round_comes(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What failed is named, never what it was about."""
    rounds = 0

    async def fail(now: float) -> None:
        nonlocal rounds
        rounds += 1
        raise RuntimeError("a secret")

    monkeypatch.setattr(side.keys, "maintain", fail)
    with caplog.at_level(logging.INFO, "wardgate.identity"):
        running = asyncio.create_task(upkeep.run(side.server, side.keys, every=0.01))
        while rounds < 3:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert "signing keys could not be looked after: RuntimeError" in caplog.text
    assert "a secret" not in caplog.text
