"""No use case works for whoever holds nothing: every one there is, found by looking for them, is called by such an actor."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

import wardgate.control
import wardgate.identity
from wardgate.control.errors import ForbiddenError, NotFoundError
from wardgate.domain.access import Group
from wardgate.domain.actor import Actor
from wardgate.domain.document import Document
from wardgate.domain.limit import Limit
from wardgate.domain.secret import Secret
from wardgate.domain.settings import ServerSettings
from wardgate.storage.database import SqlStore
from wardgate.web.identity_server import build_server

#: Modules of ``identity`` that operators' use cases are in, besides those called ``manage_...``.
ALSO = frozenset(("check_provider", "operator_sign_on"))
#: What takes a store or server and is no use case of an operator, and why.
EXEMPT = {
    "wardgate.control.operators.authenticate.authenticate": "it finds out who acts",
    "wardgate.control.leaks.report": "for a scanner, by its signature; it notes what is ours and no more",
    "wardgate.control.leaks.settle": "a job: the installation does what environments say",
    "wardgate.control.promote.carry_out_due": "a job: the installation does what was decided",
    "wardgate.identity.operator_sign_on.metadata": "a public document",
}
#: Who asked for something may see it and take it back without more; of others' nobody is told that it is there.
HIDES = frozenset(
    (
        "wardgate.control.access.show",
        "wardgate.control.access.withdraw",
        "wardgate.control.effective_view.effective_view",
        "wardgate.control.subscriptions.change",
        "wardgate.control.subscriptions.show",
    )
)
NOBODY = Actor(kind="user", id="usr_nobody", name="nobody")
#: Good values by the name of a parameter; of others by the first word of the annotation.
BY_NAME: dict[str, Any] = {
    "preset": "generic",
    "issuer": "https://id.example.com",
    "kind": "user",
    "limits": (Limit(kind="rate", amount=1, per="minute"),),
    "overlap": 0.0,
    "document": Document(),
    "group": Group(name="staff"),
    "settings": {},
    "clock": lambda: 1_790_000_000.0,
}
BY_TYPE: dict[str, Any] = {
    "str": "x",
    "bytes": b"x",
    "Secret": Secret("x"),
    "int": 1,
    "float": 1.0,
    "bool": False,
    "Mapping[str,": {},
    "dict[str,": {},
    "Sequence[str]": ["x"],
    "Collection[str]": ["x"],
    "tuple[str,": (),
    "list[str]": [],
}


def use_cases() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every use case by its full name."""
    for package in (wardgate.control, wardgate.identity):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            name = found.name.rpartition(".")[2]
            if package is wardgate.identity and not (name.startswith("manage_") or name in ALSO):
                continue
            module = import_module(found.name)
            for called, function in inspect.getmembers(module, inspect.iscoroutinefunction):
                names = list(inspect.signature(function).parameters)
                public = function.__module__ == module.__name__ and not called.startswith("_")
                if public and names[:1] in (["store"], ["server"]) and "tx" not in names:
                    yield f"{module.__name__}.{called}", function


USE_CASES = dict(use_cases())


def arguments(function: Callable[..., Any]) -> tuple[list[Any], dict[str, Any]]:
    """What to call it with besides its first argument: everything that has no default."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for each in list(inspect.signature(function).parameters.values())[1:]:
        if each.default is not inspect.Parameter.empty:
            continue
        value = (
            BY_NAME[each.name] if each.name in BY_NAME else BY_TYPE[str(each.annotation).partition(" ")[0]]
        )
        if each.kind is inspect.Parameter.KEYWORD_ONLY:
            named[each.name] = value
        else:
            positional.append(value)
    return positional, named


@pytest.mark.parametrize("name", sorted(USE_CASES.keys() - EXEMPT.keys()))
async def test_a_use_case_asks_for_a_permission(store: SqlStore, name: str) -> None:
    """Before it looks for anything or does anything, it refuses who holds nothing."""
    function = USE_CASES[name]
    acting = store.acting(NOBODY)
    first: Any = acting
    if next(iter(inspect.signature(function).parameters)) == "server":
        settings = ServerSettings(data_dir=str(store.data_dir), issuer="https://id.example.com")
        first = build_server(settings, acting)
    positional, named = arguments(function)
    if name.endswith("manage_providers.add"):
        named["issuer"] = BY_NAME["issuer"]
    with pytest.raises(NotFoundError if name in HIDES else ForbiddenError):
        await function(first, *positional, **named)


def test_the_search_finds_what_there_is() -> None:
    """Were it to find nothing, the test above would be content with everything."""
    assert {
        "wardgate.control.keys.issue",
        "wardgate.control.operators.grants.grant",
        "wardgate.identity.manage_clients.add",
        "wardgate.identity.people.manage_users.reset",
        "wardgate.identity.federation.manage_providers.add",
        "wardgate.identity.federation.check_provider.check",
    } <= USE_CASES.keys()
    assert EXEMPT.keys() | HIDES <= USE_CASES.keys()
