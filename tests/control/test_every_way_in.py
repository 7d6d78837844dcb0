"""Every use case has an operation of the admin API, a command, and keys of a document or a reason why it has none."""

from __future__ import annotations

import inspect
import re

from tests.control import ways_in
from tests.control.ways_in import OPERATIONS, USE_CASES, commands, rows
from tests.docs.test_configuration import documented

ROWS = rows()
#: Sections of a document that are whole: what they hold is told in the page of the configuration.
WHOLE = (
    "apis[]",
    "plans[]",
    "authorization_server",
    "roles[]",
    "groups[]",
    "projects[]",
    "operator_roles[]",
    "webhooks[]",
    "clients[]",
    "environments[].identity_providers[]",
)


def test_every_use_case_has_an_operation_and_a_command() -> None:
    """Or a reason why not, and never both."""
    wrong = [
        f"{row.use_case}: {way}"
        for row in ROWS
        for way, found in (("operation", row.operations), ("command", row.commands), ("key", row.keys))
        if bool(found) == (way in row.reasons)
    ]
    assert wrong == []


def test_every_operation_and_every_command_is_of_a_use_case() -> None:
    """Or a reason says what it is of instead."""
    operations = OPERATIONS.keys() - {each for row in ROWS for each in row.operations}
    assert operations == ways_in.READ_ELSEWHERE.keys()
    ours = commands().keys() - {each for row in ROWS for each in row.commands}
    assert ours == ways_in.AT_THE_MACHINE.keys()


def test_every_key_is_of_a_use_case_and_every_key_named_exists() -> None:
    """Sections below those that are whole are part of them."""
    known = {
        f"{section}.{key}" if section != "(document)" else key
        for section, keys in documented().items()
        for key in keys
    } | documented().keys()
    named = {key for keys in ways_in.DECLARED.values() for key in keys if " " not in key}
    assert named <= known, named - known
    covered = (*named, *WHOLE)
    sections = {
        "apis",
        "plans",
        "roles",
        "groups",
        "projects",
        "operator_roles",
        "webhooks",
        "clients",
        "applications",
    }
    left = {
        key
        for key in known - sections - {"(document)", "environments[]", "applications[]"}
        if not any(key == each or key.startswith((f"{each}.", f"{each}[")) for each in covered)
    }
    assert left == {"applications[].subscriptions"}, left


def test_every_command_writes_json() -> None:
    """But for the one that goes on for ever, and the one whose output is JSON anyway."""
    without = {
        words for words, command in commands().items() if "json_" not in inspect.signature(command).parameters
    }
    assert without == {"serve", "audit export"}


def test_no_reason_is_left_over() -> None:
    """Each is that of something there is."""
    names = {name.removeprefix("wardgate.") for name in USE_CASES}
    for known in (ways_in.INSIDE, ways_in.MACHINE, ways_in.NO_COMMAND, ways_in.DECLARED):
        assert known.keys() <= names
    for prefix in ways_in.NOT_DECLARED:
        assert any(re.match(rf"{re.escape(prefix)}(\.|$)", name) for name in names - ways_in.DECLARED.keys())


def test_the_search_finds_what_there_is() -> None:
    """Were it to find too much, or nothing, the tests above would be content with everything."""
    found = {row.use_case: row for row in ROWS}
    row = found["control.catalogue.switch_off"]
    assert (row.operations, row.commands) == (("switch_api_off",), ("apis off",))
    row = found["control.apply.apply_document"]
    assert (row.operations, row.commands) == (("plan_document", "apply_documents"), ("plan", "apply"))
    row = found["identity.people.manage_users.outbox"]
    assert (row.operations, row.commands) == ((), ("users outbox",))
    assert len(ROWS) > 130
