"""What a row changes of a sound request: one thing each, said in words for the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.tokens import Jwt
from tests.identity.token_side import Holder


@dataclass(frozen=True, slots=True)
class Change:
    """``text`` says what ``make`` does to a sound request, or to the world (a house or a gate) before it is sent."""

    text: str
    make: Callable[[Any, Request], Awaitable[Request]]


def change(text: str) -> Callable[[Callable[[Any, Request], Awaitable[Request]]], Change]:
    """Makes a change of a function."""
    return lambda make: Change(text, make)


def simple(text: str, make: Callable[[Request], Request]) -> Change:
    """A change of the request alone."""

    async def changed(house: House, request: Request) -> Request:
        return make(request)

    return Change(text, changed)


def without(*names: str) -> Change:
    """Parameters are left out."""
    return simple("without " + ", ".join(f"`{name}`" for name in names), lambda r: r.without(*names))


def with_(text: str = "", /, **values: str) -> Change:
    """Parameters have other values."""
    shown = text or ", ".join(f"`{name}={value}`" for name, value in values.items())
    return simple(shown, lambda request: request.with_(**values))


def empty(name: str) -> Change:
    """A parameter without a value."""
    return simple(f"`{name}` empty", lambda request: request.with_(**{name: ""}))


def twice(name: str) -> Change:
    """A parameter stands twice, with the same value."""
    return simple(
        f"`{name}` twice",
        lambda request: request.saying((*request.parameters, (name, request.value(name)))),
    )


def by(method: str) -> Change:
    """Another HTTP method, the parameters in the query."""
    return simple(
        f"sent by {method}",
        lambda request: replace(request, method=method, query=(*request.query, *request.form), form=()),
    )


def in_query(*names: str) -> Change:
    """Parameters of the form stand in the query instead."""

    def moved(request: Request) -> Request:
        there = tuple(pair for pair in request.form if pair[0] in names)
        return replace(request.without(*names), query=(*request.query, *there))

    return simple(", ".join(f"`{name}`" for name in names) + " in the query", moved)


def header(name: str, *values: str, text: str = "") -> Change:
    """A header has these values; none: it is left out."""
    shown = text or (f"`{name}: {', '.join(values)}`" if values else f"without `{name}`")
    return simple(shown, lambda request: request.header(name, *values))


def later(seconds: float) -> Change:
    """Time passes between the making of the request and its sending."""

    async def passed(house: House, request: Request) -> Request:
        house.side.clock.forward(seconds)
        return request

    return Change(f"sent {seconds:g} s later", passed)


def sequence(*changes: Change) -> Change:
    """One change that takes several steps."""

    async def changed(house: House, request: Request) -> Request:
        for each in changes:
            request = await each.make(house, request)
        return request

    return Change(", ".join(each.text for each in changes), changed)


def content_type(value: str) -> Change:
    """The body stays as it is and says it is something else."""
    return simple(
        f"`Content-Type: {value}`",
        lambda request: replace(request.header("Content-Type", value), body=request.payload[1]),
    )


def first_sent(text: str = "sent twice") -> Change:
    """The same request was sent before, and succeeded."""

    async def sent(house: House, request: Request) -> Request:
        before = await house.send(request)
        assert before.status < 400, before.text
        return replace(request, facts={**request.facts, "before": before})

    return Change(text, sent)


def _bent(text: str, bend: Callable[[Jwt], Jwt], spoil: Callable[[str], str] = lambda token: token) -> Change:
    def changed(request: Request) -> Request:
        assert request.jwt is not None
        made = bend(request.jwt)
        return made.put(replace(request, jwt=made), spoil(made.text()))

    return simple(text, changed)


def claim(text: str = "", /, **values: Any) -> Change:
    """Claims of the signed token have other values; ``None`` leaves one out."""
    shown = text or ", ".join(
        f"without `{name}`" if value is None else f"`{name}` = `{value}`" for name, value in values.items()
    )

    def bend(jwt: Jwt) -> Jwt:
        return replace(jwt, claims=_merged(jwt.claims, values))

    return _bent(shown, bend)


def times(text: str, **seconds: float | None) -> Change:
    """Claims that are times, by seconds from now."""

    async def changed(house: House, request: Request) -> Request:
        assert request.jwt is not None
        now = house.now()
        values = {name: None if value is None else int(now + value) for name, value in seconds.items()}
        made = replace(request.jwt, claims=_merged(request.jwt.claims, values))
        return made.put(replace(request, jwt=made), made.text())

    return Change(text, changed)


def jose(text: str = "", /, **values: Any) -> Change:
    """Header parameters of the signed token have other values; ``None`` leaves one out."""
    shown = text or ", ".join(
        f"without `{name}`" if value is None else f"`{name}` = `{value}`" for name, value in values.items()
    )
    return _bent(shown, lambda jwt: replace(jwt, header=_merged(jwt.header, values)))


def other_key(text: str = "signed by another key") -> Change:
    """Somebody else signed."""
    return _bent(text, lambda jwt: replace(jwt, holder=Holder(jwt.holder.algorithm)))


def _altered(token: str) -> str:
    head, body, signature = token.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{body}.{signature[:middle]}{other}{signature[middle + 1 :]}"


#: What may be wrong with the signature of any token (RFC 7515 section 5.2, RFC 8725).
UNSIGNED = jose("`alg` = `none`, no signature", alg="none")
SYMMETRIC = jose("`alg` = `HS256`, the public key as secret", alg="HS256")
ALTERED = _bent("one character of the signature altered", lambda jwt: jwt, _altered)
ENCRYPTED = _bent("of five parts, as an encrypted one", lambda jwt: jwt, lambda token: f"{token}.AAAA.AAAA")
CRITICAL = jose("with a `crit` extension", crit=["b64"], b64=False)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**old, **new}.items() if value is not None}
