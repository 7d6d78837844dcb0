"""Accepts connections on inherited sockets: plain, TLS, and behind a proxy that speaks the PROXY protocol."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from wardgate.domain.settings import Listener
from wardgate.gateway import proxy_protocol
from wardgate.gateway.certificates import CertificateStore
from wardgate.gateway.forwarded import TrustedProxies

log = logging.getLogger("wardgate.gateway")

_HEADER_SECONDS = 5.0
_HANDSHAKE_SECONDS = 10.0
_BACKLOG = 4096
_V1 = b"PROXY "
_V2_FIXED = 16


class Acceptor:
    """Serves one listening socket until closed; the socket itself belongs to the supervisor and stays open there."""

    def __init__(
        self,
        sock: socket.socket,
        listener: Listener,
        certificates: CertificateStore | None,
        make: Callable[[bool, str | None], asyncio.BaseProtocol],
        proxies: TrustedProxies,
        *,
        proxy_headers: bool,
    ) -> None:
        if listener.tls and certificates is None:
            raise ValueError(
                f"listener {listener.host}:{listener.port} is TLS but no certificate is configured"
            )
        self._sock = sock
        self._context = certificates.context if listener.tls and certificates is not None else None
        self._make = make
        self._proxies = proxies
        self._proxy_headers = proxy_headers
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accepts from now on."""
        loop = asyncio.get_running_loop()
        if self._proxy_headers:
            self._sock.setblocking(False)
            self._task = loop.create_task(self._accept())
            return
        tls = self._context
        self._server = await loop.create_server(
            lambda: self._make(tls is not None, None),
            sock=self._sock,
            ssl=tls,
            backlog=_BACKLOG,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls is not None else None,
        )

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._sock)
            except OSError as error:
                log.error("accept failed: %s", error)
                await asyncio.sleep(0.1)
                continue
            task = loop.create_task(self._open(connection, address[0]))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, sock: socket.socket, peer: str) -> None:
        """Reads the PROXY header where one must stand and hands the connection over; a bad header closes it."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        source, secured = peer, self._context is not None
        try:
            if proxy_protocol.expected(self._proxies, peer):
                async with asyncio.timeout(_HEADER_SECONDS):
                    header = await _read_header(loop, sock)
                source = header.source[0] if header.source is not None else peer
                secured = secured or bool(header.tls)
            await loop.connect_accepted_socket(
                lambda: self._make(secured, source),
                sock,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._context is not None else None,
            )
        except (proxy_protocol.ProxyHeaderError, TimeoutError) as error:
            log.warning("connection from %s refused: %s", peer, str(error) or "no PROXY header in time")
            sock.close()
        except OSError:
            sock.close()
        except asyncio.CancelledError:
            sock.close()
            raise

    async def close(self) -> None:
        """Stops accepting; connections already accepted go on, also those that have not shown their header yet."""
        if self._server is not None:
            self._server.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._sock.close()

    def abandon(self) -> None:
        """Ends what was accepted and has shown no header or finished no handshake yet."""
        for task in self._opening:
            task.cancel()


async def _read_header(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> proxy_protocol.Proxied:
    """Reads exactly the PROXY header, never a byte past it: what follows may be a TLS handshake."""
    data = b""
    while True:
        if data.startswith(_V1):
            wanted = 1
        elif len(data) < _V2_FIXED:
            wanted = (len(_V1) if len(data) < len(_V1) else _V2_FIXED) - len(data)
        else:
            wanted = _V2_FIXED + int.from_bytes(data[14:16], "big") - len(data)
        received = await loop.sock_recv(sock, wanted)
        if not received:
            raise proxy_protocol.ProxyHeaderError("closed before its PROXY header was complete")
        data += received
        header = proxy_protocol.read(data)
        if header is not None:
            return header
