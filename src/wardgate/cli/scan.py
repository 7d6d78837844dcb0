"""``wardgate scan``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from wardgate.cli.errors import DONE, REFUSED, USAGE
from wardgate.cli.options import DATA_DIR, DataDir, Json
from wardgate.cli.output import printable

if TYPE_CHECKING:
    from wardgate.control.leaks import Known
    from wardgate.control.scanning import Hit

_KINDS = {"api_key": "API key", "admin_token": "operator's token", "oauth_secret": "OAuth 2.0 secret"}


def scan(
    *paths: Annotated[str, Parameter(allow_leading_hyphen=True, help="File or folder; - is standard input.")],
    history: Annotated[
        bool,
        Parameter(negative=(), help="The folders are git repositories: search all their commits instead."),
    ] = False,
    check: Annotated[
        bool,
        Parameter(
            negative=(), help="Say of each key whether the local store knows it, and whether it is good."
        ),
    ] = False,
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> int:
    """Find Wardgate keys and tokens in files.

    Prints where each is, never the key itself. The status is 1 if any was found, 2 if something could not be searched,
    else 0.
    """
    unread: list[tuple[str, str]] = []

    def note(file: str, why: str) -> None:
        unread.append((file, why))
        print(f"warning: {printable(file)} was not searched: {why}", file=sys.stderr)

    found = 0
    if check:
        hits = list(_hits(paths or (".",), history, note))
        for hit, known in zip(hits, _known(data_dir, hits), strict=True):
            _show(hit, known, json_=json_, checked=True)
        found = len(hits)
    else:
        for hit in _hits(paths or (".",), history, note):
            _show(hit, None, json_=json_, checked=False)
            found += 1
    if found:
        return REFUSED
    return USAGE if unread else DONE


def _hits(paths: tuple[str, ...], history: bool, unread: Any) -> Iterator[Hit]:
    from wardgate.control.scanning import scan_history, scan_path, scan_stream

    for path in paths:
        if path == "-":
            yield from scan_stream(sys.stdin.buffer, "-")
        elif history:
            yield from scan_history(Path(path), unread)
        else:
            yield from scan_path(Path(path), unread)


def _known(data_dir: Path, hits: list[Hit]) -> list[Known | None]:
    from wardgate.cli.store import with_store
    from wardgate.control.leaks import identify
    from wardgate.control.ports import Store

    async def use(store: Store) -> list[Known | None]:
        return [await identify(store, hit.text) for hit in hits]

    return with_store(data_dir, use)


def _show(hit: Hit, known: Known | None, *, json_: bool, checked: bool) -> None:
    if json_:
        line: dict[str, object] = {
            "file": hit.file,
            "line": hit.line,
            "column": hit.column,
            "kind": hit.kind,
            "key": hit.masked,
        }
        if checked:
            line["credential"] = None if known is None else known.credential
            line["live"] = known is not None and known.live
        print(json.dumps(line, ensure_ascii=False))
        return
    said = ""
    if checked:
        said = (
            " (not known here)"
            if known is None
            else f" ({known.credential}, {'live' if known.live else 'over'})"
        )
    print(f"{printable(hit.file)}:{hit.line}:{hit.column}: {_KINDS[hit.kind]} {hit.masked}{said}")
