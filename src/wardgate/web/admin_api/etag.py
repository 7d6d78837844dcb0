"""Entity tags, and the preconditions made of them (RFC 9110 sections 8.8.3 and 13.1).

The tag of a thing is made of its representation: of what can be changed, and, after a dot, of what changes by itself (a
use counter). ``If-None-Match`` compares all of it, ``If-Match`` the first part only: a busy key can still be changed.
"""

from __future__ import annotations

import hashlib
import json
import re

from starlette.requests import Request

from wardgate.control.errors import ControlError, InvalidError, PreconditionError
from wardgate.web.admin_api.models import Thing, volatile_fields

_LIST = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


class PreconditionMissingError(ControlError):
    """A change of a thing does not say which state of it is meant; the code is ``precondition_missing``."""

    def __init__(self, *, creates: bool) -> None:
        new = ", or If-None-Match: * to add it" if creates else ""
        super().__init__(
            "precondition_missing",
            "The request does not say which state of the thing it changes",
            f"Send the ETag that was read with it as If-Match{new}",
        )


def etag_of(thing: Thing) -> str:
    """The entity tag of a representation, with its quotes."""
    fields = thing.model_dump(mode="json")
    by_itself = {name: fields.pop(name) for name in volatile_fields(type(thing))}
    tag = _digest(fields)
    return f'"{tag}.{_digest(by_itself)}"' if by_itself else f'"{tag}"'


def not_modified(request: Request, tag: str) -> bool:
    """Whether ``If-None-Match`` names ``tag``."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    return header.strip() == "*" or tag.strip('"') in [value for _, value in _tags("If-None-Match", header)]


def require_given(request: Request, *, creates: bool) -> None:
    """Returns when the request has a precondition that can be read.

    Raises:
        PreconditionMissingError: it has none.
        InvalidError: it is malformed.
    """
    match = request.headers.get("if-match")
    if match is not None:
        if match.strip() != "*":
            _tags("If-Match", match)
        return
    if not (creates and request.headers.get("if-none-match", "").strip() == "*"):
        raise PreconditionMissingError(creates=creates)


def require_holds(request: Request, what: str, tag: str | None) -> None:
    """Returns when the precondition holds of the thing whose tag is ``tag``; ``None``: there is none.

    Raises:
        PreconditionError: it does not.
    """
    match = request.headers.get("if-match")
    if match is None:
        if tag is not None:
            raise PreconditionError(what)
        return
    if tag is None:
        raise PreconditionError(what)
    if match.strip() == "*":
        return
    present = _settings(tag.strip('"'))
    if not any(not weak and _settings(value) == present for weak, value in _tags("If-Match", match)):
        raise PreconditionError(what)


def _settings(tag: str) -> str:
    return tag.partition(".")[0]


def _tags(header: str, text: str) -> list[tuple[bool, str]]:
    """``(weak, value)`` of each tag. Raises InvalidError."""
    if not _LIST.fullmatch(text):
        raise InvalidError(
            "precondition", f"{header} holds no list of entity tags", 'Send an ETag with its quotes: "..."'
        )
    return [(bool(match.group(1)), match.group(2)) for match in _TAG.finditer(text)]


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
