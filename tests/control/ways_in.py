"""The ways in to each use case: operations of the admin API, commands, keys of documents. Found in the code that calls them.

What is declared here is only what cannot be found: which keys of a document do what a use case does, and why there is no
way where there is none. ``docs/ways-in.md`` is made from it.
"""

from __future__ import annotations

import dis
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from cyclopts import App
from tests.control.operators.test_every_use_case_asks import USE_CASES as ASKED

from wardgate.cli.main import app
from wardgate.web.admin_api.operations import Operation
from wardgate.web.admin_api.rooms import ROOMS, operations_of

OPERATIONS = {each.id: each for each in operations_of(ROOMS)}
_ENDPOINTS = {each.endpoint for each in OPERATIONS.values()}
#: What is a use case though it is no coroutine: it gives records one by one, or is told of the store by where it is.
ALSO = (
    "wardgate.control.audit.export",
    "wardgate.storage.backup.service.back_up",
    "wardgate.storage.backup.service.bring_back",
)


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


USE_CASES: dict[str, Callable[..., Any]] = ASKED | {name: _named(name) for name in ALSO}
_NAMES = {function: name for name, function in USE_CASES.items()}

#: Use cases that nobody outside calls.
INSIDE = {
    "control.audit.retained_days": "what a job keeps to",
    "control.audit.shorten": "a job: retention of environments says how much is kept",
    "control.leaks.identify": "what a scanner's endpoint asks",
    "control.leaks.report": "for scanners, by their signature",
    "control.leaks.settle": "a job: the policy of environments says what is done",
    "control.operators.authenticate.authenticate": "whose a token is",
    "control.promote.carry_out_due": "a job: what was decided, at its time",
    "identity.operator_sign_on.metadata": "a public document, for `wardgate login`",
}
#: Use cases without an operation.
MACHINE = {
    "identity.people.manage_users.outbox": "it shows links that let people in: for who is at the machine",
    "storage.backup.service.back_up": "it reads the whole database: for who is at the machine",
    "storage.backup.service.bring_back": "it replaces the whole database: for who is at the machine",
}
#: Use cases without a command of their own.
NO_COMMAND = {
    "identity.people.manage_groups.set_members": "`groups add` and `groups take-out` name whom they mean",
}
#: Operations that are no use case's.
READ_ELSEWHERE = {
    "show_me": "whose token it is; `wardgate login` says it",
    "show_top": "figures of the supervisor",
}
#: Commands that call no use case of the control plane.
AT_THE_MACHINE = {
    "serve": "it is the installation",
    "import": "it makes a document of an OpenAPI document, and needs no store",
    "explain": "the gateway's own steps, on this machine's store: it may be shown credentials",
    "scan": "it reads files of this machine",
    "logout": "it forgets what this machine keeps",
    "login": "it keeps a sign-on at this machine",
    "top": "figures of the supervisor",
    "version": "of the program",
    "tokens keys list": "of the authorization server, whose keys are made by themselves",
    "tokens keys withdraw": "it ends every token a key signed: for who is at the machine",
}
#: Keys of a document by the use case that does the same. A section stands for all that it holds.
DECLARED: dict[str, tuple[str, ...]] = {
    "control.apply.apply_document": ("apis[]", "plans[]", "authorization_server"),
    "control.environments.add": ("environments[].name", "environments[].tag"),
    "control.environments.reorder": ("environments",),
    "control.environments.mark_production": ("environments[].production",),
    "control.environments.set_settings": (
        "environments[].hosts",
        "environments[].plans",
        "environments[].plans.NAME",
        "environments[].retention",
        "environments[].token_endpoint",
        "environments[].leaks",
        "environments[].leak_overlap",
    ),
    "control.environments.set_variable": ("environments[].variables",),
    "control.environments.unset_variable": ("environments[].variables",),
    "control.catalogue.publish": ("apis[].lifecycle",),
    "control.catalogue.deprecate": ("apis[].lifecycle", "apis[].sunset", "apis[].successor"),
    "control.catalogue.retire": ("apis[].lifecycle",),
    "control.catalogue.describe": (
        "apis[].visibility",
        "apis[].groups",
        "apis[].project",
        "apis[].tags",
        "apis[].docs",
        "apis[].contact",
        "apis[].description",
    ),
    "control.applications.add": ("applications[].name",),
    "control.applications.change": ("applications[].owner", "applications[].limits"),
    "control.applications.remove": ("apply --prune",),
    "control.subscriptions.change": ("applications[].subscriptions[]",),
    "control.access.approve": ("applications[].subscriptions[]",),
    "control.rollback.withdraw": ("apply --prune",),
    "control.operators.projects.set_project": ("projects[]",),
    "control.operators.roles.set_role": ("operator_roles[]",),
    "identity.people.manage_groups.set_group": ("groups[]",),
    "identity.people.manage_groups.remove_group": ("apply --prune",),
    "identity.people.manage_groups.set_members": ("applications[].groups",),
    "identity.people.manage_groups.add_members": ("applications[].groups",),
    "identity.people.manage_groups.remove_members": ("applications[].groups",),
    "identity.people.manage_roles.put_role": ("roles[]",),
    "identity.people.manage_roles.remove_role": ("apply --prune",),
    "control.webhooks.add": ("webhooks[]",),
    "control.webhooks.change": ("webhooks[]",),
    "control.webhooks.remove": ("apply --prune",),
    "identity.federation.manage_providers.add": ("environments[].identity_providers[]",),
    "identity.federation.manage_providers.set_secret": ("environments[].identity_providers[].client_secret",),
    "identity.federation.manage_providers.remove": ("apply --prune",),
    "identity.manage_clients.add": ("clients[]",),
    "identity.manage_clients.update": ("clients[]",),
    "identity.manage_clients.remove": ("apply --prune",),
    "control.export.export_document": ("all of it",),
}
#: Why a use case that changes something is not in documents, by the use case or the module.
NOT_DECLARED = {
    "control.access": "asking and deciding is for people",
    "control.applications": "holding an application back is for the moment, not for a file that is applied again",
    "control.audit": "the trail is written by what is done",
    "control.catalogue": "the kill switch is for the moment, not for a file that is applied again",
    "control.environments.remove": "a document takes no environment away",
    "control.environments": "the values of secrets have no place in a document",
    "control.keys": "a credential is made for somebody, and shown once",
    "control.operators.grants": "who may do what is granted by a person, to a person",
    "control.operators.projects": "it ends what is granted there",
    "control.operators.roles": "it ends what is granted by it",
    "control.operators.service_accounts": "a program is let in by a person",
    "control.operators.tokens": "a credential is made for somebody, and shown once",
    "control.promote": "asking and deciding is for people",
    "control.rollback": "what is in force elsewhere changes by promotion",
    "control.verify": "it only looks",
    "control.webhooks": "messages and secrets are for the moment, not for a file that is applied again",
    "identity.federation.check_provider": "it only looks",
    "identity.federation": "holding a provider back is for the moment, not for a file that is applied again",
    "identity.manage_clients": "secrets and holding back are for the moment, not for a file that is applied again",
    "identity.manage_tokens.introspect": "it only looks",
    "identity.manage_tokens": "it ends what was issued",
    "identity.operator_sign_on": "who looks after the installation decides how they sign on",
    "identity.people.manage_users": "people are not configuration: a file that named them would bring back whoever left",
    "storage.backup": "it is a document of everything",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One use case, without ``wardgate.`` before its name, and its ways in; where there is none, ``reasons`` has the way's
    name with why."""

    use_case: str
    operations: tuple[str, ...]
    commands: tuple[str, ...]
    keys: tuple[str, ...]
    reasons: dict[str, str]


def _codes(function: Callable[..., Any]) -> Iterator[types.CodeType]:
    found = [inspect.unwrap(function).__code__]
    while found:
        code = found.pop()
        yield code
        found += [each for each in code.co_consts if isinstance(each, types.CodeType)]


def _named_in(function: Callable[..., Any]) -> tuple[list[Any], set[str]]:
    """What the code of ``function`` names, of a module or by an import of its own too, and the names of attributes."""
    found: list[Any] = []
    attributes: set[str] = set()
    own: dict[str, Any] = {}
    for code in _codes(function):
        imported, before = "", None
        for step in dis.get_instructions(code):
            name = str(step.argval)
            if step.opname == "IMPORT_NAME":
                imported = name
            elif step.opname == "IMPORT_FROM":
                before = getattr(import_module(imported), name, None)
                if before is None and imported.startswith("wardgate."):
                    before = import_module(f"{imported}.{name}")
                own[name] = before
                found.append(before)
            elif step.opname.startswith(("LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF")):
                before = own.get(name, function.__globals__.get(name))
                found.append(before)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                attributes.add(name)
                before = getattr(before, name, None) if isinstance(before, types.ModuleType) else None
                found.append(before)
    return found, attributes


def _reached(
    function: Callable[..., Any], room: str, stops: set[Callable[..., Any]]
) -> tuple[set[Callable[..., Any]], set[str]]:
    """The functions that ``function`` names, and the attributes; also by way of others below ``room`` but for ``stops``."""
    functions: set[Callable[..., Any]] = set()
    attributes: set[str] = set()
    seen: set[Callable[..., Any]] = set()
    waiting = [inspect.unwrap(function)]
    while waiting:
        each = waiting.pop()
        if each in seen or not isinstance(each, types.FunctionType):
            continue
        seen.add(each)
        found, own = _named_in(each)
        attributes |= own
        for called in found:
            if not inspect.isroutine(called):
                continue
            plain = inspect.unwrap(called)
            functions.add(plain)
            if getattr(plain, "__module__", "").startswith(room) and plain not in stops:
                waiting.append(plain)
    return functions, attributes


def use_cases_of(operation: Operation) -> set[str]:
    """The use cases that an operation carries out; showing what it changed is not one of them."""
    functions, _ = _reached(
        operation.endpoint, operation.endpoint.__module__, _ENDPOINTS - {operation.endpoint}
    )
    return {_NAMES[each] for each in functions if each in _NAMES}


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by its words; an alias is left out."""
    found: dict[str, Callable[..., Any]] = {}

    def walk(at: App, words: tuple[str, ...]) -> None:
        for name in at:
            if name.startswith("-") or (not words and name == "applications"):
                continue
            inner = at[name]
            walk(inner, (*words, name))
            if inner.default_command is not None:
                found[" ".join((*words, name))] = inner.default_command

    walk(app, ())
    return found


def operations_in(command: Callable[..., Any]) -> tuple[set[str], set[str]]:
    """The operations a command asks for, and the use cases it carries out itself. What it looks at before it changes
    something does not count."""
    functions, names = _reached(command, "wardgate.cli", set())
    asked = {each for each in OPERATIONS if each in names}
    changing = {each for each in asked if OPERATIONS[each].changes}
    return changing or asked, {_NAMES[each] for each in functions if each in _NAMES}


def _reason(name: str, known: dict[str, str]) -> str:
    """The reason of the longest name in ``known`` that ``name`` begins with."""
    fitting = [each for each in known if name == each or name.startswith(f"{each}.")]
    return known[max(fitting, key=len)] if fitting else ""


def rows() -> list[Row]:
    """Every use case that somebody calls."""
    by_operation = {each.id: use_cases_of(each) for each in OPERATIONS.values()}
    shown = {
        each
        for operation, reached in by_operation.items()
        for each in reached
        if not OPERATIONS[operation].changes
    }
    by_operation = {
        operation: reached - shown if OPERATIONS[operation].changes else reached
        for operation, reached in by_operation.items()
    }
    by_command = {words: operations_in(command) for words, command in commands().items()}
    found = []
    for full in sorted(USE_CASES):
        name = full.removeprefix("wardgate.")
        if name in INSIDE:
            continue
        operations = tuple(each for each, reached in by_operation.items() if full in reached)
        own = tuple(
            words
            for words, (asked, direct) in by_command.items()
            if full in direct or asked.intersection(operations)
        )
        looks = bool(operations) and not any(OPERATIONS[each].changes for each in operations)
        reasons = {
            "operation": MACHINE.get(name, ""),
            "command": NO_COMMAND.get(name, ""),
            "key": "" if name in DECLARED else "it only looks" if looks else _reason(name, NOT_DECLARED),
        }
        found.append(
            Row(
                use_case=name,
                operations=operations,
                commands=own,
                keys=DECLARED.get(name, ()),
                reasons={way: why for way, why in reasons.items() if why},
            )
        )
    return found
