"""Where GitHub's secret scanning reports keys it found: ``POST /secret-scanning/github``, on only with pinned keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wardgate.control.github_reports import (
    MAX_BODY,
    Keys,
    ReportError,
    feedback,
    read_keys,
    read_report,
    signed,
)
from wardgate.control.leaks import report, settle
from wardgate.control.ports import Store
from wardgate.domain.reserved import SECRET_SCANNING
from wardgate.identity.gcra import Rates
from wardgate.web.jobs import Job

PATH = f"{SECRET_SCANNING}/github"
#: Reports a minute of one address, after a burst.
A_MINUTE, BURST = 120, 60
_BODY_SECONDS = 20.0
_SETTLE_SECONDS = 5.0


def load_keys(path: str) -> Keys:
    """The pinned keys in the file at ``path``.

    Raises:
        ValueError: it cannot be read, or holds no such keys; the message says what to do.
    """
    try:
        return read_keys(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(
            f"{path} cannot be used: {error}. Save what https://api.github.com/meta/public_keys/secret_scanning answers"
        ) from None


def settling(store: Store) -> Job:
    """Deals with what was noted and not dealt with at once."""

    async def run() -> bool:
        return await settle(store) > 0

    return Job(name="leaks", seconds=_SETTLE_SECONDS, run=run)


def scanning_routes(store: Store, keys: Keys, clock: Callable[[], float]) -> list[Route]:
    """The endpoint.

    Anything but a report signed by a pinned key is refused before it is parsed. The answer is given once the report is
    noted; mail, and the end of keys, come after it.
    """
    rates = Rates(A_MINUTE, BURST)

    async def receive(request: Request) -> Response:
        wait = rates.take(request.client.host if request.client else "", clock())
        if wait:
            return _problem(429, "Too many reports", ("retry-after", str(int(wait) + 1)))
        identifier = request.headers.get("github-public-key-identifier", "")
        signature = request.headers.get("github-public-key-signature", "")
        if identifier not in keys or not signature:
            return _problem(401, "The report is not signed by a key that is pinned here")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request.stream())
        except (TimeoutError, ClientDisconnect):
            return _problem(408, "The report did not come")
        if body is None:
            return _problem(413, f"A report has at most {MAX_BODY} bytes")
        if not signed(keys, identifier, signature, body):
            return _problem(401, "The report is not signed by a key that is pinned here")
        try:
            matches = read_report(body)
        except ReportError as error:
            return _problem(422, f"The report cannot be read: {error}")
        ours = await report(store, [match.report for match in matches], clock=clock)
        return JSONResponse(
            feedback(matches, ours),
            headers={"cache-control": "no-store"},
            background=BackgroundTask(settle, store, clock=clock),
        )

    return [Route(PATH, receive, methods=["POST"])]


async def _body(stream: AsyncIterator[bytes]) -> bytes | None:
    """The body; ``None``: it is too long."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _problem(status: int, title: str, *headers: tuple[str, str]) -> Response:
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status},
        status_code=status,
        headers=dict(headers),
        media_type="application/problem+json",
    )
