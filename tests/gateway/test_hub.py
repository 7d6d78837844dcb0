"""Framing on the hub, and the child's client."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway import hub
from wardgate.gateway.hub import HubClient, HubConnection


@given(
    st.lists(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())), max_size=5),
    st.lists(st.integers(1, 40), max_size=30),
)
def test_messages_survive_any_splitting(bodies: list[dict[str, Any]], cuts: list[int]) -> None:
    """However the stream is cut into reads, the same messages come out in order."""
    messages = [{**body, "kind": "k"} for body in bodies]
    stream = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    got: list[dict[str, Any]] = []
    connection = HubConnection(got.append, lambda: None)
    position = 0
    for cut in [*cuts, len(stream) + 1]:
        if stream[position : position + cut]:
            connection.data_received(stream[position : position + cut])
        position += cut
    assert got == messages
    assert connection.malformed == 0


def test_a_line_past_the_bound_is_skipped_whole(monkeypatch: Any) -> None:
    """A line that never ends costs bounded memory, is counted once, and the next line is heard."""
    monkeypatch.setattr(hub, "MAX_LINE", 100)
    got: list[dict[str, Any]] = []
    connection = HubConnection(got.append, lambda: None)
    for _ in range(50):
        connection.data_received(b"x" * 60)
        assert len(connection._partial) <= 160
    connection.data_received(b'xx\n{"kind":"next"}\n')
    assert got == [{"kind": "next"}]
    assert connection.malformed == 1


async def test_a_failing_handler_ends_nothing() -> None:
    """An error in a handler is counted and the next message is handled."""
    got: list[str] = []

    def handler(message: dict[str, Any]) -> None:
        got.append(message["needed"])

    connection = HubConnection(handler, lambda: None)
    connection.data_received(b'{"kind":"a"}\n{"kind":"b","needed":"yes"}\n')
    assert got == ["yes"]
    assert connection.malformed == 1


async def test_send_refuses_when_the_peer_does_not_read(monkeypatch: Any) -> None:
    """Past the bound on buffered bytes a message is refused, so the sender keeps its data."""
    monkeypatch.setattr(hub, "MAX_BUFFERED", 100_000)
    ours, theirs = socket.socketpair()
    client = await HubClient.connect(ours.detach())
    with theirs:
        answers = [client.send({"kind": "telemetry", "rows": "x" * 10_000}) for _ in range(200)]
        assert answers[0]
        assert not answers[-1]
        assert client._connection.refused == answers.count(False)
    await asyncio.sleep(0.01)
    client.close()


async def test_the_client_beats_routes_by_longest_prefix_and_tells_when_the_supervisor_is_gone() -> None:
    """A heartbeat comes first; ``limits.reply`` goes to its own handler before ``limits.``; the end is told once."""
    ours, theirs = socket.socketpair()
    client = await HubClient.connect(ours.detach())
    got: list[tuple[str, str]] = []
    lost = asyncio.Event()
    client.on_lost = lost.set
    client.on("limits.", lambda message: got.append(("prefix", message["kind"])))
    client.on("limits.reply", lambda message: got.append(("exact", message["kind"])))
    await asyncio.sleep(0.01)
    assert json.loads(theirs.recv(4096)) == {"kind": "heartbeat"}
    theirs.sendall(b'{"kind":"limits.reply"}\n{"kind":"limits.recall"}\n{"kind":"other"}\n')
    await asyncio.sleep(0.02)
    assert got == [("exact", "limits.reply"), ("prefix", "limits.recall")]
    client.on("other", lambda message: got.append(("late", message["kind"])))
    assert got[-1] == ("late", "other")
    assert client.unhandled == 0
    theirs.close()
    await asyncio.wait_for(lost.wait(), 5)
    assert not client.connected
    assert not client.send({"kind": "ready"})
