"""How a command ends: its exit status, and what is said on standard error when it is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

from wardgate.control.errors import ControlError
from wardgate.domain.document import DocumentError, Problem

DONE, REFUSED, USAGE = 0, 1, 2


class CommandError(Exception):
    """A command was refused; ``code`` is stable, ``message`` names the thing, ``remedy`` says what to do. ``problems`` say
    what is wrong where, if it is several things."""

    def __init__(self, code: str, message: str, remedy: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.problems = tuple(problems)


def explained(app: App, arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit status; a refusal is said on standard error, as JSON with ``--json``."""
    as_json = "--json" in arguments
    try:
        result = app(list(arguments), exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE
    except DocumentError as error:
        _say_document(error.problems, as_json)
        return REFUSED
    except (CommandError, ControlError) as error:
        if isinstance(error, CommandError) and error.problems:
            if error.code == "document_invalid":
                _say_document(error.problems, as_json)
                return REFUSED
            remedy = "; ".join(f"{each.path}: {each.message}" for each in error.problems)
            error.remedy = f"{error.remedy}: {remedy}" if error.remedy else remedy
        _say(error.code, error.message, error.remedy, as_json)
        return REFUSED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nobody is left to tell
        return REFUSED
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else DONE


def _say(code: str, message: str, remedy: str, as_json: bool) -> None:
    if as_json:
        _say_json({"code": code, "message": message, "remedy": remedy})
    else:
        text = f"{message}. {remedy}" if remedy else message
        print(f"error: {text}", file=sys.stderr)


def _say_document(found: Sequence[Problem], as_json: bool) -> None:
    if as_json:
        problems = [
            {"file": p.file, "line": p.line, "path": p.path, "message": p.message, "remedy": p.remedy}
            for p in found
        ]
        _say_json({"code": "document_invalid", "message": "the document is wrong", "problems": problems})
        return
    for problem in found:
        print(problem, file=sys.stderr)
    count = len(found)
    print(f"error: {count} problem{'s' if count != 1 else ''}; nothing was changed", file=sys.stderr)


def _say_json(error: dict[str, Any]) -> None:
    print(json.dumps({"error": error}), file=sys.stderr)
