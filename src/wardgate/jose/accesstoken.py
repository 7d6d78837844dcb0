"""What a verified access token says, in the words of the domain (RFC 9068 section 2.2, and the dialects of others)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wardgate.domain.oauth import Token
from wardgate.domain.tokenform import issued_ms
from wardgate.jose import claims as read
from wardgate.jose.errors import JoseError

_MAX_ACTORS = 8
_CONFIRMATIONS = frozenset(("jkt", "x5t#S256"))


def token_of(
    claims: Mapping[str, Any],
    *,
    builtin: bool = True,
    client_claims: Sequence[str] = ("client_id",),
    scope_claims: Sequence[str] = ("scope",),
    roles_claims: Sequence[str] = ("roles",),
    role_scopes: Mapping[str, Sequence[str]] | None = None,
    share: Callable[[Any], Any] = lambda value: value,
) -> Token:
    """The token of ``claims``, which somebody else verified.

    The first of ``client_claims`` that is there names the client. Scopes are those of all ``scope_claims``, each a
    text of names between spaces or a list of names, and those that ``role_scopes`` gives for its roles. ``builtin``: the
    token is this server's, so its ``jti`` tells the time of issue. ``share`` returns one object for equal values.

    Raises:
        JoseError: ``malformed``, or ``confirmation``: it is bound to a key in a way that cannot be checked here.
    """
    roles = frozenset(_names(claims, roles_claims, separator=None))
    # A name with a blank in it would be read as several by whoever is told of the scopes.
    scopes = {name for name in _names(claims, scope_claims, separator=" ") if name.split() == [name]}
    for role in roles:
        scopes.update((role_scopes or {}).get(role, ()))
    expires, issued = read.number(claims, "exp"), read.number(claims, "iat")
    if expires is None:
        raise JoseError("malformed", "exp is missing")
    jti = read.text(claims, "jti")
    jkt, x5t = _confirmation(claims)
    return Token(
        id=jti,
        issuer=share(read.text(claims, "iss")),
        client=share(next(filter(None, (read.text(claims, name) for name in client_claims)), "")),
        subject=read.text(claims, "sub"),
        grant=read.text(claims, "gid") if builtin else "",
        audiences=share(read.audiences_of(claims)),
        scopes=share(frozenset(scopes)),
        roles=share(roles),
        issued_at=issued or 0.0,
        expires_at=expires,
        # Whole seconds of others count from their beginning: in doubt a token is older than the revocation.
        issued_ms=issued_ms(jti) if builtin else int((issued or 0.0) * 1000),
        jkt=jkt,
        x5t=x5t,
        acr=share(read.text(claims, "acr")),
        auth_time=read.number(claims, "auth_time"),
        actors=tuple(_actors(claims)),
        authorization_details=tuple(_details(claims)),
    )


def _names(claims: Mapping[str, Any], sources: Iterable[str], *, separator: str | None) -> Iterable[str]:
    for source in sources:
        value = claims.get(source)
        if value is None:
            continue
        if isinstance(value, str):
            yield from filter(None, value.split(separator) if separator else (value,))
        else:
            yield from read.texts(value, source)


def _confirmation(claims: Mapping[str, Any]) -> tuple[str, str]:
    """``jkt`` and ``x5t#S256`` of ``cnf``. A token bound in another way is no bearer token, so it is refused."""
    confirmation = claims.get("cnf")
    if confirmation is None:
        return "", ""
    if (
        not isinstance(confirmation, Mapping)
        or not confirmation
        or not _CONFIRMATIONS.issuperset(confirmation)
    ):
        raise JoseError("confirmation", "cnf is neither jkt nor x5t#S256")
    jkt, x5t = read.text(confirmation, "jkt"), read.text(confirmation, "x5t#S256")
    if not all(confirmation.values()):
        raise JoseError("confirmation", "cnf is empty")
    return jkt, x5t


def _actors(claims: Mapping[str, Any]) -> Iterable[str]:
    actor = claims.get("act")
    for _ in range(_MAX_ACTORS):
        if actor is None:
            return
        if not isinstance(actor, Mapping):
            raise JoseError("malformed", "act is no object")
        yield read.text(actor, "sub")
        actor = actor.get("act")
    if actor is not None:
        raise JoseError("malformed", f"more than {_MAX_ACTORS} actors")


def _details(claims: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    details = claims.get("authorization_details", [])
    if not isinstance(details, list) or not all(isinstance(item, Mapping) for item in details):
        raise JoseError("malformed", "authorization_details is no list of objects")
    return details
