"""Authorizes by conditions over the request and its caller; what cannot be decided is refused.

Nor is anything decided by what the upstream may read otherwise: a header that is left behind here is not seen, and one
that has another spelling, or a query that is split or decoded in another way by some, cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange
from wardgate.policy.expression import Expression, UndecidedError

#: Parameters of a query that are looked at; with more nothing is decided.
_MOST_PARAMETERS = 500
#: Headers that hold credentials, or that this gateway alone may state.
SECRET_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie", "dpop"))
_HIDDEN = frozenset(name.encode() for name in SECRET_HEADERS)
_OWN = b"x-wardgate-"
_NO_LETTER = re.compile(rb"[^0-9a-z]")
#: What some split at, end at, or decode, and others do not.
_TWO_READINGS = re.compile(rb";|%00|%(?![0-9A-Fa-f]{2})")

Entries = frozenset[str] | None


class Conditions:
    """The step of a resource with conditions, its API's and its own: all are true. ``key_name`` is where keys are sent, in
    lower case, and ``in_query`` whether that is a parameter: no condition sees it."""

    __slots__ = ("_expressions", "_hidden", "_query_key", "_uses", "_wanted")

    def __init__(self, expressions: tuple[Expression, ...], key_name: str, *, in_query: bool) -> None:
        self._expressions = expressions
        self._hidden = _HIDDEN if in_query or not key_name else _HIDDEN | {_variable(key_name)}
        self._query_key = key_name if in_query else ""
        uses: dict[str, Entries] = {}
        for expression in expressions:
            for name, entries in expression.uses.items():
                before = uses.get(name, frozenset())
                uses[name] = None if entries is None or before is None else before | entries
        self._uses = tuple(uses.items())
        named = uses.get("headers")
        #: The headers that are read, by what a server may make of their names; ``None``: any.
        self._wanted = None if named is None else {_variable(name): name.encode() for name in named}

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The conditions, the API's first."""
        return self._expressions

    def __call__(self, exchange: Exchange, /) -> Rejection | None:
        principal = exchange.principal
        if principal is None:
            return Rejection.of("condition_failed", note="nobody is known to ask the condition about")
        try:
            values = {name: self._value(name, entries, exchange, principal) for name, entries in self._uses}
        except ValueError:
            return Rejection.of("condition_failed", note="the request cannot be read for its conditions")
        for expression in self._expressions:
            try:
                if expression.holds(values):
                    continue
            except UndecidedError as undecided:
                note = f"{expression.text} could not be decided: {undecided.kind}"
                return Rejection.of("condition_failed", note=note)
            return Rejection.of("condition_failed", note=f"{expression.text} is false")
        return None

    def _value(self, name: str, entries: Entries, exchange: Exchange, principal: Principal) -> object:
        """What the variable holds, of a map no more than the entries that are read. Raises ValueError."""
        if name == "claims":
            claims = _claims(principal.token)
            return claims if entries is None else {key: claims[key] for key in entries if key in claims}
        if name == "path":
            return exchange.parameters
        if name == "roles":
            return _roles(exchange, principal)
        if name == "groups":
            return sorted(principal.groups)
        if name == "scopes":
            return sorted(principal.token.scopes) if principal.token is not None else []
        if name == "application":
            application = principal.application
            return {"id": application.id, "name": application.name, "groups": list(application.groups)}
        if name == "query":
            return self._query(exchange)
        if name == "headers":
            return self._headers(exchange)
        if name == "method":
            return exchange.head.method
        if name == "address":
            return exchange.client
        return datetime.fromtimestamp(exchange.directory.wall(), UTC)

    def _query(self, exchange: Exchange) -> dict[str, list[str]]:
        """By parameter every value. Raises ValueError for what has two readings."""
        query = exchange.head.query
        if _TWO_READINGS.search(query) is not None:
            raise ValueError("the query has two readings")
        values = parse_qs(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
        if self._query_key:
            values.pop(self._query_key, None)
        return values

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        """By lower-case name the value. Raises ValueError where another header may be read in the place of one."""
        wanted, hidden = self._wanted, self._hidden
        found: dict[str, str] = {}
        for field, value, variable in exchange.head.passed:
            if wanted is not None and variable not in wanted:
                continue
            if variable in hidden or variable.startswith(_OWN):
                continue
            if field != (variable if wanted is None else wanted[variable]):
                raise ValueError("a header has another spelling")
            name, text = field.decode("latin-1"), value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
        return found


def _variable(name: str) -> bytes:
    """What is left of a header's name where a server makes a variable of it."""
    return _NO_LETTER.sub(b"-", name.lower().encode("latin-1", "replace"))


def _roles(exchange: Exchange, principal: Principal) -> list[str]:
    """What the token, the application by its groups, and the subscription give."""
    roles = set(principal.application.roles)
    if principal.token is not None:
        roles |= principal.token.roles
    if exchange.subscription is not None:
        roles.update(exchange.subscription.controls.roles)
    return sorted(roles)


def _claims(token: Token | None) -> Mapping[str, Any]:
    """What the token says in its own words; of an opaque one, what a signed one of this installation would say."""
    if token is None:
        return {}
    if token.claims is not None:
        return token.claims
    claims: dict[str, Any] = {
        "iss": token.issuer,
        "sub": token.subject,
        "client_id": token.client,
        "aud": sorted(token.audiences),
        "scope": " ".join(sorted(token.scopes)),
        "jti": token.id,
        "iat": int(token.issued_at),
        "exp": int(token.expires_at),
    }
    if token.roles:
        claims["roles"] = sorted(token.roles)
    if token.acr:
        claims["acr"] = token.acr
    if token.auth_time is not None:
        claims["auth_time"] = int(token.auth_time)
    if token.grant:
        claims["gid"] = token.grant
    if token.authorization_details:
        claims["authorization_details"] = [dict(item) for item in token.authorization_details]
    return claims
