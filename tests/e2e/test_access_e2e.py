"""Access on the wire: refused until granted, bounded as granted, and a real receiver told of it."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeVar

import pytest
from standardwebhooks import Webhook as Verifier
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream

from wardgate.control import access, applications, subscriptions
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit
from wardgate.domain.people import Mail
from wardgate.storage.database import SqlStore, open_store

#: Why is for the log, not for the caller.
DENIED = (403, "access_denied")
HERE, ELSEWHERE = ("127.0.0.0/8",), ("203.0.113.0/24",)
T = TypeVar("T")


class Receiver:
    """A real HTTP server that takes webhooks."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """An API on a plan that needs an approval, and the application newcomer without any subscription."""
    content = document(
        [api("raw", [upstream.url], plans=["open", "gold"], contact="owner@example.com")], {"gold": []}
    )
    for plan in content["plans"]:
        if plan["name"] == "gold":
            plan["approval"] = "required"
    content["applications"].append({"name": "newcomer", "owner": "newcomer@example.com"})
    return make_stack(upstream, content, "--outbound-allow", "127.0.0.0/8", workers=2)


def use(stack: Stack, work: Callable[[SqlStore], Coroutine[Any, Any, T]]) -> T:
    """Does something with the store of the installation, as another process would."""

    async def run() -> T:
        async with await open_store(stack.data_dir) as store:
            return await work(store)

    return asyncio.run(run())


def until(stack: Stack, key: str, wanted: tuple[int, str], seconds: float = 3.0) -> float:
    """The monotonic time when both workers have answered so ten times in a row; fails if that takes too long."""
    deadline, in_a_row, since = time.monotonic() + seconds, 0, 0.0
    while in_a_row < 10:
        asked = time.monotonic()
        answer = stack.ask("/raw/v1/items", key=key)
        found = (answer.status, answer.reason)
        if found == wanted:
            since = since if in_a_row else asked
            in_a_row += 1
        else:
            in_a_row = 0
            assert asked < deadline, f"still {found}, not {wanted}"
    return since


def refused(stack: Stack, key: str, reason: str) -> None:
    """Returns when a request is refused for ``reason``, as the access log tells; fails if that takes too long."""
    deadline = time.monotonic() + 5
    while [line.get("reason") for line in stack.access_log()[-1:]] != [reason]:
        assert time.monotonic() < deadline, f"{reason} is not in the access log: {stack.access_log()[-1]}"
        answer = stack.ask("/raw/v1/items", key=key)
        assert (answer.status, answer.reason) in (DENIED, (200, ""), (403, "subscription_missing"))
        time.sleep(0.05)
    until(stack, key, DENIED)


def test_access_is_refused_until_it_is_granted(stack: Stack, receiver: Receiver) -> None:
    """A key is there before its subscription is decided, and opens nothing; then it opens as much as was granted, from
    where and as long as was granted. Both sides are told, by mail and by a webhook that somebody else's client believes."""
    data = ("--data-dir", str(stack.data_dir))
    added = json.loads(command("webhooks", "add", receiver.url, "--json", *data))
    key = stack.keys["newcomer"]
    assert stack.ask("/raw/v1/items", key=key).reason == "subscription_missing"
    asked = json.loads(
        command(
            "access", "request", "newcomer", "raw/v1", "--plan", "gold", "--message", "Hello", "--json", *data
        )
    )
    refused(stack, key, "subscription_pending")
    until(stack, stack.keys["gold"], (200, ""))
    command("access", "approve", asked["id"], "--cidr", ELSEWHERE[0], *data)
    refused(stack, key, "subscription_network")
    command("subscriptions", "set", asked["subscription"], "--cidr", HERE[0], *data)
    until(stack, key, (200, ""))
    command("subscriptions", "set", asked["subscription"], "--expires", "500ms", *data)
    refused(stack, key, "subscription_expired")
    command("subscriptions", "set", asked["subscription"], "--expires", "never", *data)
    until(stack, key, (200, ""))
    command("apps", "suspend", "newcomer", *data)
    until(stack, key, (403, "application_suspended"))
    command("apps", "restore", "newcomer", *data)
    until(stack, key, (200, ""))

    deadline = time.monotonic() + 10
    wanted = {"access.requested", "access.approved", "subscription.changed", "application.suspended"}
    told: dict[str, dict[str, Any]] = {}
    while not wanted <= told.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
        told = {
            event["type"]: event["data"]
            for headers, body in list(receiver.received)
            if (event := Verifier(added["secret"]).verify(body, headers))
        }
    assert wanted <= told.keys()
    assert told["access.approved"]["subscription"] == asked["subscription"]
    assert told["access.approved"]["api"] == "raw/v1"

    async def mails(store: SqlStore) -> list[Mail]:
        async with store.reading() as tx:
            return await tx.outbox.due(float("inf"), 100)

    by_address = {mail.to: mail for mail in use(stack, mails)}
    assert "Hello" in by_address["owner@example.com"].body
    assert "approved" in by_address["newcomer@example.com"].subject


def test_a_throttle_holds_at_once(stack: Stack) -> None:
    """An application that was throttled is held to that, and served again as before when it is restored."""

    async def throttle(store: SqlStore) -> None:
        await applications.throttle(store, "open", [Limit(kind="rate", amount=1, per="hour", burst=1)])

    use(stack, throttle)
    until(stack, stack.key, (429, "rate_exceeded"))
    use(stack, lambda store: applications.restore(store, "open"))
    until(stack, stack.key, (200, ""))


def test_a_grant_is_enforced_within_100_ms(stack: Stack) -> None:
    """From the commit of an approval to the first request that is let in, and likewise for what is taken away."""
    command("apps", "add", "quick", "--data-dir", str(stack.data_dir))
    key = stack.issue("quick")

    async def ask(store: SqlStore) -> access.AccessRecord:
        return await access.request(
            store, application="quick", environment="development", api="raw/v1", plan="gold"
        )

    asked = use(stack, ask)
    until(stack, key, DENIED)

    async def approve(store: SqlStore) -> float:
        await access.approve(store, asked.request.id, controls=Controls(cidrs=HERE))
        return time.monotonic()

    at = use(stack, approve)
    delays = [until(stack, key, (200, "")) - at]
    for number in range(8):
        cidrs, wanted = (HERE, (200, "")) if number % 2 else (ELSEWHERE, DENIED)
        change = partial(_change, subscription=asked.request.subscription, cidrs=cidrs)
        at = use(stack, change)
        delays.append(until(stack, key, wanted) - at)
    assert statistics.median(delays) < 0.1


async def _change(store: SqlStore, *, subscription: str, cidrs: tuple[str, ...]) -> float:
    """Where a subscription may be used from now on; the monotonic time of the commit."""
    await subscriptions.change(store, subscription, controls=Controls(cidrs=cidrs))
    return time.monotonic()
