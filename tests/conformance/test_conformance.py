"""Every row of the table at the authorization server: the control is let through, what breaks one rule is refused."""

from __future__ import annotations

import pytest
from tests.conformance.house import House
from tests.conformance.rows import Row, Sound
from tests.conformance.table import controls, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("control", controls("server"), ids=lambda control: control.text)
async def test_control(control: Sound, house: House) -> None:
    """What no row has changed succeeds, so that rows cannot pass because everything fails."""
    request = await control.make(house)
    control.good(await house.send(request), request)


@pytest.mark.parametrize("row", rows("server"), ids=lambda row: row.id)
async def test_row(row: Row, house: House) -> None:
    """The request that breaks one rule, and is right in all else, gets the answer of the table."""
    request = await row.change.make(house, await row.sound.make(house))
    answer = await house.send(request)
    row.answer.check(answer, request)
    if row.after is not None:
        await row.after(house, request, answer)
