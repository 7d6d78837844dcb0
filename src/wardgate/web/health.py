"""``/livez`` and ``/readyz``: whether this process turns, and whether the installation can serve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from wardgate.gateway.ports import StoreUnavailableError
from wardgate.web.bridge import SupervisorBridge, SupervisorSilentError

_NO_STORE = {"Cache-Control": "no-store"}


def health_routes(bridge: SupervisorBridge, probe_store: Callable[[], None]) -> list[Route]:
    """``/livez`` answers 200 while this process runs; ``/readyz`` 200 when every check of it passes, else 503.

    ``probe_store`` reads the store in a thread and raises StoreUnavailableError when it cannot.
    """

    async def livez(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def readyz(request: Request) -> JSONResponse:
        checks = {
            "store": await run_in_threadpool(_check_store, probe_store),
            **(await _check_workers(bridge)),
        }
        ready = all(state == "ok" for state in checks.values())
        return JSONResponse(
            {"status": "ok" if ready else "unavailable", "checks": checks},
            status_code=200 if ready else 503,
            headers=_NO_STORE,
        )

    return [Route("/livez", livez), Route("/readyz", readyz)]


def _check_store(probe_store: Callable[[], None]) -> str:
    try:
        probe_store()
    except StoreUnavailableError:
        return "the store cannot be read"
    return "ok"


async def _check_workers(bridge: SupervisorBridge) -> dict[str, str]:
    try:
        status: dict[str, Any] = await bridge.status()
    except SupervisorSilentError as error:
        return {"supervisor": str(error)}
    states = [child["state"] for child in status["children"] if child["name"].startswith("gateway-")]
    ready = states.count("ready")
    if states and ready == len(states):
        return {"workers": "ok"}
    return {"workers": f"{ready} of {len(states)} are ready"}
