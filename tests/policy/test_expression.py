"""Conditions are checked when they are published: names, types, size, and what of a request they read."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wardgate.policy.expression import (
    LONGEST,
    MOST_MACROS,
    ConditionError,
    UndecidedError,
    expression,
    uses_of,
)

OWNER = "claims.sub == path.user_id || 'admin' in roles"


@pytest.mark.parametrize(
    ("text", "at", "message", "remedy"),
    [
        ("user.id == 'x'", (1, 1), "there is no 'user'", "claims"),
        ("claims.sub ==", (1, 14), "mismatched input", "Write it in CEL"),
        ("true &&\nclaim.sub == 'x'", (2, 1), "there is no 'claim'", "claims"),
        ("method == 1", (1, 8), "no matching overload", "Compare values of one type"),
        ("time > 5", (1, 6), "no matching overload", "Compare values of one type"),
        ("path.user_id", (1, 1), "of type string, neither true nor false", "Write a comparison"),
        ("claims.admin", (1, 1), "of type dyn, neither true nor false", "claims.admin == true"),
        ("roles", (1, 1), "neither true nor false", "Write a comparison"),
        ("'a' == '" + "x" * LONGEST + "'", (1, 1), "characters", str(LONGEST)),
        ("claims.a.exists(x, x.exists(y, y == 1))", (1, 21), "inside another repetition", "`in`"),
        (
            "claims.a.exists(x,\n claims.b . all (y, y == x))",
            (2, 11),
            "'all' stands inside another repetition",
            "`in`",
        ),
        (
            " || ".join(["claims.a.exists(x, x == 1)"] * (MOST_MACROS + 1)),
            (1, 1),
            "repeats itself",
            str(MOST_MACROS),
        ),
    ],
)
def test_a_wrong_condition_is_told_by_place_and_remedy(
    text: str, at: tuple[int, int], message: str, remedy: str
) -> None:
    """Line and column, what is wrong there, and what to write instead."""
    with pytest.raises(ConditionError) as caught:
        expression(text)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert (caught.value.line, caught.value.column) == at


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        (OWNER, {"claims": {"sub"}, "path": {"user_id"}, "roles": None}),
        ("claims['sub'] == \"path.user_id\"", {"claims": {"sub"}, "path": {"user_id"}}),
        ("claims.sub == 'x' && claims.size() > 1", {"claims": None}),
        ("'x' in headers", {"headers": None}),
        ('headers["x-tenant"] == "a"', {"headers": {"x-tenant"}}),
        ("claims[method] == 1", {"claims": None, "method": None}),
        ("claims // .sub\n.sub == 'x'", {"claims": None}),
        ("has(claims.act) && !has(claims.act.sub)", {"claims": {"act"}}),
        ("claims.exists(k, k == 'sub')", {"claims": None}),
        ("r'''claims''' == 'x'", {"claims": None}),
    ],
)
def test_what_a_condition_reads_is_known(text: str, uses: dict[str, set[str] | None]) -> None:
    """No more of a request is handed over than what may be read, and never less."""
    found = {name: None if names is None else set(names) for name, names in uses_of(text).items()}
    assert found == uses


VALUES = {
    "claims": {"sub": "u1", "n": 1, "banned": True, "list": ["a"]},
    "path": {"user_id": "u1"},
    "roles": [],
}


@given(
    st.lists(
        st.sampled_from(
            [
                "claims.sub == path.user_id",
                "!has(claims.banned)",
                "claims['n'] == 1",
                "size(claims) == 4",
                "'claims.x' == 'claims.y'",
                "claims . list . exists(x, x == 'a')",
                "'banned' in claims",
                "claims\n[\n'sub'] == 'u1'",
                "[claims][0].n == 1",
                "claims.list[0] == 'a' // claims.sub",
            ]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_less_of_a_map_gives_the_same_verdict(parts: list[str]) -> None:
    """Only the entries that are read are handed over, and nothing is decided otherwise for it."""
    text = "\n&& ".join(parts)
    made = expression(text)
    entries = made.uses.get("claims")
    claims = VALUES["claims"]
    assert isinstance(claims, dict)
    less = claims if entries is None else {name: claims[name] for name in entries if name in claims}
    assert made.holds({**VALUES, "claims": less}) == made.holds(VALUES)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("claims.missing == 'x'", "not_found"),
        ("claims.n / 0 == 1", "invalid_argument"),
        ("claims.sub > claims.n", "unknown"),
        ("claims.list[7] == 'x'", "unknown"),
    ],
)
def test_what_has_no_value_is_undecided(text: str, kind: str) -> None:
    """An error is no verdict, and its kind tells nothing of the values."""
    with pytest.raises(UndecidedError) as caught:
        expression(text).holds(VALUES)
    assert caught.value.kind == kind
    assert "u1" not in str(caught.value)


def test_a_true_half_decides_beside_one_without_a_value() -> None:
    """As CEL has it: ``||`` is true if either side is, ``&&`` false if either side is."""
    assert expression("claims.missing == 'x' || claims.n == 1").holds(VALUES)
    assert not expression("claims.missing == 'x' && claims.n == 2").holds(VALUES)


def test_numbers_beyond_64_bits_are_undecided() -> None:
    """A token may hold a number that CEL has no form for."""
    with pytest.raises(UndecidedError):
        expression("claims.n == 1").holds({"claims": {"n": 2**80}})


@example("'a\\'.exists(' == claims.x.exists(")
@given(st.text(alphabet="ab'\"\\r.exists(,)[]| \n=claims/", max_size=60))
def test_any_text_is_taken_or_told_to_be_wrong(text: str) -> None:
    """No text brings the check down."""
    try:
        made = expression(text)
    except ConditionError as error:
        assert error.message
        assert error.remedy
        assert error.line >= 1
    else:
        assert made.text == text


def test_the_costliest_request_is_decided_in_milliseconds() -> None:
    """Repetitions cost what they repeat over, and patterns are linear: nothing runs away."""
    made = expression(
        " || ".join([f"query.q.exists(x, x.matches('^(a+)+{n}$'))" for n in range(MOST_MACROS)])
    )
    values = {"query": {"q": ["a" * 16] * 500}}
    began = time.process_time()
    assert not made.holds(values)
    assert time.process_time() - began < 0.5


def test_the_library_is_not_imported_without_a_condition() -> None:
    """A gateway without conditions pays nothing for them."""
    program = (
        "import sys, wardgate.gateway.worker, wardgate.control.document; "
        "sys.exit('cel_expr_python' in sys.modules or 'google.protobuf' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == 0
