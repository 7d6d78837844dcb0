"""An API that cannot be served as deployed, and a policy that fails: neither keeps a right that was taken away."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, ok, orders
from tests.gateway.test_standing import open_one

from wardgate.control import applications
from wardgate.domain.api import PolicyUse
from wardgate.domain.standing import Standing
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import CompileContext


class Fickle:
    """A policy that works until it is told not to."""

    name = "test.fickle"
    phase = "authorize"

    def __init__(self) -> None:
        self.compiles = True
        self.decides = True

    def validate(self, config: Mapping[str, Any]) -> None:
        """Takes anything."""

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """A step that lets in, or fails."""
        if not self.compiles and config:
            raise KeyError("a setting")

        def fickle(_exchange: Exchange) -> None:
            if not self.decides:
                raise RuntimeError("the policy is broken")

        return fickle


async def stand(gateway: Gateway, standing: Standing) -> None:
    """The API stands so from now on."""
    async with gateway.store.writing() as tx:
        await tx.apis.set_standing("orders/v1", replace(standing, off=()))
        await tx.apis.set_off("development", "orders/v1", standing.off)
        await tx.feed.append("api", "development orders/v1", at=time.time())
    gateway.worker.on_wake()


async def asked(gateway: Gateway, upstream: Upstream) -> tuple[int, str]:
    """Status of a request, and the reason of its refusal."""
    client = await gateway.connect()
    client.send(gateway.request("GET", "/items"))
    if not _shut(gateway):
        peer = await upstream.accept()
        await peer.head()
        peer.send(ok(b"", b"Connection: close"))
    answer = await client.answer()
    return answer.status, "" if answer.status == 200 else answer.reason


def _shut(gateway: Gateway) -> bool:
    mounted = gateway.worker.snapshot.mounted["orders/v1"]
    return bool(mounted.api.standing.off) or mounted.api.standing.lifecycle == "retired"


@pytest.mark.parametrize(
    ("standing", "status", "reason"),
    [
        (Standing(off=("*",)), 503, "api_disabled"),
        (Standing(off=("GET /items",)), 503, "api_disabled"),
        (Standing(lifecycle="retired"), 410, "api_retired"),
    ],
)
@pytest.mark.parametrize("again", [True, False])
async def test_the_kill_switch_shuts_an_api_whose_new_form_cannot_be_served(
    gateway: Gateway,
    upstream: Upstream,
    standing: Standing,
    status: int,
    reason: str,
    again: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It stays as it was but for that it is shut, also where not even its old form can be compiled again; and it opens when
    it is switched on."""
    policy = Fickle()
    gateway.worker._registry.add(policy)
    await gateway.apply(
        orders(upstream.url, policies=(PolicyUse(name=policy.name, config={"a": 1} if not again else {}),))
    )
    policy.compiles = False
    with caplog.at_level(logging.ERROR):
        await gateway.apply(orders(upstream.url, policies=(PolicyUse(name=policy.name, config={"b": 1}),)))
    assert "orders/v1 cannot be served as deployed" in caplog.text
    assert await asked(gateway, upstream) == (200, "")
    await stand(gateway, standing)
    assert await asked(gateway, upstream) == (status, reason)
    await stand(gateway, Standing())
    assert await asked(gateway, upstream) == (200, "")


async def test_a_policy_that_fails_ends_a_stream_and_holds_up_no_change(
    gateway: Gateway, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be decided any more is refused, and the worker still follows the feed."""
    policy = Fickle()
    gateway.worker._registry.add(policy)
    await gateway.apply(orders(upstream.url, policies=(PolicyUse(name=policy.name),)))
    client, peer = await open_one(gateway, upstream, "tunnel")
    policy.decides = False
    read_at = gateway.worker._feed._position
    with caplog.at_level(logging.ERROR):
        await applications.suspend(gateway.store, "mobile")
        await applications.restore(gateway.store, "mobile")
        gateway.worker.on_wake()
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["gateway_error"]
    assert gateway.worker._feed._position > read_at
    assert "a change could not be taken over" not in caplog.text
