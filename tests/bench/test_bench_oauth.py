"""``bench.oauth``: figures and bars from samples, and forms that wrk sends."""

from __future__ import annotations

import base64

from bench.load import Shot
from bench.oauth import Sample, render, summarise, verdicts
from bench.oauth_line_up import Line, _basic, _posted
from bench.servers import Server


def line(name: str, *, beside_key: bool = False) -> Line:
    """A case that is never fired."""
    return Line(
        name=name,
        server=Server.__new__(Server),
        port=1,
        shot=lambda: Shot(path="/"),
        beside_key=beside_key,
    )


def sample(cpu_us: float) -> Sample:
    """A round of ``cpu_us`` a request."""
    return Sample(1000.0, cpu_us, 1.0, {"web.main": cpu_us})


def test_grants_are_counted_by_cpu_second_and_tokens_beside_keys_of_the_same_round() -> None:
    """A slow round is slow for both, so the ratio is formed within it."""
    lines = [line("client_credentials"), line("api_key"), line("jwt_cached", beside_key=True)]
    rounds = [
        {"client_credentials": sample(250), "api_key": sample(20), "jwt_cached": sample(21)},
        {"client_credentials": sample(400), "api_key": sample(40), "jwt_cached": sample(43)},
        {"client_credentials": sample(500), "api_key": sample(80), "jwt_cached": sample(88)},
    ]
    table = summarise(lines, rounds)
    assert table["client_credentials"]["per_cpu_second"] == 2500
    assert table["jwt_cached"]["ratio"] == 1.075
    assert "ratio" not in table["api_key"]
    assert [met for _, met in verdicts(table)] == [True, True]
    assert "pass  client-credentials grants per CPU second 2500" in render(table, rounds)


def test_a_missed_bar_is_called_one() -> None:
    """Too few grants, or a token that costs too much, fail."""
    lines = [line("client_credentials"), line("api_key"), line("jwt_cached", beside_key=True)]
    rounds = [{"client_credentials": sample(501), "api_key": sample(20), "jwt_cached": sample(23)}]
    table = summarise(lines, rounds)
    assert [met for _, met in verdicts(table)] == [False, False]
    assert render(table, rounds).count("FAIL") == 2


def test_what_is_posted_is_a_form_with_a_client() -> None:
    """RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    shot = _posted(
        "/oauth2/token", {"grant_type": "client_credentials", "scope": "a b"}, _basic(("a:b", "c d"))
    )
    assert shot.env["BENCH_BODY"] == "grant_type=client_credentials&scope=a+b"
    scheme, _, text = shot.env["BENCH_AUTHORIZATION"].partition(" ")
    assert (scheme, base64.b64decode(text)) == ("Basic", b"a%3Ab:c%20d")
