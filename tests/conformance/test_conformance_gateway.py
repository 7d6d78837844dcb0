"""Every row of the table at the gateway, over sockets."""

from __future__ import annotations

import pytest
from tests.conformance.gate import Gate
from tests.conformance.rows import Row, Sound
from tests.conformance.table import controls, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("control", controls("gateway"), ids=lambda control: control.text)
async def test_control(control: Sound, gate: Gate) -> None:
    """What no row has changed is let through."""
    request = await control.make(gate)
    control.good(await gate.send(request), request)


@pytest.mark.parametrize("row", rows("gateway"), ids=lambda row: row.id)
async def test_row(row: Row, gate: Gate) -> None:
    """The request that breaks one rule gets the answer of the table, and the upstream hears nothing of it."""
    request = await row.change.make(gate, await row.sound.make(gate))
    row.answer.check(await gate.send(request), request)
