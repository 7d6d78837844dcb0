"""Raw HTTP/1.1 for tests: sends exact bytes, reads answers strictly, and tells whether the peer closed."""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any, Self


class Closed(Exception):
    """The peer closed before the answer was whole."""


@dataclass
class Answer:
    """One response as read from the wire."""

    status: int
    head: bytes
    body: bytes = b""
    trailers: bytes = b""
    interim: list[bytes] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Every value of a field."""
        pairs = [line.partition(b":") for line in self.head.split(b"\r\n")[1:] if line]
        return [v.strip().decode("latin-1") for n, _, v in pairs if n.lower() == name.lower().encode()]

    @property
    def reason(self) -> str:
        """The problem's reason, or the empty string."""
        if not any("problem+json" in value for value in self.values("content-type")):
            return ""
        return str(self.json()["reason"]) if self.body else ""

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire:
    """A raw client connection."""

    def __init__(
        self, port: int, *, timeout: float = 10.0, tls: ssl.SSLContext | None = None, name: str = "localhost"
    ) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name)
        self._data = b""

    @classmethod
    def over(cls, sock: socket.socket) -> Self:
        """A connection that was opened already."""
        wire = cls.__new__(cls)
        wire.sock = sock
        wire._data = b""
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Sends all of ``data``."""
        self.sock.sendall(data)

    def _more(self) -> None:
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionError as error:
            raise Closed(self._data) from error
        if not data:
            raise Closed(self._data)
        self._data += data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._data:
            self._more()
        found, _, self._data = self._data.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        parts = [self._data[:count]]
        self._data = self._data[count:]
        left = count - len(parts[0])
        while left:
            data = self.sock.recv(min(left, 1 << 20))
            if not data:
                raise Closed(b"".join(parts))
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def answer(self, method: str = "GET") -> Answer:
        """The next final response, its interim ones with it.

        Raises:
            Closed: the connection ended before it was whole.
        """
        interim: list[bytes] = []
        while True:
            head = self._until(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200 or status == 101:
                break
            interim.append(head)
        answer = Answer(status, head, interim=interim)
        if method == "HEAD" or status in (101, 204, 304):
            return answer
        if answer.values("transfer-encoding"):
            while True:
                size = int(self._until(b"\r\n").split(b";")[0], 16)
                if not size:
                    break
                answer.body += self._exactly(size)
                if self._exactly(2) != b"\r\n":
                    raise AssertionError("a chunk does not end with CRLF")
            while line := self._until(b"\r\n"):
                answer.trailers += line + b"\r\n"
        elif lengths := answer.values("content-length"):
            answer.body = self._exactly(int(lengths[0]))
        else:
            answer.body = self.rest()
        return answer

    def peek(self, mark: bytes) -> None:
        """Returns once ``mark`` has arrived; it stays to be read.

        Raises:
            Closed: the connection ended before it came.
        """
        while mark not in self._data:
            self._more()

    def rest(self) -> bytes:
        """Everything until the peer closes."""
        while True:
            try:
                self._more()
            except Closed:
                data, self._data = self._data, b""
                return data

    def closed(self, seconds: float = 3.0) -> bool:
        """Whether the peer closes within ``seconds`` without sending more."""
        self.sock.settimeout(seconds)
        try:
            data = self._data or self.sock.recv(1 << 16)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return not data


def ask(port: int, data: bytes, method: str = "GET") -> Answer:
    """Sends ``data`` on a new connection and reads one answer."""
    with Wire(port) as wire:
        wire.send(data)
        return wire.answer(method)
