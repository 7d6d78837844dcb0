"""``wardgate top``: the most trafficked resources and the heaviest callers, live."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from wardgate.cli.connect import HERE, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.options import ENVIRONMENT, SECONDS, Environment, Json
from wardgate.cli.output import print_json, printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from wardgate.client import models


#: Columns from which on everything is shown; output to a file or pipe is as wide.
_WIDE = 130


def top(
    *,
    minutes: Annotated[int, Parameter(help="How many minutes to look at, the current one included.")] = 5,
    limit: Annotated[int, Parameter(help="Lines of each table.")] = 10,
    interval: Annotated[float, SECONDS, Parameter(help="Time between two looks.")] = 1.0,
    once: Annotated[bool, Parameter(negative=(), help="Look once and end.")] = False,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Show the most trafficked resources and the heaviest callers of the last minutes, until Ctrl-C.

    With --json one document is written and the command ends.
    """
    if minutes < 1 or limit < 1 or interval <= 0:
        raise CommandError("top_invalid", "--minutes, --limit and --interval must be positive")
    with client_for(where, environment=environment) as client:

        def look() -> models.TrafficTop:
            return client.show_top(minutes=minutes, limit=limit, environment=environment)

        if json_:
            print_json(_json(look()))
        else:
            _show(look, None if once else interval)


def _show(look: Callable[[], models.TrafficTop], interval: float | None) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)

    def picture() -> Group:
        return _picture(look(), wide=console.width >= _WIDE)

    if interval is None:
        console.print(picture())
        return
    try:
        with Live(picture(), console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                time.sleep(interval)
                live.update(picture(), refresh=True)
    except KeyboardInterrupt:
        return


def _picture(found: models.TrafficTop, *, wide: bool) -> Group:
    from rich.console import Group

    title = f"{found['environment']}, last {found['seconds']:.0f} s"
    return Group(
        _table(f"Resources ({title})", "RESOURCE", found["resources"], wide=wide),
        _table("Callers", "APPLICATION", found["applications"], wide=wide),
    )


def _table(title: str, name: str, lines: list[models.TrafficLine], *, wide: bool) -> Table:
    """The lines under their heads; a narrow terminal gets the first columns only."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(name, overflow="ellipsis", no_wrap=True)
    for head in ("REQUESTS", "PER S", "ERRORS", "P50", "P95", *(("IN", "OUT") if wide else ())):
        table.add_column(head, justify="right", no_wrap=True)
    if wide:
        table.add_column("ERRORS ARE MOSTLY", overflow="ellipsis", no_wrap=True)
    for line in lines:
        cells = [
            str(line["requests"]),
            f"{line['rate']:.1f}",
            f"{line['error_share']:.0%}",
            _milliseconds(line["p50"]),
            _milliseconds(line["p95"]),
        ]
        if wide:
            mostly = ", ".join(f"{outcome} {count}" for outcome, count in [*line["outcomes"].items()][:2])
            cells += [_bytes(line["bytes_in"]), _bytes(line["bytes_out"]), mostly]
        table.add_row(Text(printable(f"{line['api']} {line['name']}".strip())), *cells)
    return table


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _json(found: models.TrafficTop) -> dict[str, Any]:
    return {
        **found,
        "resources": [_line(line) for line in found["resources"]],
        "applications": [_line(line) for line in found["applications"]],
    }


def _line(line: models.TrafficLine) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "error_share"}
