"""The authorization server in the control process: a table of paths, one plain ASGI callable, no middleware.

Token requests are many, so what is between the socket and an endpoint is kept short: one look-up of the path, one
:class:`Call`, one reply.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Reply
from wardgate.identity.people.current import note_use
from wardgate.identity.routes import Route, all_routes
from wardgate.identity.server import Server
from wardgate.storage.errors import StoreError
from wardgate.web.calls import CallReader, ClientGoneError, Receive, Scope, Send, hop_secret
from wardgate.web.failures import where
from wardgate.web.pages import ALONE, Pages, transport_policy
from wardgate.web.static import PREFIX, StaticFiles

_log = logging.getLogger("wardgate.identity")

_Headers = tuple[tuple[str, str], ...]
_NOSNIFF: _Headers = (("x-content-type-options", "nosniff"),)
_CORS: _Headers = (
    *_NOSNIFF,
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce, Retry-After"),
)
#: A person's own pages, which no application sends anybody to.
_ACCOUNT = "/oauth2/account"
_PREFLIGHT_SECONDS = "600"
_NAME = re.compile(r"\\\{([a-z_]+)\\\}")
_UNSENDABLE = re.compile(r"[\x00\r\n]")


class IdentityApp:
    """Every endpoint of ``server`` as an ASGI application; :meth:`serves` says which paths are its own."""

    def __init__(self, server: Server, routes: Sequence[Route] | None = None) -> None:
        self._server = server
        self._origin = server.settings.origin
        base_path = urlsplit(server.settings.issuer).path
        self._statics = StaticFiles(base_path)
        self._transport = transport_policy(server.settings.issuer)
        self._pages = Pages(self._statics, base_path, self._transport)
        self._reader = CallReader(server.settings.issuer, hop_secret(server.store.master_key()))
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        for route in all_routes() if routes is None else routes:
            by_method = self._methods_of(route.path)
            for method in route.methods:
                by_method.setdefault(method, route)

    def serves(self, path: str) -> bool:
        """Whether there is an endpoint or a static file at ``path``."""
        return path in self._exact or path.startswith(PREFIX) or self._match(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request for a path that :meth:`serves`."""
        path: str = scope["path"]
        method: str = scope["method"]
        try:
            reply = await self._answer(scope, receive, path, method)
        except ClientGoneError:
            return
        await _send(send, reply, with_body=method != "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, path: str, method: str) -> Reply:
        names: dict[str, str] = {}
        methods = self._exact.get(path)
        if methods is None:
            if path.startswith(PREFIX):
                return self._static(scope, path, method)
            found = self._match(path)
            if found is None:
                return self._pages.error(_nowhere())
            methods, names = found
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            return _other_method(methods, method)
        try:
            call = await self._reader.read(scope, receive, path, names)
            if route.kind in ("page", "entry"):
                return await self._page(route, call)
            return (await route.handle(self._server, call)).plus(*_CORS)
        except OAuthError as error:
            return self._refusal(route, error)
        except PageError as error:
            return self._pages.error(error)
        except ClientGoneError:
            raise
        except StoreError as error:
            _log.error("%s %s: %s", method, route.path, error.code)
            busy = OAuthError("temporarily_unavailable", "The store is away; try again", status=503)
            return self._refusal(route, busy).plus(("retry-after", "5"))
        except Exception as error:
            _log.error("%s %s failed: %s", method, route.path, where(error))
            return self._refusal(route, OAuthError("server_error", "Internal error", status=500))

    async def _page(self, route: Route, call: Call) -> Reply:
        """A page's reply: forms are taken from our own pages only, unless the route is an entry."""
        if route.kind == "page" and call.method == "POST" and not self._own(call):
            raise PageError(
                "This form came from elsewhere",
                "Forms of this server are accepted from its own pages only.",
                "Open the page here and send it again.",
                status=403,
            )
        reply = await route.handle(self._server, call)
        await note_use(self._server, call)
        if not reply.page:
            return reply.plus(*_NOSNIFF, *self._transport)
        alone = route.path.startswith(_ACCOUNT) and "signed_in" in reply.context
        return self._pages.render(reply).plus(*(ALONE if alone else ()))

    def _own(self, call: Call) -> bool:
        origin = call.header_values("origin")
        if origin:
            return origin == (self._origin,)
        return call.header_values("sec-fetch-site") == ("same-origin",)

    def _refusal(self, route: Route, error: OAuthError) -> Reply:
        """``error`` in the form that fits who asked."""
        if error.note:
            _log.info("%s refused: %s (%r)", route.path, error.error, error.note)
        if route.kind in ("page", "entry"):
            title = "Something went wrong here" if error.status >= 500 else "This request cannot be answered"
            remedy = "Try again in a moment." if error.status >= 500 else ""
            return self._pages.error(
                PageError(title, f"{error.description}.", remedy, status=error.status)
            ).plus(*error.headers)
        return error.reply().plus(*_CORS)

    def _static(self, scope: Scope, path: str, method: str) -> Reply:
        if method not in ("GET", "HEAD"):
            return Reply(status=405, headers=(("allow", "GET, HEAD"),))
        seen = next((value for name, value in scope["headers"] if name == b"if-none-match"), None)
        found = self._statics.answer(
            path, scope["query_string"], None if seen is None else seen.decode("latin-1")
        )
        return self._pages.error(_nowhere()) if found is None else found.plus(*self._transport)

    def _methods_of(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._exact.setdefault(path, {})
        pattern = re.compile(_NAME.sub(r"(?P<\1>[^/]+)", re.escape(path)))
        for known, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]

    def _match(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return methods, match.groupdict()
        return None


def _other_method(methods: dict[str, Route], method: str) -> Reply:
    """The answer to a method the path does not have; ``OPTIONS`` of what scripts may call is a pre-flight."""
    allowed = ", ".join((*methods, *(["HEAD"] if "GET" in methods else [])))
    open_to_scripts = all(route.kind in ("api", "document") for route in methods.values())
    if method == "OPTIONS" and open_to_scripts:
        return Reply(
            status=204,
            headers=(
                *_CORS,
                ("access-control-allow-methods", allowed),
                ("access-control-allow-headers", "Authorization, Content-Type, DPoP"),
                ("access-control-max-age", _PREFLIGHT_SECONDS),
                ("allow", f"{allowed}, OPTIONS"),
            ),
        )
    headers = (("allow", allowed), *(_CORS if open_to_scripts else ()))
    return OAuthError(
        "invalid_request", f"This endpoint answers {allowed} only", status=405, headers=headers
    ).reply()


def _nowhere() -> PageError:
    return PageError("There is no such page", "Nothing is at this address.", "Check the address.", status=404)


async def _send(send: Send, reply: Reply, *, with_body: bool) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    if any(_UNSENDABLE.search(value) for _, value in reply.headers):
        _log.error("an answer was withheld: a line break in one of its header fields")
        reply, headers = Reply(status=500), []
    if reply.status not in (204, 304):
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body if with_body else b""})
