"""Several environments in one service: how each is reached, and the settings each runs by."""

from __future__ import annotations

import pytest

from wardgate.domain.serving import UnreachableError, check_reachable, served, settings_of, with_issuers
from wardgate.domain.settings import AlsoServed, Listener, ServerSettings

SHARED = Listener(port=443, tls=True)
HOSTS = {"production": ("*.example.com", "api.example.com"), "staging": ("stage.example.com:8443",)}


def both(*listeners: Listener, issuer: str = "") -> ServerSettings:
    return ServerSettings(
        environment="production",
        also=(AlsoServed(name="staging"),),
        listeners=listeners,
        issuer=issuer,
        credential_cache=1000,
    )


def test_the_issuer_is_the_first_host_that_is_one() -> None:
    """A pattern names no host; the port a host is written with belongs to it."""
    made = with_issuers(both(SHARED), HOSTS)
    assert [settings_of(made, name).issuer for name in served(made)] == [
        "https://api.example.com",
        "https://stage.example.com:8443",
    ]


def test_the_issuer_of_an_environment_without_hosts_is_its_listener() -> None:
    """The one with TLS before the one without; what the operator said of the primary stands."""
    listeners = (
        SHARED,
        Listener(port=8080, environment="staging"),
        Listener(port=8443, tls=True, environment="staging"),
    )
    made = with_issuers(both(*listeners, issuer="https://id.example.com"), {})
    assert [settings_of(made, name).issuer for name in served(made)] == [
        "https://id.example.com",
        "https://127.0.0.1:8443",
    ]


def test_each_has_its_share_of_the_caches_and_no_others() -> None:
    """What two hold together is what one would hold alone."""
    made = settings_of(with_issuers(both(SHARED), HOSTS), "staging")
    assert (made.environment, made.also, made.credential_cache) == ("staging", (), 500)


def test_one_environment_alone_runs_by_what_was_said() -> None:
    """Nothing is added, whatever hosts it has."""
    alone = ServerSettings(environment="production")
    assert with_issuers(alone, HOSTS) is alone
    assert settings_of(alone, "production") is alone
    check_reachable(alone, {})


@pytest.mark.parametrize(
    ("listeners", "hosts", "words"),
    [
        ((SHARED,), {"production": ("a.test",)}, "no request could be for the environment staging"),
        ((SHARED,), {}, "no request could be for the environment production"),
        ((Listener(environment="staging"),), HOSTS, "no request could be for the environment production"),
        ((SHARED,), {"production": ("a.test",), "staging": ("a.test",)}, "both have the host a.test"),
    ],
)
def test_what_could_never_be_asked_for_is_refused(
    listeners: tuple[Listener, ...], hosts: dict[str, tuple[str, ...]], words: str
) -> None:
    """An environment with neither hosts nor a listener, and one host for two; the message names them."""
    with pytest.raises(UnreachableError, match=words):
        check_reachable(both(*listeners), hosts)


def test_bound_listeners_need_no_hosts() -> None:
    """Also where both have the same, which then decide nothing."""
    listeners = Listener(environment="staging"), Listener(port=1, environment="production")
    check_reachable(both(*listeners), {"production": ("a.test",), "staging": ("a.test",)})
