"""The bounds of ``serve`` as options: the fields of ``Bounds`` with their help."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from wardgate.cli.options import BYTES, SECONDS
from wardgate.domain.settings import Bounds

BOUNDS = Group(
    "Bounds", help="What one request or connection may cost: sizes such as 32k, times such as 30s."
)

_default = Bounds()


def _help(text: str) -> Parameter:
    return Parameter(help=text, group=BOUNDS)


@Parameter(name="*", group=BOUNDS)
@dataclass(frozen=True, kw_only=True)
class BoundOptions:
    """One option for each field of ``Bounds``, with the same defaults."""

    max_header_bytes: Annotated[int, BYTES, _help("Size of a request's head.")] = _default.max_header_bytes
    max_header_count: Annotated[int, _help("Header fields of a request.")] = _default.max_header_count
    max_target_bytes: Annotated[int, BYTES, _help("Size of a request's path and query.")] = (
        _default.max_target_bytes
    )
    max_connections: Annotated[int, _help("Connections a worker holds.")] = _default.max_connections
    max_connections_per_address: Annotated[
        int, _help("Connections a worker holds for one client address.")
    ] = _default.max_connections_per_address
    header_timeout: Annotated[float, SECONDS, _help("Time a client has to send a request's head.")] = (
        _default.header_timeout
    )
    body_timeout: Annotated[float, SECONDS, _help("Time a client may pause within a body.")] = (
        _default.body_timeout
    )
    idle_timeout: Annotated[float, SECONDS, _help("Time a kept connection may wait for a request.")] = (
        _default.idle_timeout
    )
    drain_timeout: Annotated[float, SECONDS, _help("Time requests get to finish when the service stops.")] = (
        _default.drain_timeout
    )
    tunnel_idle_timeout: Annotated[float, SECONDS, _help("Time a WebSocket may be silent.")] = (
        _default.tunnel_idle_timeout
    )
    write_buffer: Annotated[int, BYTES, _help("Bytes buffered for a peer before its sender is paused.")] = (
        _default.write_buffer
    )

    def bounds(self) -> Bounds:
        """The bounds asked for."""
        return Bounds(**asdict(self))
