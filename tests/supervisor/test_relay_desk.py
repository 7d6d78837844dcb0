"""Workers' questions about issuers on their way to the control process and back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.supervisor.hubs import joined

from wardgate.domain.trust import TrustedIssuer
from wardgate.gateway.hub import HubClient, Message
from wardgate.gateway.issuer_desk import HubIssuerDesk
from wardgate.gateway.ports import IssuerUnavailableError
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.relay import RelayDesk

ISSUER = TrustedIssuer(
    issuer="https://id.test",
    kind="introspection",
    introspection_endpoint="https://id.test/i",
    introspection_client_id="gw",
    introspection_secret="INTROSPECTION_X",
)


class Control:
    """The control process's end: notes questions, answers when told."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self.asked: asyncio.Queue[Message] = asyncio.Queue()
        client.on("issuer.", self.asked.put_nowait)
        client.on("introspect.", self.asked.put_nowait)

    async def answer(self, **reply: Any) -> Message:
        """Answers the next question."""
        question = await asyncio.wait_for(self.asked.get(), 5)
        kind = "issuer.reply" if question["kind"] == "issuer.refresh" else "introspect.reply"
        self._client.send({"kind": kind, **{n: question[n] for n in ("id", "worker", "life")}, **reply})
        return question


async def relaying() -> Hub:
    """A hub with the desk."""
    hub = Hub()
    await RelayDesk().open(hub)
    return hub


async def test_an_answer_comes_back_to_who_asked() -> None:
    """Two workers with the same numbers each hear their own answer."""
    hub = await relaying()
    async with (
        joined(hub, "gateway-0", 1) as (first, _),
        joined(hub, "gateway-1", 2) as (second, _),
        joined(hub, "control", 3) as (control_end, _),
    ):
        control = Control(control_end)
        desks = HubIssuerDesk(first), HubIssuerDesk(second)
        asked = [asyncio.create_task(desk.introspect(ISSUER, f"t{n}")) for n, desk in enumerate(desks)]
        for _ in asked:
            question = await asyncio.wait_for(control.asked.get(), 5)
            assert question["endpoint"] == "https://id.test/i"
            assert "INTROSPECTION_X" not in str(question)
            answer = {"active": True, "sub": question["token"]}
            envelope = {name: question[name] for name in ("id", "worker", "life")}
            control_end.send({"kind": "introspect.reply", **envelope, "answer": answer})
        assert [(await task)["sub"] for task in asked] == ["t0", "t1"]


async def test_one_question_about_keys_serves_all_who_ask() -> None:
    """Questions about one issuer's keys fly once a worker; a failure is told to all of them, and the next flies anew."""
    hub = await relaying()
    async with joined(hub, "gateway-0", 1) as (worker, _), joined(hub, "control", 2) as (control_end, _):
        control, desk = Control(control_end), HubIssuerDesk(worker)
        waiting = [asyncio.ensure_future(desk.refresh(ISSUER)) for _ in range(20)]
        waiting[0].cancel()
        await control.answer(error="id.test did not answer within 5 s")
        for task in waiting[1:]:
            with pytest.raises(IssuerUnavailableError, match=r"id\.test did not answer within 5 s"):
                await task
        assert control.asked.empty()
        again = asyncio.ensure_future(desk.refresh(ISSUER))
        await control.answer()
        assert await again is None  # type: ignore[func-returns-value]


async def test_without_control_the_worker_hears_it_at_once() -> None:
    """A control process that is not there costs no time-out."""
    hub = await relaying()
    async with joined(hub, "gateway-0", 1) as (worker, _):
        desk = HubIssuerDesk(worker, seconds=30)
        with pytest.raises(IssuerUnavailableError, match="the control process is away"):
            await asyncio.wait_for(desk.introspect(ISSUER, "t"), 2)
        with pytest.raises(IssuerUnavailableError, match="the control process is away"):
            await asyncio.wait_for(desk.refresh(ISSUER), 2)


async def test_a_silent_control_costs_the_time_out() -> None:
    """What nobody answers is given up."""
    hub = await relaying()
    async with joined(hub, "gateway-0", 1) as (worker, _), joined(hub, "control", 2):
        desk = HubIssuerDesk(worker, seconds=0.05)
        with pytest.raises(IssuerUnavailableError, match=r"did not answer within 0\.05 s"):
            await desk.introspect(ISSUER, "t")


async def test_a_lost_supervisor_ends_every_question() -> None:
    """Questions that wait are answered in the negative, later ones at once."""
    hub = await relaying()
    async with joined(hub, "gateway-0", 1) as (worker, _), joined(hub, "control", 2):
        desk = HubIssuerDesk(worker, seconds=30)
        waiting = asyncio.create_task(desk.introspect(ISSUER, "t"))
        await asyncio.sleep(0.01)
        desk.lost()
        with pytest.raises(IssuerUnavailableError, match="the supervisor is gone"):
            await waiting
    with pytest.raises(IssuerUnavailableError, match="the supervisor is gone"):
        await asyncio.wait_for(desk.introspect(ISSUER, "t"), 1)


async def test_answers_to_a_process_that_ended_reach_nobody() -> None:
    """A successor of the same name counts anew, and must not take an old answer for its own."""
    hub = Hub()
    relay = RelayDesk()
    await relay.open(hub)
    async with joined(hub, "control", 9) as (control_end, _):
        control = Control(control_end)
        async with joined(hub, "gateway-0", 1) as (worker, child):
            lost = asyncio.create_task(HubIssuerDesk(worker, seconds=5).introspect(ISSUER, "old"))
            old = await asyncio.wait_for(control.asked.get(), 5)
            lost.cancel()
            relay.child_ended(child)
        async with joined(hub, "gateway-0", 2) as (worker, _):
            fresh = asyncio.create_task(HubIssuerDesk(worker, seconds=5).introspect(ISSUER, "new"))
            new = await asyncio.wait_for(control.asked.get(), 5)
            assert new["id"] == old["id"]
            for question, active in ((old, True), (new, False)):
                envelope = {name: question[name] for name in ("id", "worker", "life")}
                control_end.send({"kind": "introspect.reply", **envelope, "answer": {"active": active}})
            assert await fresh == {"active": False}


async def test_a_worker_cannot_answer_for_control() -> None:
    """Only control's replies are passed to workers."""
    hub = await relaying()
    async with joined(hub, "gateway-0", 1) as (first, _), joined(hub, "gateway-1", 2) as (second, _):
        heard: list[Message] = []
        second.on("introspect.", heard.append)
        first.send({"kind": "introspect.reply", "id": 1, "worker": "gateway-1", "life": 2, "answer": {}})
        await asyncio.sleep(0.05)
        assert heard == []
