"""The authorization servers of several environments in one control process: which of them a request is for.

The gateway says so (``X-Wardgate-Environment``), and proves that it is this installation's by ``X-Wardgate-Hop``. Whoever
calls the control process itself gets the primary environment's.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from wardgate.web.calls import Receive, Scope, Send, hop_secret
from wardgate.web.identity import IdentityApp

_HOP = b"x-wardgate-hop"
_ENVIRONMENT = b"x-wardgate-environment"


class IdentityApps:
    """Every environment's authorization server as one ASGI application; all have the same paths."""

    def __init__(self, apps: Mapping[str, IdentityApp], primary: str, master_key: bytes) -> None:
        self._apps = apps
        self._primary = apps[primary]
        self._hop = hop_secret(master_key).encode()

    def serves(self, path: str) -> bool:
        """Whether there is an endpoint or a static file at ``path``."""
        return self._primary.serves(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request for a path that :meth:`serves`."""
        app = self._app(scope)
        if app is not None:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 421, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def _app(self, scope: Scope) -> IdentityApp | None:
        """The server asked for; ``None``: the gateway names an environment this process does not serve."""
        told = {_HOP: b"", _ENVIRONMENT: b""}
        for name, value in scope["headers"]:
            if name in told:
                told[name] = value
        if not hmac.compare_digest(told[_HOP], self._hop):
            return self._primary
        return self._apps.get(told[_ENVIRONMENT].decode("latin-1"))
