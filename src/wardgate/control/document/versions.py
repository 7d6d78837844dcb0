"""``versioning``: by what requests name this version of an API, where several stand side by side."""

from __future__ import annotations

import re
from typing import Literal

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import HTTP_NAME, HTTP_NAME_WORDS, reserved_header
from wardgate.domain.mediatype import media_type
from wardgate.domain.versioning import Versioning

_BY: tuple[Literal["header", "media_type"], ...] = ("header", "media_type")
_VALUE = r"[!-~](?:[ !-~]{0,126}[!-~])?"
_VALUE_WORDS = "a value of at most 128 visible characters"
#: Headers that have a meaning of their own, and vary for other reasons than a version.
_OTHERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "authorization", "cookie", "date", "range", "user-agent"}
)
_PLAIN = re.compile(r"[a-z0-9-]+")


def read_versioning(fields: Fields) -> Versioning | None:
    """How the API is told apart from its other versions; ``None``: by its place alone."""
    inner = fields.child("versioning", ("by", "name", "value", "default"))
    if inner is None:
        return None
    by = inner.choice("by", _BY, _BY[0])
    if "by" not in inner:
        inner.problem(None, "the key 'by' is missing", "Add `by: header` or `by: media_type`")
    name = ""
    if by == "header":
        name = inner.required("name", HTTP_NAME, HTTP_NAME_WORDS)
        lower = name.lower()
        if name and (reserved_header(name) or lower in _OTHERS or _PLAIN.fullmatch(lower) is None):
            inner.problem(
                "name",
                f"the header {name!r} has another meaning, or another spelling of it may be read in its place",
                "Write one of letters, digits and hyphens that only versions are named by, such as X-API-Version",
            )
    elif "name" in inner:
        inner.problem("name", "media types stand in Accept and Content-Type", "Remove `name`")
    value = inner.required("value", _VALUE, _VALUE_WORDS)
    if by == "media_type" and value:
        found = media_type(value)
        if found is None or "*" in found.name:
            remedy = "Write one such as application/vnd.orders.v2+json, or application/json;version=2"
            inner.problem("value", f"{value!r} is no media type", remedy)
    return Versioning(by=by, value=value, name=name, default=inner.flag("default", False))
