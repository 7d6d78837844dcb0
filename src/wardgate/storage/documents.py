"""Nouns of the authorization server as stored JSON, strictly: what is written is all that can be read.

A noun's ``document`` column holds every field that has no column of its own, defaults included. Reading refuses unknown
fields, missing ones and wrong types, and names the place. Imported by the gateway: standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from wardgate.domain.codec import CodecError, decode, encode
from wardgate.domain.oauth import Client, Grant, Token
from wardgate.domain.people import User
from wardgate.domain.standing import Catalogue

T = TypeVar("T")

#: The fields that have columns; the column may be called otherwise.
CLIENT_COLUMNS = frozenset(("id", "application", "environment", "status", "created_at"))
GRANT_COLUMNS = frozenset(
    ("id", "environment", "client", "subject", "session", "created_at", "expires_at", "revoked_at")
)
CATALOGUE_COLUMNS = frozenset(("project",))
USER_COLUMNS = frozenset(("id", "name", "status", "created_at"))


def to_text(value: Any) -> str:
    """Any JSON-able value, or a dataclass, as compact JSON. Raises CodecError for what has no JSON form."""
    try:
        return json.dumps(encode(value), separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError("a number that is not finite has no JSON form") from None


def to_object(text: str) -> dict[str, Any]:
    """The JSON object that ``text`` holds. Raises ValueError for anything else."""
    data = json.loads(text)
    if type(data) is not dict:
        raise CodecError(f"expected a mapping, found a {type(data).__name__}")
    return data


def to_texts(text: str) -> tuple[str, ...]:
    """The JSON list of texts that ``text`` holds. Raises ValueError for anything else."""
    return _texts(json.loads(text))


def client_to_text(client: Client) -> str:
    """The document of a client."""
    return _part_to_text(client, CLIENT_COLUMNS)


def client_from_text(text: str, columns: Mapping[str, Any]) -> Client:
    """The client of a document and the columns beside it. Raises ValueError."""
    return _whole(Client, text, columns, CLIENT_COLUMNS)


def grant_to_text(grant: Grant) -> str:
    """The document of a grant."""
    return _part_to_text(grant, GRANT_COLUMNS)


def grant_from_text(text: str, columns: Mapping[str, Any]) -> Grant:
    """The grant of a document and the columns beside it. Raises ValueError."""
    return _whole(Grant, text, columns, GRANT_COLUMNS)


def user_to_text(user: User) -> str:
    """The document of a user."""
    return _part_to_text(user, USER_COLUMNS)


def user_from_text(text: str, columns: Mapping[str, Any]) -> User:
    """The user of a document and the columns beside it. Raises ValueError."""
    return _whole(User, text, columns, USER_COLUMNS)


def catalogue_to_text(catalogue: Catalogue) -> str:
    """The document of what people are told of an API."""
    return _part_to_text(catalogue, CATALOGUE_COLUMNS)


def catalogue_from_text(text: str, project: str) -> Catalogue:
    """The same with the column beside it. Raises ValueError."""
    return _whole(Catalogue, text, {"project": project}, CATALOGUE_COLUMNS)


def token_to_text(token: Token) -> str:
    """The document of an opaque access token: every field; sets in order."""
    return to_text({name: _as_list(getattr(token, name)) for name in _TOKEN_FIELDS})


def token_from_text(text: str) -> Token:
    """What :func:`token_to_text` was given. Raises ValueError for anything else."""
    data = json.loads(text)
    if type(data) is not dict:
        raise CodecError(f"expected the fields of Token, found a {type(data).__name__}")
    if not data.keys() <= _TOKEN_FIELDS.keys():
        raise CodecError(f"unknown field {min(data.keys() - _TOKEN_FIELDS.keys())!r} of Token")
    if not data.keys() >= _TOKEN_REQUIRED:
        raise CodecError(f"missing field {min(_TOKEN_REQUIRED - data.keys())!r} of Token")
    values: dict[str, Any] = {}
    for name, value in data.items():
        try:
            values[name] = _TOKEN_FIELDS[name](value)
        except CodecError as error:
            raise error.below(name) from None
    return Token(**values)


def _part_to_text(value: Any, columns: frozenset[str]) -> str:
    return to_text(
        {item.name: getattr(value, item.name) for item in fields(value) if item.name not in columns}
    )


def _whole(cls: type[T], text: str, columns: Mapping[str, Any], names: frozenset[str]) -> T:
    data = to_object(text)
    doubled = names & data.keys()
    if doubled:
        raise CodecError(f"unknown field {min(doubled)!r} of the document of a {cls.__name__}")
    return decode(cls, data | {name: columns[name] for name in names})


def _as_list(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise CodecError(f"expected text, found a {type(value).__name__}")


def _texts(value: Any) -> tuple[str, ...]:
    if type(value) is list and all(type(item) is str for item in value):
        return tuple(value)
    raise CodecError("expected a list of texts")


def _set(value: Any) -> frozenset[str]:
    return frozenset(_texts(value))


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    raise CodecError(f"expected a whole number, found a {type(value).__name__}")


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise CodecError(f"expected a number, found a {type(value).__name__}")


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    if type(value) is list and all(type(item) is dict for item in value):
        return tuple(value)
    raise CodecError("expected a list of mappings")


#: By hand, as the codec knows no sets, and a gateway worker decodes one for every opaque token it meets.
_TOKEN_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "id": _text,
    "issuer": _text,
    "client": _text,
    "subject": _text,
    "grant": _text,
    "audiences": _set,
    "scopes": _set,
    "roles": _set,
    "issued_at": _number,
    "expires_at": _number,
    "issued_ms": _integer,
    "jkt": _text,
    "x5t": _text,
    "acr": _text,
    "auth_time": _number_or_none,
    "actors": _texts,
    "authorization_details": _objects,
}
_TOKEN_REQUIRED = frozenset(
    item.name for item in fields(Token) if item.default is MISSING and item.default_factory is MISSING
)
