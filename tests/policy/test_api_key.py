"""Keys: accepted only in full order, and refused without a word on what was wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.exchanges import (
    WALL,
    Directory,
    compiled,
    exchange,
    principal,
    reason,
    resource,
    verdict,
)

from wardgate.domain.principal import Principal
from wardgate.gateway import answers

(ITEMS,) = compiled().resources
REFERER = b"Referer: https://shop.example.com/cart"

WRONG: dict[str, tuple[Principal | None, bytes | None]] = {
    "credential_malformed": (None, b""),
    "key_unknown": (None, b"d" * 32),
    "key_revoked": (principal(revoked_at=WALL - 1), b"d" * 32),
    "key_expired": (principal(expires_at=WALL), b"d" * 32),
    "key_wrong_environment": (principal(environment="production"), b"d" * 32),
    "key_address_refused": (principal(cidrs=("10.0.0.0/8",)), b"d" * 32),
    "key_referrer_refused": (principal(referers=("shop.example.com",)), b"d" * 32),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_key_has_its_reason(name: str) -> None:
    """The log tells them apart, and nobody is authenticated."""
    who, digest = WRONG[name]
    made = exchange(ITEMS, who, digest=digest)
    assert reason(made) == name
    assert made.principal is None


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same() -> None:
    """Byte for byte, but for the id that each answer has."""
    seen = set()
    for who, digest in WRONG.values():
        refused = verdict(exchange(ITEMS, who, digest=digest))
        assert refused is not None
        seen.add(answers.problem(refused, b"", with_body=True))
    (answer,) = seen
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'\r\nWWW-Authenticate: ApiKey realm="wardgate"\r\n' in answer
    assert b'"reason": "credential_invalid"' in answer


def test_no_key_is_asked_for_one() -> None:
    """A request without a key is told which scheme to use, and nothing is looked up."""
    directory = Directory()
    refused = verdict(exchange(ITEMS, digest=None, directory=directory))
    assert refused is not None
    assert (refused.reason.name, refused.reason.status) == ("credential_missing", 401)
    assert refused.headers == (b'WWW-Authenticate: ApiKey realm="wardgate"',)
    assert directory.asked == []


def test_a_garbled_key_is_not_looked_up() -> None:
    """The checksum already said that it is none."""
    directory = Directory()
    assert reason(exchange(ITEMS, digest=b"", directory=directory)) == "credential_malformed"
    assert directory.asked == []


def test_a_good_key_passes() -> None:
    """Afterwards the caller and its subscription are known."""
    who = principal(expires_at=WALL + 0.001)
    made = exchange(ITEMS, who)
    assert reason(made) == "ok"
    assert made.principal is who
    assert made.subscription is who.subscriptions["orders/v1"]


@pytest.mark.parametrize(
    ("cidrs", "client", "accepted"),
    [
        (("192.0.2.0/24",), "192.0.2.7", True),
        (("192.0.2.7/32",), "192.0.2.7", True),
        (("192.0.2.8/32",), "192.0.2.7", False),
        (("10.0.0.0/8", "192.0.2.0/24"), "192.0.2.7", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "192.0.2.7", False),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.7", True),
        (("192.0.2.0/24",), "", False),
        (("0.0.0.0/0", "::/0"), "unknown", False),
    ],
)
def test_a_key_bound_to_networks(cidrs: tuple[str, ...], client: str, accepted: bool) -> None:
    """The client's address must lie in one of them; what is no address lies in none."""
    got = reason(exchange(ITEMS, principal(cidrs=cidrs), client=client))
    assert got == ("ok" if accepted else "key_address_refused")


@pytest.mark.parametrize(
    ("referers", "fields", "accepted"),
    [
        (("shop.example.com",), [REFERER], True),
        (("shop.example.com",), [b"Referer: HTTPS://SHOP.example.com:8443/x?y"], True),
        (("*.example.com",), [REFERER], True),
        (("*.example.com",), [b"Referer: https://example.com/"], False),
        (("*.example.com",), [b"Referer: https://evilexample.com/"], False),
        (("shop.example.com",), [b"Referer: https://shop.example.com.evil.test/"], False),
        (("shop.example.com",), [b"Referer: https://evil.test/shop.example.com"], False),
        (("shop.example.com",), [b"Referer: https://shop.example.com@evil.test/"], False),
        (("shop.example.com",), [], False),
        (("shop.example.com",), [REFERER, REFERER], False),
        (("shop.example.com",), [b"Referer: "], False),
        (("shop.example.com",), [b"Referer: https://[::1"], False),
        (("shop.example.com",), [b"Referer: https://\xff\xfe/"], False),
        (("shop.example.com",), [b"Referer: shop.example.com"], False),
    ],
)
def test_a_key_bound_to_referring_hosts(
    referers: tuple[str, ...], fields: list[bytes], accepted: bool
) -> None:
    """Exactly one Referer must name an allowed host."""
    got = reason(exchange(ITEMS, principal(referers=referers), *fields))
    assert got == ("ok" if accepted else "key_referrer_refused")


@given(st.binary(max_size=80).filter(lambda value: not set(value) & set(b"\r\n\0")))
def test_no_referer_is_an_accident(value: bytes) -> None:
    """Whatever bytes stand there, the key is accepted or refused, and only one that holds the host is accepted."""
    from wardgate.gateway.head import HeadError

    try:
        made = exchange(ITEMS, principal(referers=("shop.example.com",)), b"Referer: " + value)
    except HeadError:
        return
    got = reason(made)
    assert got == "key_referrer_refused" or b"shop.example.com" in value.lower()


def test_an_open_resource_asks_for_nothing() -> None:
    """No step looks a key up there, and its caller stays unknown."""
    (free,) = compiled(resource()).resources
    directory = Directory()
    made = exchange(free, directory=directory)
    assert reason(made) == "ok"
    assert (directory.asked, made.principal, made.subscription) == ([], None, None)
