"""Which passwords are among those tried first."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.identity.people.common import is_common, words


def test_the_list_is_there() -> None:
    """A few thousand entries come with the package, lower case, without blanks."""
    assert len(words()) > 2500
    assert all(each == each.strip().lower() and len(each) >= 3 for each in words())


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd!2024",
        "123456789012",
        "098765432109",
        "qwertyuiop12",
        "QWERTZUIOP!!",
        "1q2w3e4r5t6y",
        "qazwsxedcrfv",
        "iloveyou1234",
        "Summer2026!!",
        "Liverpool1892",
        "MichaelJordan23",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "passwordpassword",
        "hunter2hunter2",
        "pässwörd1234",
        "administrator1!",
        "wardgate-admin",
    ],
)
def test_common_ones_are_known(password: str) -> None:
    """Listed words with the usual additions, runs, walks over the keyboard and repetitions, in any case."""
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "purple-violin-cactus-river",
        "xkqjvwzpfmte",
        "j8#kd0!mZq2p",
        "tr0ub4dor&3xyz",
        "дальше только море",
        "qK7vP2xW9mR4" * 6,
    ],
)
def test_others_are_left_alone(password: str) -> None:
    """Several words, random letters, other scripts; a strong one repeated stays strong."""
    assert not is_common(password)


def test_what_is_known_of_the_person_counts() -> None:
    """One's own name or address with a few digits is guessed first."""
    about = ("grzegorz.b", "grzegorz@brzeczyszczykiewicz.example")
    for password in ("grzegorz.b2026", "Brzeczyszczykiewicz", "brzeczyszczykiewicz!1"):
        assert is_common(password, about)
    assert not is_common("Brzeczyszczykiewicz")


@given(st.text(min_size=12, max_size=300))
def test_any_text_is_judged(password: str) -> None:
    """No input is an error, and said twice it is judged as at least as common."""
    if is_common(password):
        assert is_common(password + password)


@given(st.text(alphabet=string.digits, min_size=12, max_size=12))
def test_judging_is_quick(digits: str) -> None:
    """The longest that is looked at takes no noticeable time, whatever it is made of."""
    began = time.process_time()
    is_common(digits * 5)
    assert time.process_time() - began < 0.25
