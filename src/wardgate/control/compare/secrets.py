"""Where an API has secrets sent: to its upstream, to policies before it, to who is asked about tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wardgate.control.compare.access import settings_of
from wardgate.control.compare.rules import At
from wardgate.domain.api import Api
from wardgate.domain.difference import Difference
from wardgate.domain.template import TemplateError, names_in

#: The kind of these differences.
SECRET_SENT = "secret_sent"
_ORIGIN = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<host>[^/?#]*)")
_USUAL_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class _Sent:
    """A secret, and where it goes: an origin, or a policy before one. ``whose``: of which secrets it is one."""

    secret: str
    to: str
    policy: str = ""
    whose: str = ""


def secrets_sent(at: At, before: Api | None, after: Api) -> Iterator[Difference]:
    """A weakening for each secret that ``after`` has sent where ``before`` had it not sent: whoever writes an API chooses
    its upstream, and so who gets the secret. ``None``: nothing is served, so nothing was sent."""
    known = set(_sent(before)) if before is not None else set()
    inner = at.within(f"{at.place} secrets")
    for each in dict.fromkeys(_sent(after)):
        if each in known or replace(each, to=_in_clear(each.to)) in known:
            continue
        thing = f"the {each.whose}secret {each.secret}"
        to = {"secret": each.secret, "to": each.to}
        if each.policy:
            to["policy"] = each.policy
        yield inner.found(
            SECRET_SENT,
            None,
            to,
            f"{thing} is given to the {each.policy} before {each.to}, where it was not given"
            if each.policy
            else f"{thing} is sent to {each.to}, where it was not sent",
            weakens=True,
        )


def _sent(api: Api) -> Iterator[_Sent]:
    origins = [_origin(each) for each in api.upstream.targets]
    for name in sorted(_secrets(api.upstream.headers.values())):
        yield from (_Sent(name, to) for to in origins)
    policies = [(f"policy {use.name}", use) for use in api.policies]
    policies += [
        (f"policy {use.name} of {each.name}", use) for each in api.resources for use in each.policies
    ]
    for policy, use in policies:
        for name in sorted(_secrets((use.config,))):
            yield from (_Sent(name, to, policy) for to in origins)
    for issuer in settings_of(api).issuers:
        if issuer.introspection_secret and issuer.introspection_endpoint:
            yield _Sent(
                issuer.introspection_secret, _origin(issuer.introspection_endpoint), whose="gateway's "
            )


def _in_clear(origin: str) -> str:
    """The same host and port without TLS: who had a secret there, where anybody on the way could read it, may have it."""
    return re.sub("^https:", "http:", origin)


def _secrets(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            try:
                yield from names_in(value)[1]
            except TemplateError:  # a gateway sends nothing of it: such an API stays shut
                continue
        elif isinstance(value, Mapping):
            yield from _secrets(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _secrets(value)


def _origin(url: str) -> str:
    """Scheme, host and port of ``url``; all of it where a variable stands in for them."""
    found = _ORIGIN.match(url)
    if found is None:
        return url
    scheme, host = found["scheme"].lower(), found["host"]
    if "$" not in host:
        host = host.lower().removesuffix(_USUAL_PORTS.get(scheme, ""))
    return f"{scheme}://{host}"
