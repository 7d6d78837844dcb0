"""What an API needs of its environment's secrets: asked for only where they are named, and never told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.policy.exchanges import api, resource

from wardgate.domain.api import Api, PolicyUse
from wardgate.domain.secret import Secret
from wardgate.domain.upstream import Upstream
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.secrets import NOTHING, SecretMissingError, reveal
from wardgate.gateway.snapshot import Snapshot
from wardgate.policy.compiled import CompiledApi
from wardgate.policy.exchange import Step
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import CompileContext, PolicyConfigError, PolicyRegistry

KNOWN = {"A": Secret("alpha"), "BAD": Secret("a\nb"), "WIDE": Secret("\u20ac"), "BLANK": Secret(" ")}


def sending(**headers: str) -> Api:
    """An API that sends these."""
    return api(upstream=Upstream(targets=("http://127.0.0.1:9",), headers=headers))


def unasked() -> Mapping[str, Secret]:
    """Secrets that nobody should want."""
    raise AssertionError("the secrets were asked for")


def test_secrets_are_asked_for_only_where_they_are_named() -> None:
    """Most APIs name none, and reading them is not free."""
    assert reveal(api(), unasked) is NOTHING
    found = reveal(sending(**{"X-Plain": "value"}), unasked)
    assert (found.lines, found.names) == (b"X-Plain: value\r\n", frozenset({b"x-plain"}))


def test_a_header_is_filled_in_and_not_shown() -> None:
    """The line holds the secret, its representation does not."""
    found = reveal(sending(**{"X-Key": "Bearer ${secret:A}", "X_Cost": "$$1"}), lambda: KNOWN)
    assert found.lines == b"X-Key: Bearer alpha\r\nX_Cost: $1\r\n"
    assert found.names == {b"x-key", b"x-cost"}
    assert "alpha" not in repr(found)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${secret:GONE}", "there is no secret 'GONE'"),
        ("${secret:BAD}", "a header cannot hold its value"),
        ("${secret:WIDE}", "a header cannot hold its value"),
        ("${secret:BLANK}", "a header cannot hold its value"),
    ],
)
def test_what_cannot_be_sent_is_told_by_name(value: str, message: str) -> None:
    """The header and the secret are named, and nothing of a value is."""
    with pytest.raises(SecretMissingError) as caught:
        reveal(sending(**{"X-Key": value}), lambda: KNOWN)
    assert message in str(caught.value)
    assert "X-Key" in str(caught.value)
    assert "a\nb" not in str(caught.value)


class Wanting:
    """A policy that takes its settings, or complains of their value."""

    name = "acme.wanting"
    phase = "authorize"

    def __init__(self, complain: bool = False) -> None:
        self.complain = complain
        self.seen: list[object] = []

    def validate(self, config: Mapping[str, object]) -> None:
        """Complains where it was told to."""
        if self.complain:
            raise PolicyConfigError("token", f"{config['token']!r} is too short", "Write a longer one")

    def compile(self, config: Mapping[str, object], context: CompileContext) -> Step | None:
        """Nothing to do on a request."""
        self.seen.append(config["token"])
        return None


def built(
    made: Api, policy: Wanting, secrets: Mapping[str, Secret], before: Snapshot | None = None
) -> tuple[Snapshot, list[str]]:
    """The snapshot of an API, and what was told to be broken."""
    told: list[str] = []

    def compiled(each: Api) -> CompiledApi:
        return compile_api(each, "development", PolicyRegistry([policy]))

    def pool(each: Api) -> UpstreamPool:
        return object()  # type: ignore[return-value]  # nothing is sent

    found = snapshots.build(
        [made], before, b"k" * 32, compiled, pool, lambda _, error: told.append(str(error)), lambda: secrets
    )
    return found, told


USE = PolicyUse(name="acme.wanting", config={"token": "${secret:A}"})


def test_policies_get_their_secrets_and_what_is_served_does_not_show_them() -> None:
    """At an API and at a resource; a changed secret compiles anew, an unchanged one does not."""
    made = replace(api(resource("api_key", policies=())), policies=(USE,))
    policy = Wanting()
    first, told = built(made, policy, KNOWN)
    assert (policy.seen, told) == (["alpha"], [])
    assert first.mounted["orders/v1"].api is made
    second, _ = built(made, policy, KNOWN, first)
    assert second.mounted["orders/v1"] is first.mounted["orders/v1"]
    built(made, policy, {"A": Secret("beta")}, second)
    assert policy.seen == ["alpha", "beta"]


def test_a_policy_that_repeats_its_settings_is_not_quoted() -> None:
    """What it says of settings that hold secrets stays out of the log; that it objected does not."""
    found, told = built(replace(api(), policies=(USE,)), Wanting(complain=True), KNOWN)
    assert not found.mounted
    assert told == ["PolicyConfigError in settings that hold secrets"]


def test_an_api_without_its_secret_is_shut_and_told_once() -> None:
    """It stays mounted, so that its clients read 503 and not 404; the log is not filled with it."""
    made = replace(api(), policies=(USE,))
    shut, told = built(made, Wanting(), {})
    assert shut.mounted["orders/v1"].shut == "secret_missing"
    assert told == ["policies of orders/v1: there is no secret 'A'"]
    again, told = built(made, Wanting(), {}, shut)
    assert (again.mounted["orders/v1"].shut, told) == ("secret_missing", [])
    opened, _ = built(made, Wanting(), KNOWN, again)
    assert opened.mounted["orders/v1"].shut == ""
