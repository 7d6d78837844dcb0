"""A child process for the tests of the supervisor: does on the hub what its standard input tells it to."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from wardgate.gateway.hub import HubClient, Message
from wardgate.gateway.launch import EXIT_CONFIG, hub_fd


async def live(deed: str) -> int:
    if deed == "config":
        return EXIT_CONFIG
    hub = await HubClient.connect(hub_fd())
    done = asyncio.Event()
    hub.on("drain", lambda message: done.set())
    hub.on_lost = done.set

    def answer(message: Message) -> None:
        hub.send({"kind": "answer", "of": message["value"], "pid": os.getpid()})

    hub.on("question", answer)
    if deed == "garbage":
        os.write(hub_fd(), b'no json\n[1]\n{"kind": 7}\n\xff\xfe\n')
    if deed == "stubborn":
        hub.on("drain", lambda message: None)
    hub.send({"kind": "ready"})
    if deed == "crash":
        await asyncio.sleep(0.02)
        return 3
    if deed == "hang":
        await asyncio.sleep(0.05)
        time.sleep(60)
    await done.wait()
    hub.send({"kind": "drained"})
    hub.close()
    await asyncio.sleep(0.02)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(live(sys.stdin.read())))
