"""The orders API: items in memory, a stream of events, an echo and a WebSocket."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

MOST_ITEMS = 10_000
MOST_EVENTS = 1_000


class Orders:
    """The items of one running instance."""

    def __init__(self) -> None:
        self._items: dict[int, dict[str, object]] = {}
        self._ids = itertools.count(1)
        for name, price in (("pen", 120), ("notebook", 450)):
            self._add(name, price)

    def _add(self, name: str, price: int) -> dict[str, object]:
        number = next(self._ids)
        self._items[number] = item = {"id": number, "name": name, "price": price}
        return item

    async def health(self, request: Request) -> Response:
        """Whether the service runs."""
        return JSONResponse({"status": "ok"})

    async def list_items(self, request: Request) -> Response:
        """Every item."""
        return JSONResponse({"items": list(self._items.values())})

    async def add_item(self, request: Request) -> Response:
        """Adds an item from ``{"name": ..., "price": cents}``."""
        try:
            data = await request.json()
        except ValueError:
            return _error(400, "the body is no JSON")
        name, price = (data.get("name"), data.get("price")) if isinstance(data, dict) else (None, None)
        if not isinstance(name, str) or not name or type(price) is not int or price < 0:
            return _error(422, "an item needs a name and a price in cents")
        if len(self._items) >= MOST_ITEMS:
            return _error(507, "the shop is full; delete an item first")
        item = self._add(name, price)
        return JSONResponse(item, 201, {"location": f"/items/{item['id']}"})

    async def show_item(self, request: Request) -> Response:
        """One item."""
        item = self._items.get(request.path_params["id"])
        return JSONResponse(item) if item else _error(404, "there is no such item")

    async def delete_item(self, request: Request) -> Response:
        """Removes one item."""
        gone = self._items.pop(request.path_params["id"], None)
        return Response(status_code=204) if gone else _error(404, "there is no such item")


async def events(request: Request) -> Response:
    """Server-sent events: ``count`` of them (default 5), ``interval`` seconds apart (default 1)."""
    try:
        count = min(int(request.query_params.get("count", "5")), MOST_EVENTS)
        interval = min(max(float(request.query_params.get("interval", "1")), 0.0), 60.0)
    except ValueError:
        return _error(400, "count and interval are numbers")

    async def stream() -> AsyncIterator[str]:
        for number in range(1, count + 1):
            if number > 1:
                await asyncio.sleep(interval)
            yield f"id: {number}\ndata: {json.dumps({'order': number})}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def echo(request: Request) -> Response:
    """The request as this service received it."""
    body = await request.body()
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": dict(request.headers.items()),
            "body": body.decode("utf-8", "replace"),
            "size": len(body),
        }
    )


async def talk(socket: WebSocket) -> None:
    """Sends every message back, text as text and bytes as bytes."""
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        return


def _error(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


def create_app() -> Starlette:
    """A fresh instance with two items in it."""
    orders = Orders()
    return Starlette(
        routes=[
            Route("/health", orders.health),
            Route("/items", orders.list_items),
            Route("/items", orders.add_item, methods=["POST"]),
            Route("/items/{id:int}", orders.show_item),
            Route("/items/{id:int}", orders.delete_item, methods=["DELETE"]),
            Route("/events", events),
            Route("/echo", echo, methods=["POST"]),
            WebSocketRoute("/ws", talk),
        ]
    )
