"""Rich authorization requests (RFC 9396): ``authorization_details`` of the types a client is registered for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wardgate.domain.oauth import Client
from wardgate.identity.errors import OAuthError
from wardgate.jose.encoding import decode_object
from wardgate.jose.errors import JoseError

_LONGEST = 8 * 1024
_MOST = 20
_DEEPEST = 8
#: Common data fields that are lists of texts (section 2.2); ``identifier`` is one text.
_LISTS = ("locations", "actions", "datatypes", "privileges")


def parse(client: Client, text: str | None) -> tuple[Mapping[str, Any], ...]:
    """The details asked for, each an object of a type the client may use; none without the parameter.

    Fields beyond the common ones are the type's own and kept as they are.

    Raises:
        OAuthError: ``invalid_authorization_details``.
    """
    if text is None:
        return ()
    if len(text) > _LONGEST:
        raise _refused(f"authorization_details is longer than {_LONGEST} characters")
    try:
        details = decode_object(f'{{"list":{text}}}'.encode())
    except (JoseError, UnicodeEncodeError):
        raise _refused("authorization_details is no JSON array with each member once") from None
    found = details["list"] if len(details) == 1 else None
    if not isinstance(found, list) or not found or len(found) > _MOST:
        raise _refused(f"authorization_details is no array of 1 to {_MOST} objects")
    for each in found:
        _check(client, each)
    return tuple(found)


def within(
    granted: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """``asked``, each of which equals one of ``granted``; without any, ``granted`` (section 7).

    Whether one object of an API's own type means less than another only the API could say, so equal it must be.

    Raises:
        OAuthError: ``invalid_authorization_details``.
    """
    if any(dict(each) not in [dict(one) for one in granted] for each in asked):
        raise _refused("authorization_details asks for more than was granted")
    return tuple(asked) or tuple(granted)


def _check(client: Client, detail: Any) -> None:
    if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
        raise _refused("Each of authorization_details is an object with a type")
    if detail["type"] not in client.authorization_details_types:
        raise _refused("The client may not use one of the types in authorization_details")
    for name in _LISTS:
        value = detail.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _refused(f"{name} in authorization_details is no array of strings")
    if not isinstance(detail.get("identifier", ""), str):
        raise _refused("identifier in authorization_details is no string")
    if _deeper(detail, _DEEPEST):
        raise _refused(f"authorization_details is nested more than {_DEEPEST} deep")


def _deeper(value: Any, left: int) -> bool:
    """Whether objects and arrays are nested more than ``left`` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (left == 0 or any(_deeper(each, left - 1) for each in inner))


def shown(details: Sequence[Mapping[str, Any]]) -> str:
    """The details as the parameter says them."""
    return json.dumps([dict(each) for each in details], separators=(",", ":"))


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_authorization_details", why)
