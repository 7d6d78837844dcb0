"""A token endpoint that answers when it is told to, for tests of what happens while a request is under way."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_SECONDS = 20.0


class HeldTokenEndpoint:
    """Serves while the block runs, at once until ``holding``. From then on a request sets ``arrived``; ``first_half`` lets
    the status, the fields and half of :attr:`BODY` go, ``second_half`` the rest."""

    BODY = json.dumps({"access_token": "held", "token_type": "Bearer", "padding": "x" * 2000}).encode()
    HALF = len(BODY) // 2

    def __init__(self) -> None:
        self.holding = False
        self.arrived = threading.Event()
        self.first_half = threading.Event()
        self.second_half = threading.Event()
        held = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                held._answer(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.first_half.set()
        self.second_half.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("content-length", "0")))
        holding = self.holding
        if holding:
            self.arrived.set()
            self.first_half.wait(_SECONDS)
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(self.BODY)))
        request.end_headers()
        request.wfile.write(self.BODY[: self.HALF])
        request.wfile.flush()
        if holding:
            self.second_half.wait(_SECONDS)
        request.wfile.write(self.BODY[self.HALF :])
