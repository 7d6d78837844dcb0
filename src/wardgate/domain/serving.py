"""Several environments in one service: which there are, how each is reached, and the settings each runs by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wardgate.domain.settings import AlsoServed, Listener, ServerSettings, issuer_of


class UnreachableError(ValueError):
    """An environment would be served that no request could be for; the message says what to do."""


def served(settings: ServerSettings) -> tuple[str, ...]:
    """Every environment that is served, the primary first."""
    return settings.environment, *(each.name for each in settings.also)


def settings_of(settings: ServerSettings, environment: str) -> ServerSettings:
    """The settings one of the served environments runs by: its own issuer, and its share of what caches hold."""
    if not settings.also:
        return settings
    issuers = {each.name: each.issuer for each in settings.also}
    share = len(settings.also) + 1
    return replace(
        settings,
        environment=environment,
        also=(),
        issuer=issuers.get(environment) or settings.issuer,
        credential_cache=max(1, settings.credential_cache // share),
        negative_cache=max(1, settings.negative_cache // share),
    )


def with_issuers(settings: ServerSettings, hosts: Mapping[str, tuple[str, ...]]) -> ServerSettings:
    """The same with an issuer for each environment: ``https://`` and its first host, else the listener bound to it.

    The primary's is as set, if it is. One environment alone keeps what it has.

    Raises:
        UnreachableError: an environment has neither a listener of its own nor hosts at one that is nobody's.
    """
    if not settings.also:
        return settings
    return replace(
        settings,
        issuer=settings.issuer or _issuer(settings, settings.environment, hosts),
        also=tuple(
            AlsoServed(name=each.name, issuer=_issuer(settings, each.name, hosts)) for each in settings.also
        ),
    )


def check_reachable(settings: ServerSettings, hosts: Mapping[str, tuple[str, ...]]) -> None:
    """Returns when a request can be for every environment, and for one only.

    Raises:
        UnreachableError: it cannot.
    """
    if not settings.also:
        return
    shared = any(not listener.environment for listener in settings.listeners)
    claimed: dict[str, str] = {}
    for environment in served(settings):
        for host in hosts.get(environment, ()) if shared else ():
            other = claimed.setdefault(host, environment)
            if other != environment:
                raise UnreachableError(
                    f"the environments {other} and {environment} both have the host {host}: take it from one of them"
                )
        if _own(settings, environment) or (shared and hosts.get(environment)):
            continue
        raise UnreachableError(
            f"no request could be for the environment {environment}: bind a listener to it with "
            f"--listen HOST:PORT@{environment}, or give it hosts"
        )


def _own(settings: ServerSettings, environment: str) -> list[Listener]:
    """The listeners bound to an environment, those with TLS first."""
    own = [listener for listener in settings.listeners if listener.environment == environment]
    return sorted(own, key=lambda listener: not listener.tls)


def _issuer(settings: ServerSettings, environment: str, hosts: Mapping[str, tuple[str, ...]]) -> str:
    named = [host for host in hosts.get(environment, ()) if not host.startswith("*")]
    if named:
        return f"https://{named[0]}"
    listeners = tuple(_own(settings, environment)) or settings.listeners
    return issuer_of(replace(settings, issuer="", listeners=listeners))
