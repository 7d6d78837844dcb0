"""Nonces for DPoP proofs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wardgate.jose import nonce

KEY = bytes(32)


@given(st.floats(1e9, 2e9), st.floats(0, 200))
def test_a_nonce_lasts_one_to_two_slots(made: float, later: float) -> None:
    """It is good for at least a minute and for two at most."""
    good = nonce.valid(KEY, nonce.make(KEY, made), made + later)
    if later < nonce.SLOT - 1:
        assert good
    if later >= 2 * nonce.SLOT:
        assert not good


def test_it_is_no_good_before_its_time_or_with_another_key() -> None:
    """A nonce of a coming slot, of another installation, or any other text is refused."""
    present = nonce.make(KEY, 1_800_000_000)
    assert not nonce.valid(KEY, present, 1_800_000_000 - nonce.SLOT)
    assert not nonce.valid(bytes(31) + b"\1", present, 1_800_000_000)
    for text in ("", present[:-1], present + "A", "\u00e9\ud800", "x" * 24):
        assert not nonce.valid(KEY, text, 1_800_000_000)


def test_every_process_makes_the_same() -> None:
    """Within a slot the nonce does not change; the next slot has another."""
    slot = 1_800_000_000 // nonce.SLOT * nonce.SLOT
    assert nonce.make(KEY, slot) == nonce.make(KEY, slot + nonce.SLOT - 0.01)
    assert nonce.make(KEY, slot) != nonce.make(KEY, slot + nonce.SLOT)
