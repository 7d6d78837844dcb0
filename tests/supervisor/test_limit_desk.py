"""The desk of the limits authority, between real clients of two workers."""

from __future__ import annotations

import asyncio
import time

from wardgate.domain.limit import Limit, Plan
from wardgate.gateway.hub import Message
from wardgate.limits.client import LimitClient
from wardgate.limits.limitset import Denied
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.limits import LimitDesk
from wardgate.supervisor.processes import Child, ChildSpec, Patience

PLAN = Plan(
    name="free",
    limits=(Limit(kind="quota", amount=10, per="year"), Limit(kind="concurrency", amount=4)),
)


class Linked(Child):
    """A worker whose messages go straight to its client, as if its process had them."""

    def __init__(self, hub: Hub, life: int) -> None:
        spec = ChildSpec(name=f"gateway-{life}", module="none", stdin=b"")
        super().__init__(spec, hub.receive, lambda child, status: None, Patience())
        self.life = life
        self.client = LimitClient(lambda message: hub.receive(self, message), time.monotonic, time.time)

    def send(self, message: Message) -> bool:
        asyncio.get_running_loop().call_soon(self.client.on_message, message)
        return True


async def take(worker: Linked) -> Denied | None:
    """One request of the subscription at ``worker``."""
    answer = worker.client.bind("sub", PLAN).take(time.monotonic())
    return answer if answer is None or isinstance(answer, Denied) else await answer


async def test_workers_share_one_count_and_a_dead_one_gives_back_what_ran() -> None:
    """Two workers together stay within the concurrency; when one dies its requests in flight are over."""
    hub = Hub()
    desk = LimitDesk([])
    await desk.open(hub)
    first, second = Linked(hub, 1), Linked(hub, 2)
    answers = [await take(worker) for worker in (first, second, first, second)]
    assert answers == [None] * 4
    refused = await take(second)
    assert refused is not None
    desk.child_ended(first)
    await asyncio.sleep(0.1)
    assert await take(second) is None
    await desk.close()


async def test_quotas_go_on_where_they_were() -> None:
    """What was used before a restart counts after it; only what changed is handed out for writing."""
    hub = Hub()
    desk = LimitDesk([])
    await desk.open(hub)
    worker = Linked(hub, 1)
    for _ in range(3):
        assert await take(worker) is None
        worker.client.bind("sub", PLAN).release()
    worker.client.close()
    await asyncio.sleep(0.05)
    desk.child_ended(worker)
    ((key, window, used),) = desk.take_quotas()
    assert used == 3
    assert desk.take_quotas() == []
    await desk.close()

    again = LimitDesk([(key, window, 9)])
    hub = Hub()
    await again.open(hub)
    worker = Linked(hub, 2)
    assert await take(worker) is None
    refused = await take(worker)
    assert refused is not None
    assert refused.reason == "quota_exceeded"
    await again.close()
