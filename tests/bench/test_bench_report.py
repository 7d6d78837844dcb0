"""Medians, ratios and bars from samples."""

from __future__ import annotations

import json
from pathlib import Path

from bench.cases import Case, Key, Sample, process_name
from bench.load import Shot
from bench.report import growth, render, summarise, verdicts
from bench.servers import Server


def sample(cpu_us: float, rss_mb: float | None = None) -> Sample:
    """One measurement of which only CPU and memory matter."""
    parts = {"wardgate.gateway.main": cpu_us}
    return Sample(rps=1e6 / cpu_us, cpu_us=cpu_us, p50_ms=1.0, p99_ms=2.0, parts=parts, rss_mb=rss_mb)


def case(system: str, name: str) -> Case:
    """A case whose server is never started."""
    server = Server(system, ["true"], 0, Path())
    return Case(system=system, name=name, server=server, port=1, shot=Shot(path="/"))


CASES = [
    case(system, name)
    for system, name in (
        ("nginx", "full"),
        ("wardgate", "full"),
        ("wardgate", "keys_1000"),
        ("wardgate", "keys_1000000"),
    )
]
ROUNDS: list[dict[Key, Sample]] = [
    {
        ("nginx", "full"): sample(nginx),
        ("wardgate", "full"): sample(nginx * 1.5),
        ("wardgate", "keys_1000"): sample(30),
        ("wardgate", "keys_1000000"): sample(45, rss_mb=90.0),
    }
    for nginx in (10, 16, 40)
]


def test_a_ratio_is_taken_within_its_round() -> None:
    """A round in which the whole machine was slow does not move the ratio."""
    table = summarise(CASES, ROUNDS)
    assert table["wardgate"]["full"]["ratio"] == 1.5
    assert table["wardgate"]["full"]["cpu_us"] == 24.0
    assert table["wardgate"]["keys_1000000"]["rss_mb"] == 90.0


def test_bars_pass_and_fail() -> None:
    """Each bar whose cases were measured has a verdict, and the others have none."""
    found = verdicts(ROUNDS, summarise(CASES, ROUNDS))
    assert [(one.text.split(":")[0], one.met) for one in found] == [
        ("full", True),
        ("1,000 to 1,000,000 keys", False),
        ("worker at 1,000,000 keys", True),
    ]


def test_the_report_shows_every_case_and_bar() -> None:
    """People read the same figures that the JSON holds."""
    table = summarise(CASES, ROUNDS)
    text = render(table, verdicts(ROUNDS, table), ROUNDS)
    assert "  keys_1000          wardgate.gateway.main 30.0" in text
    assert "FAIL  1,000 to 1,000,000 keys: growth of CPU 1.50 (bar 1.3)" in text
    assert "worker 90 MB" in text
    assert json.loads(json.dumps(table)) == table


def test_without_the_base_there_is_no_growth() -> None:
    """A ratio to something that was not measured is not made up."""
    assert growth(ROUNDS, ("nginx", "tls"), ("wardgate", "full")) is None


def test_processes_are_named_by_their_module() -> None:
    """The report tells worker, supervisor and control apart."""
    assert process_name("/usr/bin/python3 -m wardgate.gateway.main --x") == "gateway.main"
    assert process_name("nginx: worker process") == "nginx"
