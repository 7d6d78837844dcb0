"""Which path templates may match the same path."""

from __future__ import annotations

import re
from functools import lru_cache

_PARAMETER = re.compile(r"\{[^{}]+\}")


def overlap(one: str, other: str) -> bool:
    """Whether a path exists that matches both templates, as far as can be told segment by segment: never a wrong no."""
    if "{" not in one and "{" not in other:
        return one == other
    left, right = one.split("/"), other.split("/")
    return len(left) == len(right) and all(map(_meet, left, right))


@lru_cache(maxsize=4096)
def _meet(one: str, other: str) -> bool:
    if one == other:
        return True
    literal_one, literal_other = "{" not in one, "{" not in other
    if literal_one and literal_other:
        return False
    if literal_one or literal_other:
        literal, template = (one, other) if literal_one else (other, one)
        pattern = ".+".join(map(re.escape, _PARAMETER.split(template)))
        return re.fullmatch(pattern, literal, re.DOTALL) is not None
    return True
