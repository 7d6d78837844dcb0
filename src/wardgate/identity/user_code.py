"""The code a person types where a device shows it (RFC 8628 section 6.1): eight consonants, so that it spells nothing."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8


def new_user_code(random_bytes: Callable[[int], bytes]) -> str:
    """A fresh code as people read it, ``XXXX-XXXX``: 34 bits, each letter equally likely."""
    letters: list[str] = []
    while len(letters) < LENGTH:
        # 20 * 12 = 240: rejecting the highest values keeps every letter equally likely.
        letters.extend(ALPHABET[byte % 20] for byte in random_bytes(LENGTH * 2) if byte < 240)
    return f"{''.join(letters[:4])}-{''.join(letters[4:LENGTH])}"


def normal_user_code(text: str) -> str | None:
    """What was typed, as codes are compared and stored (upper case, letters only); ``None`` for what is none.

    Case, spaces and punctuation do not matter (section 6.1).
    """
    letters = "".join(letter for letter in text.upper() if letter.isalnum()) if len(text) <= 64 else ""
    return letters if len(letters) == LENGTH and all(letter in ALPHABET for letter in letters) else None
