"""Children of a supervisor's hub over real sockets, without their processes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import cast

from wardgate.gateway.hub import HubClient, HubConnection, Message
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child, ChildSpec, Patience


class Linked(Child):
    """A child whose socket leads to a client in this process."""

    def __init__(self, hub: Hub, name: str, life: int) -> None:
        spec = ChildSpec(name=name, module="none", stdin=b"")
        super().__init__(spec, hub.receive, lambda child, status: None, Patience())
        self.life = life
        self.link = HubConnection(lambda message: hub.receive(self, message), lambda: None)

    def send(self, message: Message) -> bool:
        return self.link.send(message)


@contextlib.asynccontextmanager
async def joined(hub: Hub, name: str, life: int) -> AsyncIterator[tuple[HubClient, Linked]]:
    """A child called ``name`` at ``hub``: its own end, and the supervisor's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    hub.on("heartbeat", lambda child, message: None)
    child = Linked(hub, name, life)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: cast("asyncio.Protocol", child.link), sock=ours)
    hub.add(child)
    client = await HubClient.connect(theirs.detach())
    try:
        yield client, child
    finally:
        client.close()
        child.link.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
