"""Delivering to webhooks: really received and verified by somebody else's client, retried, given up, disabled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from standardwebhooks import Webhook as Receiver

from wardgate.control import webhooks
from wardgate.domain.webhook import Delivery, Webhook
from wardgate.identity.background import Tasks
from wardgate.identity.fetch import SafeFetcher
from wardgate.identity.webhook_delivery import DISABLE_AFTER, PAUSES, Deliverer
from wardgate.storage.database import SqlStore


@dataclass
class Server:
    """A real HTTP server on this machine that keeps what it is told and answers what it is set to."""

    port: int = 0
    answers: list[bytes] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    pause: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        exact = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in exact.items()}
        self.received.append((headers, await reader.readexactly(int(fields["content-length"]))))
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        await asyncio.sleep(self.pause)
        self.open_now -= 1
        answer = self.answers.pop(0) if self.answers else b"204 No Content"
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Server]:
    """A server that listens."""
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as opened:
        server.port = opened.sockets[0].getsockname()[1]
        yield server


@dataclass
class Turned:
    """A clock to turn, which begins now: receivers look at the time of messages."""

    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Turned:
    import time

    return Turned(time.time())


@dataclass
class Side:
    """All of the sender's side."""

    store: SqlStore
    clock: Turned
    deliverer: Deliverer
    tasks: Tasks

    async def round(self) -> bool:
        """A round, until all it began is done."""
        more = await self.deliverer.round()
        await self.tasks.settle()
        return more

    async def state(self, webhook: Webhook) -> tuple[Webhook, list[Delivery]]:
        """The webhook as it is now, and its deliveries, oldest first."""
        found = await webhooks.show(self.store, webhook.id)
        return found.webhook, list(reversed(found.deliveries))


def side_of(store: SqlStore, clock: Turned, allow: tuple[str, ...] = ("127.0.0.0/8",)) -> Side:
    """A sender that may call this machine, and does not vary its pauses."""
    tasks = Tasks()
    middle: Callable[[float, float], float] = lambda low, high: (low + high) / 2  # noqa: E731
    deliverer = Deliverer(store, SafeFetcher(allow), tasks, clock, vary=middle)
    return Side(store, clock, deliverer, tasks)


async def tell(side: Side, webhook: Webhook) -> Delivery:
    """A message for one webhook."""
    return await webhooks.send_test(side.store, webhook.id, clock=side.clock)


@pytest.mark.every_database
async def test_a_message_is_received_and_verified(store: SqlStore, clock: Turned) -> None:
    """Somebody else's client believes it; it is sent once."""
    side = side_of(store, clock)
    async with listening() as server:
        webhook, secret = await webhooks.add(store, url=server.url)
        sent = await tell(side, webhook)
        await side.round()
        await side.round()
    ((headers, body),) = server.received
    assert Receiver(secret.reveal().decode()).verify(body, headers)["data"] == {"webhook": webhook.id}
    assert headers["webhook-id"] == sent.message
    assert headers["content-type"] == "application/json"
    _, (delivery,) = await side.state(webhook)
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("delivered", 1, "")


async def test_a_failing_receiver_is_tried_later_and_later(store: SqlStore, clock: Turned) -> None:
    """The same message with a new time stamp at each try; a success forgets the failures before it."""
    side = side_of(store, clock)
    async with listening() as server:
        server.answers = [b"500 Oops", b"302 Found", b"503 Away\r\nRetry-After: 4000"]
        webhook, _ = await webhooks.add(store, url=server.url)
        await tell(side, webhook)
        waits = []
        for _ in range(3):
            await side.round()
            present, (delivery,) = await side.state(webhook)
            waits.append(delivery.not_before - clock.now)
            assert present.failing_since is not None
            clock.now = delivery.not_before - 0.01
            await side.round()
            clock.now += 0.02
        assert waits == [pytest.approx(PAUSES[0]), pytest.approx(PAUSES[1]), pytest.approx(4000)]
        await side.round()
    present, (delivery,) = await side.state(webhook)
    assert (delivery.status, delivery.attempts, present.failing_since) == ("delivered", 4, None)
    assert len({headers["webhook-id"] for headers, _ in server.received}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in server.received}) == 4
    assert len({body for _, body in server.received}) == 1


async def test_a_receiver_that_fails_for_days_is_told_no_more(store: SqlStore, clock: Turned) -> None:
    """After ten tries over three days the message is given up and the webhook disabled, which the trail tells; made active
    again it hears what is new."""
    side = side_of(store, clock)
    async with listening() as server:
        webhook, _ = await webhooks.add(store, url=server.url)
    await tell(side, webhook)
    began = clock.now
    for _ in range(len(PAUSES) + 1):
        await side.round()
        _, (delivery,) = await side.state(webhook)
        clock.now = delivery.not_before + 0.01
    present, (delivery,) = await side.state(webhook)
    assert clock.now - began > DISABLE_AFTER
    assert (delivery.status, delivery.attempts, present.status) == ("failed", 10, "disabled")
    assert "cannot be reached" in present.last_error
    async with store.reading() as tx:
        event = [each.event for each in await tx.audit.page(0, 10)][-1]
    assert (event.action, event.after) == ("webhook.set", {"status": "disabled"})
    active = await webhooks.change(store, webhook.id, status="active")
    assert (active.status, active.failing_since, active.last_error) == ("active", None, "")


async def test_gone_disables_at_once(store: SqlStore, clock: Turned) -> None:
    """410 says that the receiver is not interested any more."""
    side = side_of(store, clock)
    async with listening() as server:
        server.answers = [b"410 Gone"]
        webhook, _ = await webhooks.add(store, url=server.url)
        await tell(side, webhook)
        await tell(side, webhook)
        await side.round()
        await side.round()
    assert (await side.state(webhook))[0].status == "disabled"
    assert len(server.received) == 1


async def test_messages_for_one_receiver_leave_in_order_and_wait_for_it(
    store: SqlStore, clock: Turned
) -> None:
    """One at a time, oldest first; when one fails the others are not spent on it."""
    side = side_of(store, clock)
    async with listening() as server:
        server.answers = [b"204 OK", b"500 Oops"]
        server.pause = 0.01
        webhook, _ = await webhooks.add(store, url=server.url)
        sent = [(await tell(side, webhook)).message for _ in range(4)]
        await side.round()
        told = [headers["webhook-id"] for headers, _ in server.received]
        _, deliveries = await side.state(webhook)
        assert (told, [each.attempts for each in deliveries]) == (sent[:2], [1, 1, 0, 0])
        clock.now += PAUSES[0] + 1
        await side.round()
    assert [headers["webhook-id"] for headers, _ in server.received] == [*sent[:2], *sent[1:]]
    assert server.most_open == 1


async def test_a_slow_receiver_does_not_hold_up_others(store: SqlStore, clock: Turned) -> None:
    """What is for another leaves while one is waited for."""
    side = side_of(store, clock)
    async with listening() as slow, listening() as quick:
        slow.pause = 0.5
        first, _ = await webhooks.add(store, url=slow.url)
        second, _ = await webhooks.add(store, url=quick.url)
        await tell(side, first)
        await side.deliverer.round()
        await tell(side, second)
        async with asyncio.timeout(0.4):
            await side.deliverer.round()
            while not quick.received:
                await asyncio.sleep(0.01)
        await side.tasks.settle()
    assert len(slow.received) == 1


async def test_a_private_address_is_not_called(store: SqlStore, clock: Turned) -> None:
    """Without an operator's word this machine is out of reach, and the error says what to do."""
    side = side_of(store, clock, allow=())
    async with listening() as server:
        webhook, _ = await webhooks.add(store, url=server.url)
        await tell(side, webhook)
        await side.round()
    present, (delivery,) = await side.state(webhook)
    assert server.received == []
    assert "--outbound-allow" in delivery.last_error == present.last_error


@pytest.mark.every_database
async def test_two_senders_send_once(store: SqlStore, clock: Turned) -> None:
    """What one service took is not another's."""
    sides = [side_of(store, clock), side_of(store, clock)]
    async with listening() as server:
        webhook, _ = await webhooks.add(store, url=server.url)
        for _ in range(5):
            await tell(sides[0], webhook)
        await asyncio.gather(*(side.round() for side in sides))
    assert len({headers["webhook-id"] for headers, _ in server.received}) == len(server.received) == 5
    assert all(json.loads(body)["type"] == "webhook.test" for _, body in server.received)
