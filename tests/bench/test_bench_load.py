"""wrk's figures, and the answers that make them meaningless."""

from __future__ import annotations

import pytest
from bench.load import Shot, Volley, check, parse
from bench.servers import BenchError

LINE = 'BENCH {"requests":100,"seconds":1.5,"p50_ms":0.5,"p99_ms":2.0,"refused":3,"broken":0}'
URL = "http://127.0.0.1:1/x"


def volley(requests: int = 100, refused: int = 0, broken: int = 0) -> Volley:
    """What a run gave."""
    return Volley(requests=requests, seconds=1.0, p50_ms=1.0, p99_ms=1.0, refused=refused, broken=broken)


def test_figures_are_read_from_among_wrk_s_own_output() -> None:
    """The line of the script is found wherever it stands."""
    found = parse(f"Running 2s test\n{LINE}\nRequests/sec: 1\n")
    assert (found.requests, found.seconds, found.refused) == (100, 1.5, 3)


def test_missing_figures_are_an_error() -> None:
    """Without the script's line nothing is guessed."""
    with pytest.raises(BenchError, match="reported nothing"):
        parse("Running 2s test\n")


@pytest.mark.parametrize(
    ("refused_case", "result", "told"),
    [
        (False, volley(refused=1), "1 of 100 answers were not a success"),
        (True, volley(refused=98), "2 of 100 answers were not a refusal"),
        (False, volley(broken=2), "2 broken connections"),
        (False, volley(requests=0), "0 answers"),
    ],
)
def test_an_answer_of_the_wrong_kind_fails_loudly(refused_case: bool, result: Volley, told: str) -> None:
    """A case in which some answers were of another kind has no figures."""
    with pytest.raises(BenchError, match=told):
        check(Shot(path="/x", refused=refused_case), URL, result)


def test_answers_of_the_right_kind_pass() -> None:
    """Successes where success is measured, refusals where refusal is."""
    check(Shot(path="/x"), URL, volley())
    check(Shot(path="/x", refused=True), URL, volley(refused=100))
