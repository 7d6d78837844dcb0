"""No API takes the place of the gateway's own paths, so none may say that it does."""

from __future__ import annotations

from collections.abc import Iterable

from wardgate.control.document.fields import Fields
from wardgate.domain.api import Resource
from wardgate.domain.reserved import reserved


def check_base_path(api: Fields, base_path: str) -> None:
    """Notes a problem where every request to ``base_path`` would be answered by the gateway."""
    taken = reserved(base_path)
    if taken is not None:
        api.problem(
            "base_path" if "base_path" in api else None,
            f"the base path {base_path!r} is the gateway's own: {taken} is answered by it on every host",
            "Mount the API elsewhere, such as `base_path: /api`",
        )


def check_operations(api: Fields, base_path: str, resources: Iterable[Resource]) -> None:
    """Notes a problem for operations whose literal path only the gateway answers."""
    if reserved(base_path) is not None:
        return
    taken = [each.name for each in resources if reserved(_literal(base_path + each.path)) is not None]
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        api.problem(
            "base_path" if "base_path" in api else "openapi",
            f"below this base path {', '.join(taken[:3])}{more} cannot be reached: the gateway answers there itself",
            "Mount the API below a base path of its own, such as `base_path: /api`",
        )


def _literal(path: str) -> str:
    """The part of a path template before its first segment with a parameter, without a slash at its end."""
    return path.partition("{")[0].rpartition("/")[0] if "{" in path else path.rstrip("/")
