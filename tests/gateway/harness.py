"""A real worker on a free port, between raw client sockets and raw upstream sockets, over a real store."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.storage.samples import application, document, entry, source_of
from tests.telemetry.rows import named

from wardgate.control.apply import apply_document
from wardgate.control.keys import issue
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.settings import Bounds, Listener, ServerSettings
from wardgate.domain.upstream import Upstream as UpstreamSettings
from wardgate.gateway.connection import ClientConnection
from wardgate.gateway.ports import IssuerDesk, ReplayDesk
from wardgate.gateway.worker import Worker
from wardgate.limits.authority import Authority
from wardgate.limits.client import LimitClient
from wardgate.storage.database import SqlStore
from wardgate.storage.reader import SqliteSource
from wardgate.telemetry.access_log import AccessLog
from wardgate.telemetry.recorder import Recorder

ENVIRONMENT = "development"
RESOURCES = ("GET /items", "GET /items/{id}", "HEAD /head", "POST /items", "PUT /items/{id}", "GET /socket")
#: Room for everything, and at most two requests at once.
TWO_AT_ONCE = Plan(name="free", limits=(Limit(kind="concurrency", amount=2),))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as a client reads it; ``body`` without its framing."""

    status: int
    head: bytes
    body: bytes

    @property
    def reason(self) -> str:
        """The reason a rejection gives its client."""
        return str(json.loads(self.body)["reason"])

    def value(self, name: str) -> str | None:
        """The value of a field that stands once."""
        found = [
            line.partition(b":")[2].strip().decode()
            for line in self.head.split(b"\r\n")[1:]
            if line.partition(b":")[0].lower() == name.lower().encode()
        ]
        assert len(found) < 2, f"{name} stands {len(found)} times"
        return found[0] if found else None


class Wire:
    """One raw connection, either end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *parts: bytes) -> None:
        """Writes ``parts`` at once."""
        self.writer.write(b"".join(parts))

    def half_close(self) -> None:
        """Sends no more, but reads on."""
        self.writer.write_eof()

    def close(self) -> None:
        """Closes both ways."""
        self.writer.close()

    def reset(self) -> None:
        """Ends the connection with a reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    async def until(self, end: bytes) -> bytes:
        """Everything up to ``end``, and that."""
        return await asyncio.wait_for(self.reader.readuntil(end), 5)

    async def head(self) -> bytes:
        """The next head, with its empty line."""
        return await self.until(b"\r\n\r\n")

    async def exactly(self, count: int) -> bytes:
        """So many bytes."""
        return await asyncio.wait_for(self.reader.readexactly(count), 5)

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        return await asyncio.wait_for(self.reader.read(), 5)

    async def silent(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for a while."""
        try:
            got = await asyncio.wait_for(self.reader.read(1), seconds)
        except TimeoutError:
            return True
        raise AssertionError(f"not silent: {got!r} and {bytes(self.reader._buffer)!r}")  # type: ignore[attr-defined]

    async def answer(self, method: str = "GET") -> Answer:
        """The next final answer."""
        head = await self.head()
        status = int(head.split()[1])
        answer = Answer(status, head, b"")
        if status < 200 or method == "HEAD" or status in (204, 304):
            return answer
        if (answer.value("transfer-encoding") or "") == "chunked":
            body = b""
            while size := int(await self.until(b"\r\n"), 16):
                body += await self.exactly(size)
                assert await self.exactly(2) == b"\r\n"
            while await self.until(b"\r\n") != b"\r\n":
                pass
            return replace(answer, body=body)
        length = answer.value("content-length")
        if length is None:
            return replace(answer, body=await self.rest())
        return replace(answer, body=await self.exactly(int(length)))


async def closed(wires: Iterable[Wire]) -> None:
    """Ends every connection, and lets the loop notice."""
    for wire in wires:
        wire.writer.transport.abort()
    for _ in range(3):
        await asyncio.sleep(0)


class Upstream:
    """A listening socket whose connections a test plays by hand."""

    def __init__(self) -> None:
        self._accepted: asyncio.Queue[Wire] = asyncio.Queue()
        self.wires: list[Wire] = []
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Upstream]:
        """Accepts while the block runs."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await closed(self.wires)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        self.wires.append(wire)
        self._accepted.put_nowait(wire)

    async def accept(self) -> Wire:
        """The next connection of the gateway."""
        return await asyncio.wait_for(self._accepted.get(), 5)

    @property
    def url(self) -> str:
        """The target to set."""
        return f"http://127.0.0.1:{self.port}"


class Gateway:
    """A worker serving one API, ``orders/v1``, and what it is wired to."""

    def __init__(self, data_dir: Path, store: SqlStore, source: SqliteSource, key: str) -> None:
        self.data_dir = data_dir
        self.store = store
        self.source = source
        self.key = key
        self.port = 0
        self.worker: Worker
        self.recorder = Recorder(ENVIRONMENT)
        self.authority = Authority()
        self.limits = LimitClient(self._ask, time.monotonic, time.time)
        #: While true, what the authority says waits in ``held``.
        self.hold = False
        self.held: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []
        self.wires: list[Wire] = []

    def _ask(self, message: dict[str, Any]) -> None:
        # As over the hub: never within the call.
        wire = json.dumps(message)
        asyncio.get_running_loop().call_soon(self._deliver, wire)

    def _deliver(self, wire: str) -> None:
        reply = self.authority.handle(1, json.loads(wire), time.monotonic(), time.time())
        if reply is None:
            return
        if self.hold:
            self.held.append(reply)
        else:
            self.limits.on_message(reply)

    def let_go(self) -> None:
        """Hands out what the authority said meanwhile."""
        self.hold = False
        held, self.held = self.held, []
        for reply in held:
            self.limits.on_message(reply)

    async def connect(self, tls: ssl.SSLContext | None = None) -> Wire:
        """A new client connection."""
        name = "localhost" if tls is not None else None
        wire = Wire(
            *await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=tls, server_hostname=name, limit=1 << 18
            )
        )
        self.wires.append(wire)
        return wire

    def request(
        self,
        method: str = "GET",
        path: str = "/items",
        *lines: bytes,
        body: bytes = b"",
        version: bytes = b"1.1",
        key: str | None = None,
    ) -> bytes:
        """A request of the application; ``lines`` are further fields without CRLF."""
        presented = self.key if key is None else key
        fields = [b"Host: api.test", *([b"X-API-Key: " + presented.encode()] if presented else []), *lines]
        if body:
            fields.append(b"Content-Length: %d" % len(body))
        start = b"%b /orders/v1%b HTTP/%b" % (method.encode(), path.encode(), version)
        return b"\r\n".join([start, *fields, b"", body])

    async def call(self, *args: Any, **named: Any) -> Answer:
        """A request on a connection of its own."""
        wire = await self.connect()
        wire.send(self.request(*args, **named))
        answer = await wire.answer(args[0] if args else "GET")
        wire.close()
        return answer

    def recorded(self) -> list[tuple[str, int, str]]:
        """Resource, status and reason of every exchange recorded so far, each as often as it was."""
        while (message := self.recorder.drain()) is not None and message["rows"]:
            self._rows += named(message["rows"])
        return sorted(
            (row["resource"], row["status"], row["reason"]) for row in self._rows for _ in range(row["count"])
        )

    @property
    def reasons(self) -> list[str]:
        """Just the reasons of :meth:`recorded`."""
        return sorted(reason for _, _, reason in self.recorded())

    @property
    def in_flight(self) -> int:
        """Requests counted as in flight at any target."""
        return sum(target.state.in_flight for pool in self.worker.pools() for target in pool.targets)

    @property
    def slots(self) -> int:
        """Concurrency permits in use."""
        return sum(cell.busy for limits in self.limits._sets.values() for cell in limits._permits)

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        """Returns once ``condition`` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            await asyncio.sleep(0.005)

    async def clogged(self, client: Wire) -> ClientConnection:
        """The gateway's end of its only client, which reads nothing from now on: 240 kB of an answer do not fit."""
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await self.until(lambda: self.worker.connections)
        (connection,) = self.worker.connections
        sock: socket.socket = connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.transport.set_write_buffer_limits(high=1000)
        return connection

    async def at_rest(self) -> None:
        """Returns once nothing is in flight anywhere; fails if something was leaked."""
        await self.until(lambda: self.in_flight == 0)
        await self.until(lambda: self.slots == 0)
        for pool in self.worker.pools():
            assert not pool._waiting
            idle = sum(len(target.idle) for target in pool.targets)
            assert len(pool.connections) == idle, "a connection is neither used nor idle"
            assert pool._opening == 0

    async def apply(self, *apis: ApiEntry, plans: Iterable[Plan] = (TWO_AT_ONCE,)) -> None:
        """Deploys ``apis``; the worker follows the feed as if it was woken."""
        await apply_document(self.store, document(apis, plans), ENVIRONMENT, "test", "")
        self.worker.on_wake()


def orders(*targets: str, resources: tuple[str, ...] = RESOURCES, **changes: Any) -> ApiEntry:
    """The API ``orders/v1`` at these targets; ``upstream_*`` set its upstream, the rest its own fields."""
    made = entry(targets=targets, resources=resources)
    upstream = {name[9:]: changes.pop(name) for name in list(changes) if name.startswith("upstream_")}
    api = replace(made.api, upstream=UpstreamSettings(targets=targets, **upstream), **changes)
    return replace(made, api=api)


@asynccontextmanager
async def serving(
    store: SqlStore,
    *apis: ApiEntry,
    plans: Iterable[Plan] = (TWO_AT_ONCE,),
    bounds: Bounds | None = None,
    tls: bool = False,
    issuers: IssuerDesk | None = None,
    replay: ReplayDesk | None = None,
    **settings: Any,
) -> AsyncIterator[Gateway]:
    """A gateway serving ``apis``, with an application ``mobile`` subscribed to each of them on the plan ``free``, if
    they offer plans."""
    names = {each.api.name: "free" if each.api.plans else None for each in apis}
    await apply_document(
        store, document(apis, plans, [application("mobile", **names)]), ENVIRONMENT, "test", ""
    )
    _, key = await issue(store, application="mobile", environment=ENVIRONMENT)
    source = source_of(store)
    gateway = Gateway(store.data_dir, store, source, key.reveal().decode())
    log = AccessLog(str(store.data_dir / "access.log"), ENVIRONMENT)
    made = ServerSettings(
        data_dir=str(store.data_dir),
        bounds=bounds or Bounds(),
        listeners=(Listener(port=0),),
        **settings,
    )
    worker = gateway.worker = Worker(
        made, source, gateway.limits, gateway.recorder, log, None, issuers=issuers, replay=replay
    )
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    gateway.port = listening.getsockname()[1]
    await worker.start([(listening, Listener(port=gateway.port, tls=tls))])
    ticks = asyncio.create_task(_tick(gateway))
    try:
        yield gateway
    finally:
        ticks.cancel()
        await closed(gateway.wires)
        await worker.drain(0.0)
        log.close()
        source.close()


async def _tick(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(0.05)
        gateway.limits.tick(time.monotonic())
        for _, message in gateway.authority.tick(time.monotonic(), time.time()):
            gateway.limits.on_message(message)


def ok(body: bytes = b"", *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """An upstream's answer with a length."""
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body])
