"""A recording upstream on raw sockets: it keeps the exact bytes of every request, and answers by path as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs

_EVENT_PAUSE = 0.15


@dataclass
class Seen:
    """One request as it arrived: head and body bytes as they stood on the wire, and the connection's number."""

    connection: int
    head: bytes
    body: bytes = b""

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.split(b"\r\n")[0]

    @property
    def target(self) -> bytes:
        """The request target."""
        return self.line.split(b" ")[1]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a field, by case-insensitive name."""
        pairs = [line.partition(b":") for line in self.head.split(b"\r\n")[1:] if line]
        return [value.strip() for field_name, _, value in pairs if field_name.lower() == name.lower()]


@dataclass
class Log:
    """What arrived, also on connections that never sent a whole request."""

    requests: list[Seen] = field(default_factory=list)
    wire: dict[int, bytes] = field(default_factory=dict)
    connections: int = 0


Handler = Callable[["Exchange"], Awaitable[None]]
HANDLERS: dict[str, Handler] = {}


def handler(name: str) -> Callable[[Handler], Handler]:
    """Registers how ``/name`` is answered."""

    def register(deed: Handler) -> Handler:
        HANDLERS[name] = deed
        return deed

    return register


@dataclass
class Exchange:
    """One request being answered. ``rest`` are body bytes read with the head."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: Upstream
    keep: bool = True
    body_read: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query's first values."""
        _, _, query = self.seen.target.partition(b"?")
        return {key: values[0] for key, values in parse_qs(query.decode("latin-1")).items()}

    async def send(self, data: bytes) -> None:
        """Writes with back-pressure."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: bytes, body: bytes, more: bytes = b"") -> None:
        """A plain answer with a length."""
        await self.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), more) + body)

    async def read_body(self, keep: int = 1 << 20) -> int:
        """Reads the request's body, remembering up to ``keep`` bytes; its length."""
        self.body_read = True
        length = self.seen.values(b"content-length")
        total = 0
        if length:
            left = int(length[0])
            while left:
                piece = await self.reader.read(min(left, 1 << 16))
                if not piece:
                    raise ConnectionError("cut")
                total += self._take(piece, keep)
                left -= len(piece)
        elif self.seen.values(b"transfer-encoding"):
            while True:
                line = await self.reader.readline()
                self._take(line, keep)
                size = int(line.split(b";")[0], 16)
                if size == 0:
                    break
                data = await self.reader.readexactly(size + 2)
                self._take(data, keep)
                total += size
            while True:
                line = await self.reader.readline()
                self._take(line, keep)
                if line in (b"\r\n", b""):
                    break
        return total

    def _take(self, piece: bytes, keep: int) -> int:
        if len(self.seen.body) < keep:
            self.seen.body += piece
        return len(piece)


class Upstream:
    """Serves on a free port of loopback, in a thread of its own, until the block ends."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0, name: str = "") -> None:
        self.log = Log()
        self.port = port
        self.name = name
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the upstream did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes the port and cuts every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def clear(self) -> None:
        """Forgets what arrived."""
        self.log = Log()

    def find(self, token: bytes) -> list[Seen]:
        """The requests whose head has ``token``."""
        return [seen for seen in self.log.requests if token in seen.head]

    def on_wire(self, token: bytes) -> bool:
        """Whether ``token`` arrived in any way at all."""
        known = any(token in seen.head + seen.body for seen in self.log.requests)
        return known or any(token in data for data in self.log.wire.values())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._stop = asyncio.Event()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connection, "127.0.0.1", self.port, ssl=self._tls, limit=1 << 18, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        number = next(self._numbers)
        self.log.connections += 1
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError
        ):
            while await self._one(number, reader, writer):
                pass
        writer.close()
        self._writers.discard(writer)

    async def _one(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self.log.wire[number] = self.log.wire.get(number, b"") + error.partial
            return False
        seen = Seen(number, head[:-2])
        log = self.log
        log.wire[number] = log.wire.get(number, b"") + head
        log.requests.append(seen)
        exchange = Exchange(seen, reader, writer, self)
        name = seen.target.partition(b"?")[0].rsplit(b"/", 1)[-1].decode("latin-1")
        deed = HANDLERS.get(name, _echo)
        await deed(exchange)
        if not exchange.body_read:
            await exchange.read_body()
        log.wire[number] += seen.body
        return exchange.keep


async def _echo(exchange: Exchange) -> None:
    """The request's head comes back as the body."""
    await exchange.read_body()
    name = exchange.upstream.name.encode()
    await exchange.answer(
        b"200 OK", exchange.seen.head, b"X-Upstream: %b\r\nContent-Type: text/plain\r\n" % name
    )


@handler("length")
async def _length(exchange: Exchange) -> None:
    await exchange.answer(b"200 OK", b"%d" % await exchange.read_body())


@handler("mirror")
async def _mirror(exchange: Exchange) -> None:
    await exchange.read_body()
    await exchange.answer(b"200 OK", exchange.seen.body)


@handler("chunked")
async def _chunked(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (b"one", b"two", b"three"):
        await exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asyncio.sleep(0.02)
    await exchange.send(b"0\r\n\r\n")


@handler("trailers")
async def _trailers(exchange: Exchange) -> None:
    await exchange.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
    )


@handler("until-close")
async def _until_close(exchange: Exchange) -> None:
    exchange.keep = False
    await exchange.send(b"HTTP/1.1 200 OK\r\n\r\nno length")


@handler("old")
async def _old(exchange: Exchange) -> None:
    exchange.keep = False
    await exchange.send(b"HTTP/1.0 200 OK\r\n\r\nfrom 1.0")


@handler("no-content")
async def _no_content(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n")


@handler("not-modified")
async def _not_modified(exchange: Exchange) -> None:
    await exchange.send(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 10\r\n\r\n')


@handler("head")
async def _head(exchange: Exchange) -> None:
    body = b"" if exchange.seen.line.startswith(b"HEAD") else b"0123456789"
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + body)


@handler("slow")
async def _slow(exchange: Exchange) -> None:
    await exchange.read_body()
    await asyncio.sleep(float(exchange.query.get("s", "1")))
    await exchange.answer(b"200 OK", b"slow")


@handler("stall")
async def _stall(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await asyncio.sleep(60)


@handler("hints")
async def _hints(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    await asyncio.sleep(0.02)
    await exchange.answer(b"200 OK", b"hinted")


@handler("many-hints")
async def _many_hints(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 4000)
    await exchange.answer(b"200 OK", b"at last")


@handler("hint-with-length")
async def _hint_with_length(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n")
    await exchange.answer(b"200 OK", b"abc")


@handler("cut")
async def _cut(exchange: Exchange) -> None:
    exchange.keep = False
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)


@handler("cut-chunked")
async def _cut_chunked(exchange: Exchange) -> None:
    exchange.keep = False
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nab")


@handler("drop")
async def _drop(exchange: Exchange) -> None:
    exchange.keep = False


@handler("drop-once")
async def _drop_once(exchange: Exchange) -> None:
    """Closes without an answer on a connection that was used before: as a server does whose keep-alive ran out."""
    mine = [seen for seen in exchange.upstream.log.requests if seen.connection == exchange.seen.connection]
    if len(mine) > 1:
        exchange.keep = False
        return
    await exchange.answer(b"200 OK", b"kept")


@handler("close-after")
async def _close_after(exchange: Exchange) -> None:
    """Answers, then closes without having said so."""
    exchange.keep = False
    await exchange.answer(b"200 OK", b"bye")


_BROKEN: dict[str, bytes] = {
    "no-status": b"ICY 200 OK\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "list-length": b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
    "fold": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc",
    "nul": b"HTTP/1.1 200 OK\r\nX-A: b\x00c\r\nContent-Length: 3\r\n\r\nabc",
    "space-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    "surplus": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "gzip-te": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "h2": b"HTTP/2 200\r\n\r\n",
}


def _broken(answer: bytes) -> Handler:
    async def deed(exchange: Exchange) -> None:
        exchange.keep = False
        await exchange.send(answer)
        await asyncio.sleep(0.05)

    return deed


for _name, _bytes in _BROKEN.items():
    HANDLERS[_name] = _broken(_bytes)
BROKEN = tuple(_BROKEN)


@handler("sse")
async def _sse(exchange: Exchange) -> None:
    await exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for number in range(4):
        event = b"data: %d\n\n" % number
        await exchange.send(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(_EVENT_PAUSE)
    await exchange.send(b"0\r\n\r\n")


@handler("big")
async def _big(exchange: Exchange) -> None:
    left = int(exchange.query["n"])
    piece = bytes(range(256)) * 256
    if exchange.query.get("how") == "chunked":
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while left > 0:
            size = min(left, len(piece))
            await exchange.send(b"%x\r\n%b\r\n" % (size, piece[:size]))
            left -= size
        await exchange.send(b"0\r\n\r\n")
        return
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    while left > 0:
        await exchange.send(piece[:left])
        left -= len(piece)


@handler("never-reads")
async def _never_reads(exchange: Exchange) -> None:
    exchange.body_read = True
    exchange.keep = False
    await asyncio.sleep(30)


@handler("early")
async def _early(exchange: Exchange) -> None:
    """Answers before the body was read, and does not read it."""
    exchange.body_read = True
    exchange.keep = False
    await exchange.answer(b"403 Forbidden", b"no", b"Connection: close\r\n")
    await asyncio.sleep(0.2)


@handler("upgrade-refused")
async def _upgrade_refused(exchange: Exchange) -> None:
    await exchange.answer(b"426 Upgrade Required", b"no")


@handler("upgrade-late")
async def _upgrade_late(exchange: Exchange) -> None:
    """Accepts the upgrade and echoes raw bytes."""
    exchange.keep = False
    exchange.body_read = True
    await exchange.send(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    while data := await exchange.reader.read(1 << 16):
        await exchange.send(data)


@handler("spoof")
async def _spoof(exchange: Exchange) -> None:
    """Headers an upstream may not set."""
    more = (
        b"X-Wardgate-Request-Id: fake\r\nRateLimit: fake\r\nKeep-Alive: timeout=5\r\nConnection: X-Secret\r\n"
    )
    await exchange.answer(b"200 OK", b"x", more + b"X-Secret: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n")
