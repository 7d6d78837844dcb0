"""``/metrics``: what all workers count, in Prometheus' text form or OpenMetrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wardgate.web.bridge import SupervisorBridge, SupervisorSilentError


def metrics_routes(bridge: SupervisorBridge) -> list[Route]:
    """The scrape endpoint; 503 while the supervisor does not answer."""

    async def metrics(request: Request) -> Response:
        try:
            status = await bridge.status(request.headers.get("accept", ""))
        except SupervisorSilentError as error:
            return PlainTextResponse(f"{error}\n", status_code=503)
        return Response(status["body"], headers={"Content-Type": status["content_type"]})

    return [Route("/metrics", metrics)]
