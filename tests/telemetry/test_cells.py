"""Open roll-up cells: found again, merged, and taken fairly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wardgate.telemetry.cells import Cell, Cells, Kind
from wardgate.telemetry.recorder import Recorder
from wardgate.telemetry.rollups import unpack

OK: Kind = ("orders/v1", "app", 200, "ok")
DENIED: Kind = ("orders/v1", "", 401, "key_unknown")


def a_cell(count: int = 1) -> Cell:
    """A cell of ``count`` equal requests."""
    cell = Cell()
    for _ in range(count):
        cell.add(1, 2, 0.001)
    return cell


def test_cells_in_one_place_are_added_up() -> None:
    """A second cell for the same resource and kind adds to the first, buckets included."""
    cells = Cells()
    cells.put(OK, "GET /a", a_cell(2))
    cells.put(OK, "GET /a", a_cell(3))
    cells.put(DENIED, "GET /a", a_cell())
    found = cells.find(OK, "GET /a")
    assert found is not None
    assert (found.count, found.bytes_in, found.bytes_out, sum(found.buckets)) == (5, 5, 10, 5)
    assert cells.count == 2
    assert cells.find(OK, "GET /b") is None
    assert cells.find(("x", "", 200, "ok"), "GET /a") is None


def test_no_kind_waits_behind_a_busy_one() -> None:
    """However many resources of one kind come again at once, another kind leaves with the next call but one."""
    cells = Cells()
    for number in range(10):
        cells.put(OK, f"GET /{number}", a_cell())
    cells.put(DENIED, "GET /0", a_cell())
    assert [resource for _, resource, _ in cells.take(3)] == ["GET /0", "GET /1", "GET /2"]
    for number in range(3):
        cells.put(OK, f"GET /{number}", a_cell())
    taken = [(kind, resource) for kind, resource, _ in cells.take(3)]
    assert taken == [(DENIED, "GET /0"), (OK, "GET /3"), (OK, "GET /4")]
    assert cells.count == 8
    assert len(cells.take(100)) == 8
    assert (cells.count, cells.take(5)) == (0, [])


@given(st.lists(st.tuples(st.sampled_from([OK, DENIED]), st.sampled_from("abcd"))), st.integers(1, 3))
def test_every_request_is_taken_once(requests: list[tuple[Kind, str]], limit: int) -> None:
    """Whatever is counted and absorbed leaves once, in pieces of ``limit`` cells at most."""
    first, second = Cells(), Cells()
    for number, (kind, resource) in enumerate(requests):
        (first if number % 2 else second).put(kind, resource, a_cell())
    first.absorb(second)
    total = 0
    while taken := first.take(limit):
        assert len(taken) <= limit
        total += sum(cell.count for _, _, cell in taken)
    assert (total, first.count, first.groups) == (len(requests), 0, {})


def test_many_resources_leave_in_turns() -> None:
    """Of thousands of resources half a thousand leave with a drain; drained to the end, every request has left."""
    recorder = Recorder("development")
    for number in range(1200):
        recorder.record("a/v1", f"GET /{number}", "", "", "127.0.0.1", 200, "ok", 0, 0, 0.001)
    sizes = []
    while (message := recorder.drain()) is not None:
        sizes.append(len(unpack(message["rows"])))
    assert sizes == [500, 500, 200]
