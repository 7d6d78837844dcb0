"""The bounded map: forgets only what was not used lately, and never says anything but the last word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway.twogen import TwoGenerations

_DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "drop", "drop_where", "clear"]), st.integers(0, 8), st.integers(1, 99)
    ),
    max_size=80,
)


@given(_DEEDS, st.integers(2, 9))
def test_it_never_says_what_is_no_longer_true(deeds: list[tuple[str, int, int]], size: int) -> None:
    """A key has its last value or none; what was dropped stays dropped; the bound holds."""
    kept: TwoGenerations[int, int] = TwoGenerations(size)
    truth: dict[int, int] = {}
    for deed, key, value in deeds:
        if deed == "put":
            kept.put(key, value)
            truth[key] = value
            assert kept.get(key) == value
        elif deed == "get":
            assert kept.get(key) in (None, truth.get(key))
        elif deed == "drop":
            kept.drop(key)
            truth.pop(key, None)
        elif deed == "drop_where":
            kept.drop_where(lambda found, bound=value: found > bound)  # type: ignore[misc]
            truth = {k: v for k, v in truth.items() if v <= value}
        else:
            kept.clear()
            truth.clear()
        assert len(kept) <= size
        assert set(kept) <= set(truth)


def test_what_is_used_survives() -> None:
    """A key asked for in every round outlives any number of others."""
    kept: TwoGenerations[str, int] = TwoGenerations(10)
    kept.put("mine", 1)
    for number in range(100):
        kept.put(f"other{number}", number)
        assert kept.get("mine") == 1
    assert kept.get("other0") is None


@given(st.integers(1, 9), st.integers(1, 5))
def test_as_many_as_fit_are_never_forgotten(size: int, rounds: int) -> None:
    """Keys in turn, as many as there is room for, are all found in every later turn."""
    kept: TwoGenerations[int, int] = TwoGenerations(size)
    for key in range(size):
        kept.put(key, key)
    for _ in range(rounds):
        assert [kept.get(key) for key in range(size)] == list(range(size))


@given(st.integers(2, 9), st.lists(st.integers(0, 11), max_size=60))
def test_what_was_used_since_the_turn_outlives_what_was_not(size: int, keys: list[int]) -> None:
    """Only an old entry makes room, unless there is none."""
    kept: TwoGenerations[int, int] = TwoGenerations(size)
    for key in keys:
        if kept.get(key) is None:
            young, full = set(kept.young), len(kept) == size
            kept.put(key, key)
            assert young <= set(kept) or (full and len(young) == size and len(set(kept) & young) == size - 1)
    assert len(kept) == min(size, len(set(keys)))
