"""Applications that are made after the start."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from wardgate.web.late import Late


def _hello() -> ASGIApp:
    return Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])


def test_the_first_request_has_it_made() -> None:
    """Nobody has to prepare it."""
    assert TestClient(Late(_hello)).get("/").text == "hello"


async def test_it_is_made_once_and_in_a_thread() -> None:
    """However many ask at once, and while the loop goes on."""
    made: list[int] = []

    def make() -> ASGIApp:
        made.append(threading.get_ident())
        time.sleep(0.1)
        return _hello()

    late = Late(make)
    turns = 0
    asked = asyncio.gather(*(late.prepare() for _ in range(5)))
    while not asked.done():
        turns += 1
        await asyncio.sleep(0.01)
    await asked
    assert len(made) == 1
    assert made[0] != threading.get_ident()
    assert turns > 1


async def test_who_gives_up_does_not_stop_it_for_others() -> None:
    """A client that goes away while it is made."""

    def make() -> ASGIApp:
        time.sleep(0.1)
        return _hello()

    late = Late(make)
    first = asyncio.create_task(late.prepare())
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await late.prepare()


async def test_what_cannot_be_made_is_said_to_everybody() -> None:
    """An operation that is not soundly declared opens nothing."""

    def make() -> ASGIApp:
        raise TypeError("unsound")

    late = Late(make)
    for _ in range(2):
        with pytest.raises(TypeError, match="unsound"):
            await late.prepare()
