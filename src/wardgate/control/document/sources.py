"""The files of a document: one YAML file, or a folder of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wardgate.domain.document import DocumentError, Problem
from wardgate.openapi.tree import MAX_BYTES, Mapping, Node, Scalar, Sequence, read_tree

_ENDINGS = (".yaml", ".yml")
_OPENAPI = re.compile(r"""^["']?(?:openapi|swagger)["']?[ \t]*:""", re.MULTILINE)
_ROOT = "(document)"


@dataclass(frozen=True, slots=True)
class File:
    """One file of settings: its name for problems, the folder its references start from, its tree."""

    name: str
    folder: Path
    tree: Node
    problems: tuple[Problem, ...]


def read_text(path: Path) -> str:
    """The text of a UTF-8 file of bearable size.

    Raises:
        DocumentError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MB"
            raise DocumentError((Problem(str(path), 1, _ROOT, message, "Split it into several files"),))
        return data.decode("utf-8-sig")
    except OSError as error:
        message = f"the file cannot be read ({error.strerror or type(error).__name__})"
        raise DocumentError(
            (Problem(str(path), 1, _ROOT, message, "Check its path and permissions"),)
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DocumentError(
            (Problem(str(path), line, _ROOT, "the file is not UTF-8 text", "Save it as UTF-8"),)
        ) from None


def read_files(path: Path) -> list[File]:
    """The parsed files of the document at ``path``, a folder's in the order of their names.

    In a folder, OpenAPI documents that some API refers to are left out: they are read where they are referred to.

    Raises:
        DocumentError: nothing there, or a file that is no YAML; with every file's problem.
    """
    if not path.is_dir():
        return [_parsed(path, read_text(path))]
    found = sorted(item for item in path.iterdir() if item.suffix in _ENDINGS and item.is_file())
    problems: list[Problem] = []
    files: list[File] = []
    later: list[tuple[Path, str]] = []
    for item in found:
        try:
            text = read_text(item)
            if _OPENAPI.search(text):
                later.append((item, text))
            else:
                files.append(_parsed(item, text))
        except DocumentError as error:
            problems.extend(error.problems)
    referenced = {reference for file in files for reference in _references(file)}
    for item, _ in later:
        if item.resolve() not in referenced:
            message = "this OpenAPI document is not referred to by any API of the folder"
            remedy = f"Refer to it with `openapi: ./{item.name}`, or move it elsewhere"
            problems.append(Problem(str(item), 1, _ROOT, message, remedy))
    if not files and not problems:
        message = "the folder holds no settings"
        problems.append(
            Problem(str(path), 1, _ROOT, message, "Put at least one .yaml file with `apis:` into it")
        )
    if problems:
        raise DocumentError(tuple(problems))
    return files


def _parsed(path: Path, text: str) -> File:
    tree, problems = read_tree(text, str(path))
    return File(str(path), path.parent, tree, tuple(problems))


def _references(file: File) -> set[Path]:
    apis = file.tree.entries.get("apis") if isinstance(file.tree, Mapping) else None
    found: set[Path] = set()
    for api in apis.items if isinstance(apis, Sequence) else ():
        node = api.entries.get("openapi") if isinstance(api, Mapping) else None
        if isinstance(node, Scalar) and isinstance(node.value, str) and "\0" not in node.value:
            found.add((file.folder / node.value).resolve())
    return found
