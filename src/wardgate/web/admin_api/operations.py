"""Declares the operations of the admin API. There is no other way to become reachable."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import BaseModel

from wardgate.domain.permission import PERMISSIONS, Permission
from wardgate.web.admin_api.models import Page, Thing

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
#: ``self``: what everybody may do about themselves.
Needed = Permission | Literal["self"]
Endpoint = Callable[..., Coroutine[Any, Any, Any]]
E = TypeVar("E", bound=Endpoint)

_VARIABLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. ``id`` is ``<verb>_<thing>`` and names it for clients.

    ``answers`` is the model of a success (``None``: no content, or what ``produces`` says), ``guard`` the endpoint that
    shows the thing this one changes: its ETag must be the one in ``If-Match``. ``creates``: ``guard`` may find nothing,
    when the request says ``If-None-Match: *``. ``refuses`` are statuses it may answer besides those that follow from the
    rest. ``together``: all it does is one transaction.
    """

    method: Method
    path: str
    id: str
    permission: Needed
    endpoint: Endpoint
    tag: str
    status: int = 200
    answers: type[BaseModel] | None = None
    produces: str = ""
    guard: Endpoint | None = None
    creates: bool = False
    refuses: frozenset[int] = frozenset()
    together: bool = True
    action: str = ""
    location: Callable[[Any], str] | None = None

    @property
    def changes(self) -> bool:
        """Whether it is more than a look."""
        return self.method != "GET"

    @property
    def idempotency(self) -> bool:
        """Whether it takes an ``Idempotency-Key``; the other methods are idempotent by themselves."""
        return self.method == "POST"

    @property
    def tagged(self) -> bool:
        """Whether its answers carry an ETag."""
        return self.answers is not None and issubclass(self.answers, Thing)

    @property
    def paged(self) -> bool:
        """Whether it answers a part of a list."""
        return self.answers is not None and issubclass(self.answers, Page)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variable segments of its path."""
        return tuple(_VARIABLE.findall(self.path))

    @property
    def audited(self) -> str:
        """What the audit trail calls it: ``key.revoke`` of ``revoke_key``."""
        verb, _, thing = self.id.partition("_")
        return self.action or f"{thing}.{verb}"


class Operations:
    """The operations of one room; ``tag`` groups them in the document. See the package's docstring for how to use it."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Operation] = []

    def get(
        self,
        path: str,
        *,
        permission: Needed,
        refuses: Iterable[int] = (),
        produces: str = "",
        action: str = "",
    ) -> Callable[[E], E]:
        """Shows something: a :class:`Thing` (404 is declared where the path has variables), or a :class:`Page`."""
        also = {404} if _VARIABLE.search(path) else set()
        return self._declare(
            "GET", path, permission, refuses={*refuses, *also}, produces=produces, action=action
        )

    def post(
        self,
        path: str,
        *,
        permission: Needed,
        status: int = 201,
        guard: Endpoint | None = None,
        refuses: Iterable[int] = (),
        together: bool = True,
        action: str = "",
        location: Callable[[Any], str] | None = None,
    ) -> Callable[[E], E]:
        """Adds something, or acts on what ``guard`` shows (give ``status=200`` then). Takes ``Idempotency-Key``."""
        return self._declare(
            "POST",
            path,
            permission,
            status=status,
            guard=guard,
            refuses={*refuses, 404, 409},
            together=together,
            action=action,
            location=location,
        )

    def put(
        self,
        path: str,
        *,
        permission: Needed,
        guard: Endpoint,
        creates: bool = False,
        refuses: Iterable[int] = (),
        action: str = "",
    ) -> Callable[[E], E]:
        """Replaces what ``guard`` shows, or with ``creates`` adds it."""
        return self._declare(
            "PUT",
            path,
            permission,
            guard=guard,
            creates=creates,
            refuses={*refuses, 404, 409},
            action=action,
        )

    def patch(
        self,
        path: str,
        *,
        permission: Needed,
        guard: Endpoint,
        refuses: Iterable[int] = (),
        action: str = "",
    ) -> Callable[[E], E]:
        """Changes the fields given of what ``guard`` shows."""
        return self._declare(
            "PATCH", path, permission, guard=guard, refuses={*refuses, 404, 409}, action=action
        )

    def delete(
        self,
        path: str,
        *,
        permission: Needed,
        guard: Endpoint,
        refuses: Iterable[int] = (),
        action: str = "",
    ) -> Callable[[E], E]:
        """Removes what ``guard`` shows; answers 204."""
        return self._declare(
            "DELETE", path, permission, status=204, guard=guard, refuses={*refuses, 404, 409}, action=action
        )

    def _declare(
        self,
        method: Method,
        path: str,
        permission: Needed,
        *,
        refuses: set[int],
        status: int = 200,
        produces: str = "",
        **rest: Any,
    ) -> Callable[[E], E]:
        def declare(endpoint: E) -> E:
            returned = get_type_hints(endpoint).get("return")
            model = isinstance(returned, type) and issubclass(returned, BaseModel)
            if not produces and not model and returned is not type(None):
                raise TypeError(
                    f"{endpoint.__qualname__} must be annotated to return a model, or say what it produces"
                )
            self.all.append(
                Operation(
                    method=method,
                    path=path,
                    id=endpoint.__name__,
                    permission=permission,
                    endpoint=endpoint,
                    tag=self.tag,
                    status=status if model or produces else 204,
                    answers=returned if model else None,
                    produces=produces,
                    refuses=frozenset(refuses),
                    **rest,
                )
            )
            return endpoint

        return declare


def check(operations: Iterable[Operation]) -> None:
    """Returns when every operation is sound.

    Raises:
        TypeError: one has no known permission, its id is not ``verb_thing``, or two have one id.
    """
    seen: set[str] = set()
    for each in operations:
        if each.permission != "self" and each.permission not in PERMISSIONS:
            raise TypeError(f"{each.id} needs the permission {each.permission!r}, which there is not")
        if each.id in seen or "_" not in each.id:
            raise TypeError(f"{each.id} must be the only operation of that id, of the form verb_thing")
        seen.add(each.id)
