"""A worker's side of a counter."""

from __future__ import annotations

import pytest

from wardgate.domain.limit import Limit
from wardgate.limits.cell import HORIZON, PermitCell, TokenCell

RATE = Limit(kind="rate", amount=60, per="minute", burst=20)
QUOTA = Limit(kind="quota", amount=100, per="month")


def leased(limit: Limit, tokens: int, now: float = 0.0) -> TokenCell:
    cell = TokenCell("k", limit)
    cell.ask(now, tokens)
    window = {"window": "w1"} if limit.kind == "quota" else {}
    cell.reply({"grant": tokens, "out": tokens, "until": now + 1.0, "left": 0, "tat": 0.0, **window}, now)
    return cell


def test_tokens_the_authority_has_charged_meanwhile_are_dropped() -> None:
    """A renewal that came too late leaves the worker only what the authority says is out."""
    cell = leased(RATE, 8)
    cell.spend(0.1)
    item = cell.ask(0.5, 0)
    assert (item["used"], item["tat"]) == (1, pytest.approx(1.1))
    cell.spend(0.6)
    cell.reply({"grant": 2, "out": 2, "until": 4.0, "left": 5, "tat": 9.0}, 3.0)
    assert cell.tokens == 1
    assert cell.settle(3.5) == {"key": "k", "used": 1, "tat": cell.tat}


def test_no_token_is_used_past_its_lease() -> None:
    """At the lease's end the rest goes back, and what was used is told with it."""
    cell = leased(RATE, 8)
    cell.spend(0.2)
    assert cell.ready(0.999)
    assert not cell.ready(1.0)
    assert cell.settle(1.0) == {"key": "k", "used": 1, "tat": pytest.approx(1.2), "back": 7}
    assert cell.empty()


def test_returned_tokens_lift_a_refusal() -> None:
    """A refusal given while tokens were out does not stand once they went back unused."""
    cell = leased(RATE, 8)
    cell.refused({"retry_at": 9.0, "hold": 9.0}, 0.0)
    cell.settle(1.0)
    assert cell.hold < 0.0


def test_a_report_in_between_shrinks_no_lease() -> None:
    """The next lease is sized for all that was used since the last ask, whether it was reported meanwhile or not."""
    busy = Limit(kind="rate", amount=6000, per="minute", burst=6000)
    wanted = []
    for reports in (False, True):
        cell = leased(busy, 200)
        for number in range(50):
            cell.spend(0.6 * number / 50)
        if reports:
            assert cell.settle(0.6) == {"key": "k", "used": 50, "tat": cell.tat}
        wanted.append(cell.ask(0.61, 0)["want"] + cell.tokens)
    assert wanted[0] == wanted[1] == pytest.approx(50 / 0.61 * HORIZON, abs=1)


def test_a_new_window_drops_the_old_ones_reports() -> None:
    """What was used in the window before is not charged to the new one."""
    cell = leased(QUOTA, 8)
    cell.ask(0.9, 0)
    cell.spend(0.95)
    cell.reply({"grant": 4, "out": 4, "until": 2.0, "left": 96, "window": "w2", "reset": 99.0}, 1.1)
    assert (cell.tokens, cell.settle(1.2)) == (4, None)
    cell.spend(1.3)
    assert cell.surrender(1.4) == {"key": "k", "used": 1, "back": 3, "window": "w2"}


def test_permits_go_back_at_once_unless_they_may_be_kept() -> None:
    """A small limit's permit returns with its request; a kept one waits for the next."""
    cell = PermitCell("k", Limit(kind="concurrency", amount=10))
    cell.ask(0.0, 1)
    cell.reply({"grant": 1, "out": 1, "left": 9, "keep": False}, 0.0)
    cell.spend(0.0)
    assert (cell.busy, cell.left(0.0)[0]) == (1, 9)
    assert cell.release() == {"key": "k", "back": 1}
    cell.reply({"grant": 1, "out": 1, "left": 9, "keep": True}, 0.0)
    cell.spend(0.0)
    assert cell.release() is None
    assert (cell.busy, cell.tokens, cell.have) == (0, 1, 1)


def test_requests_in_flight_outlive_the_authority() -> None:
    """After a lost connection no permit is held, and requests in flight end as ever."""
    cell = PermitCell("k", Limit(kind="concurrency", amount=10))
    cell.reply({"grant": 3, "out": 3, "left": 7, "keep": True}, 0.0)
    cell.spend(0.0)
    cell.spend(0.0)
    cell.lost()
    assert (cell.busy, cell.have) == (2, 0)
    assert cell.release() is None
    cell.release()
    assert cell.busy == 0
