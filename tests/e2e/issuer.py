"""A foreign authorization server for tests: keys, metadata, introspection and a token endpoint on a port of its own."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey


class ForeignIssuer:
    """Serves while the block runs; ``asked`` lists the paths that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self.down = False
        self.max_age = 3600
        self.active: dict[str, Mapping[str, Any]] = {}
        self.keys: dict[str, ECKey] = {}
        self.key("first")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                issuer._get(self)

            def do_POST(self) -> None:
                issuer._post(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def key(self, kid: str) -> None:
        """Publishes one more key."""
        self.keys[kid] = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}, private=True)

    def token(self, kid: str = "first", **claims: Any) -> str:
        """A JWT signed by one of the keys, of the client ``partner`` unless ``claims`` say otherwise."""
        now = int(time.time())
        told = {
            "iss": self.url,
            "sub": "partner",
            "client_id": "partner",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        header = {"alg": "ES256", "kid": kid, "typ": "at+jwt"}
        return jwt.encode(header, told, self.keys[kid])

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [key.as_dict(private=False) for key in self.keys.values()]},
        }
        self._answer(request, documents.get(request.path))

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        length = int(request.headers.get("content-length", "0"))
        form = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        self.forms.append(form)
        self.authorizations.append(request.headers.get("authorization", ""))
        if request.path == "/introspect":
            self._answer(request, self.active.get(form.get("token", ""), {"active": False}))
        elif request.path.partition("?")[0] == "/token":
            self._answer(request, {"access_token": self.token(), "token_type": "Bearer", "expires_in": 300})
        else:
            self._answer(request, None)

    def _answer(self, request: BaseHTTPRequestHandler, document: Any) -> None:
        status = 503 if self.down else 404 if document is None else 200
        body = json.dumps(document if status == 200 else {"error": "none"}).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Cache-Control", f"max-age={self.max_age}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def basic(client: str, secret: str) -> str:
    """The Authorization header of a client."""
    return f"Basic {base64.b64encode(f'{client}:{secret}'.encode()).decode()}"
