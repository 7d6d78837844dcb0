"""A document's files as texts by name, to be sent to a server."""

from __future__ import annotations

import os
from pathlib import Path

from wardgate.control.document.sources import read_files, read_text
from wardgate.openapi.tree import Mapping, Node, Scalar, Sequence


def bundle(path: Path) -> tuple[dict[str, str], str]:
    """The settings at ``path``, a YAML file or a folder of them, with the OpenAPI documents they refer to, by names below
    one folder; and which of them is the document.

    A reference to what is not there is left for the server to refuse, with its line.

    Raises:
        DocumentError: a file cannot be read, or is no YAML.
    """
    found: dict[Path, str] = {}
    for file in read_files(path):
        own = Path(file.name).resolve()
        found[own] = read_text(own)
        for name in _references(file.tree):
            other = (file.folder / name).resolve()
            if other.is_file():
                found[other] = read_text(other)
    start = path.resolve()
    folders = [start if path.is_dir() else start.parent, *(each.parent for each in found)]
    root = Path(os.path.commonpath(folders))
    return (
        {each.relative_to(root).as_posix(): text for each, text in found.items()},
        start.relative_to(root).as_posix(),
    )


def _references(tree: Node) -> list[str]:
    """The OpenAPI documents that the APIs of a file name."""
    apis = tree.entries.get("apis") if isinstance(tree, Mapping) else None
    entries = apis.items if isinstance(apis, Sequence) else []
    named = [each.entries.get("openapi") for each in entries if isinstance(each, Mapping)]
    return [each.value for each in named if isinstance(each, Scalar) and isinstance(each.value, str)]
