"""Accepts connections on inherited sockets: plain, TLS, and behind a proxy that speaks the PROXY protocol."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from wardgate.domain.settings import Listener
from wardgate.gateway.certificates import CertificateStore
from wardgate.gateway.connection import ClientConnection
from wardgate.gateway.proxy_protocol import ProxyHeader, ProxyParser, ProxyProtocolError

log = logging.getLogger("wardgate.gateway")

_HEADER_SECONDS = 5.0
_HANDSHAKE_SECONDS = 10.0
_BACKLOG = 4096


class Acceptor:
    """Serves one listening socket until closed; the socket itself belongs to the supervisor and stays open there."""

    def __init__(
        self,
        sock: socket.socket,
        listener: Listener,
        certificates: CertificateStore | None,
        make: Callable[[bool, str | None], ClientConnection],
        trusts: Callable[[str], bool] | None,
    ) -> None:
        if listener.tls and certificates is None:
            raise ValueError(
                f"listener {listener.host}:{listener.port} is TLS but no certificate is configured"
            )
        self._sock = sock
        self._listener = listener
        self._context = certificates.context if listener.tls and certificates is not None else None
        self._make = make
        #: Set when the listener expects PROXY headers: which peers may send one.
        self._trusts = trusts
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accepts from now on."""
        loop = asyncio.get_running_loop()
        if self._trusts is not None:
            self._sock.setblocking(False)
            self._task = loop.create_task(self._accept())
            return
        tls = self._context
        extra = {"ssl_handshake_timeout": _HANDSHAKE_SECONDS} if tls is not None else {}
        self._server = await loop.create_server(
            lambda: self._make(tls is not None, None), sock=self._sock, ssl=tls, backlog=_BACKLOG, **extra
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
        """Reads the PROXY header and hands the connection over; anything else than a good header closes it."""
        sock.setblocking(False)
        try:
            if self._trusts is None or not self._trusts(peer):
                raise ProxyProtocolError("peer is not a trusted proxy")
            async with asyncio.timeout(_HEADER_SECONDS):
                header = await _read_header(sock)
            source = header.source or peer
            tls = self._context
            loop = asyncio.get_running_loop()
            extra = {"ssl_handshake_timeout": _HANDSHAKE_SECONDS} if tls is not None else {}
            await loop.connect_accepted_socket(
                lambda: self._make(tls is not None, source), sock, ssl=tls, **extra
            )
        except (ProxyProtocolError, TimeoutError) as error:
            log.warning("connection from %s refused: %s", peer, error or "no PROXY header in time")
            sock.close()
        except OSError:
            sock.close()

    async def close(self) -> None:
        """Stops accepting; connections already accepted go on."""
        if self._server is not None:
            self._server.close()
        if self._task is not None:
            self._task.cancel()


async def _read_header(sock: socket.socket) -> ProxyHeader:
    """Reads exactly the PROXY header, never a byte past it: what follows may be a TLS handshake."""
    loop = asyncio.get_running_loop()
    parser = ProxyParser()
    while True:
        data = await loop.sock_recv(sock, parser.wanted)
        if not data:
            raise ProxyProtocolError("closed before its PROXY header was complete")
        header = parser.feed(data)
        if header is not None:
            return header
