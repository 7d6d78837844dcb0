"""A document that came as texts by name instead of files."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from wardgate.control.document.load import ClientProblem, ProviderProblem, load, no_problem
from wardgate.control.errors import InvalidError
from wardgate.domain.document import Document, DocumentError, Problem

MOST_FILES = 10_000
_LONGEST_PART = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]")


def load_uploaded(
    files: Mapping[str, str],
    document: str = ".",
    client_problem: ClientProblem = no_problem,
    provider_problem: ProviderProblem = no_problem,
) -> Document:
    """The document in ``files``, by their names with ``/`` between folders. ``document`` is the one that is read, or the
    folder of them (``.``: the outermost). References lead to ``files`` only, never to what this machine has.
    ``client_problem`` and ``provider_problem`` are those of :func:`load`.

    Raises:
        InvalidError: a name cannot be one of a file, or ``document`` is none of them.
        DocumentError: something is wrong with it; problems name the files as given.
    """
    if len(files) > MOST_FILES:
        raise InvalidError("files", f"{len(files)} files are too many", f"Send at most {MOST_FILES}")
    names = {name: _checked(name) for name in files}
    main = PurePosixPath(".") if document in ("", ".") else _checked(document)
    if document not in ("", ".") and not any(each == main or main in each.parents for each in names.values()):
        raise InvalidError("document", "The document is none of the files", "Name one of `files`")
    with tempfile.TemporaryDirectory(prefix="wardgate-") as place:
        root = Path(place).resolve()
        for name, text in files.items():
            _write(root / names[name], text)
        try:
            return load(
                root / main, within=root, client_problem=client_problem, provider_problem=provider_problem
            )
        except DocumentError as error:
            raise DocumentError(tuple(_named(problem, root) for problem in error.problems)) from None


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    parts = path.parts
    if (
        not parts
        or path.is_absolute()
        or _UNPRINTABLE.search(name)
        or any(part == ".." or len(part.encode("utf-8", "replace")) > _LONGEST_PART for part in parts)
        or len(parts) > 20
    ):
        raise InvalidError(
            "file", "A file has a name that cannot be", "Use relative names such as apis/orders.openapi.yaml"
        )
    return path


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidError(
            "file",
            "The files cannot be kept while they are read",
            "Give no file the name of a folder, and see that the server has space for temporary files",
        ) from error


def _named(problem: Problem, root: Path) -> Problem:
    """``problem`` with files called as they came."""

    def shown(text: str) -> str:
        return text.replace(f"{root}/", "").replace(str(root), ".")

    return replace(
        problem,
        file=shown(problem.file),
        message=shown(problem.message),
        remedy=shown(problem.remedy),
    )
