"""What may be seen once: exact over all workers, bounded, forgotten in time."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from tests.supervisor.hubs import joined

from wardgate.gateway.issuer_desk import HubReplayDesk
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.replay import MAX_AHEAD, MAX_KEY, ReplayDesk, SeenKeys

NOW = 1_000_000.0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.1, 60.0), st.floats(0.0, 40.0)), max_size=60))
def test_a_key_is_new_once_while_it_is_remembered(steps: list[tuple[str, float, float]]) -> None:
    """Whatever the order and the pauses: never new again before its time, and forgotten some second after."""
    seen = SeenKeys()
    until: dict[str, float] = {}
    now = NOW
    for key, seconds, pause in steps:
        first = seen.first(key, now + seconds, now)
        if until.get(key, 0.0) > now:
            assert not first
        if until.get(key, 0.0) + 2.0 < now:
            assert first
        if first:
            until[key] = now + seconds
        now += pause
    assert len(seen) <= len(set(until))
    seen.first("last", now + 100.0, now + 99.0)
    assert len(seen) == 1


def test_what_cannot_be_remembered_is_not_new() -> None:
    """Without room, for a key too long, past its time already or too far ahead the answer is no."""
    seen = SeenKeys(size=2)
    assert seen.first("a", NOW + 10, NOW)
    assert seen.first("b", NOW + 20, NOW)
    assert not seen.first("c", NOW + 10, NOW)
    assert seen.first("c", NOW + 30, NOW + 12)
    assert not seen.first("x" * (MAX_KEY + 1), NOW + 30, NOW + 40)
    assert not seen.first("d", NOW + 40, NOW + 40)
    assert not seen.first("d", NOW + 41 + MAX_AHEAD, NOW + 40)
    assert seen.first("d", NOW + 50, NOW + 40)


async def test_two_workers_share_one_memory() -> None:
    """Of a hundred questions about one proof from two workers exactly one is answered yes."""
    hub = Hub()
    desk = ReplayDesk(lambda: NOW)
    await desk.open(hub)
    async with joined(hub, "gateway-0", 1) as (first, child), joined(hub, "gateway-1", 2) as (second, _):
        workers = [HubReplayDesk(first), HubReplayDesk(second)]
        answers = await asyncio.gather(*(workers[n % 2].first("proof", NOW + 60) for n in range(100)))
        assert answers.count(True) == 1
        others = await asyncio.gather(*(workers[n % 2].first(f"proof-{n}", NOW + 60) for n in range(1200)))
        assert all(others)
        desk.child_ended(child)
        assert await workers[1].first("proof-0", NOW + 60) is False
    await desk.close()


async def test_a_silent_or_lost_supervisor_makes_nothing_new() -> None:
    """Nobody to ask, no answer in time, or the end of the connection: the proof is not accepted."""
    hub = Hub()
    hub.on("replay.", lambda child, message: None)
    async with joined(hub, "gateway-0", 1) as (client, _):
        desk = HubReplayDesk(client, seconds=0.05)
        assert await desk.first("a", NOW) is False
        slow = HubReplayDesk(client, seconds=30)
        waiting = asyncio.create_task(slow.first("b", NOW))
        await asyncio.sleep(0.01)
        slow.lost()
        assert await waiting is False
    assert await asyncio.wait_for(slow.first("c", NOW), 1) is False


async def test_questions_are_bounded() -> None:
    """More than four thousand at a time are not even asked."""
    hub = Hub()
    hub.on("replay.", lambda child, message: None)
    async with joined(hub, "gateway-0", 1) as (client, _):
        desk = HubReplayDesk(client, seconds=0.5)
        asked = [asyncio.create_task(desk.first(str(n), NOW)) for n in range(4096)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(desk.first("one more", NOW), 0.3) is False
        assert not any(await asyncio.gather(*asked))
