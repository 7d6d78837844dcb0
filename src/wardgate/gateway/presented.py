"""The key a request presents: found where the API expects it, digested, and taken out of what is forwarded."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from wardgate.domain import apikey
from wardgate.gateway.fields import Line
from wardgate.gateway.head import HeadError, RequestHead
from wardgate.policy.compiled import CompiledResource

_SCHEMES = (b"apikey ", b"bearer ")


@dataclass(frozen=True, slots=True)
class Presented:
    """``digest``: of the key, ``None`` if none was sent, ``b""`` if it is no key. ``lines``, ``query``: without it."""

    digest: bytes | None
    lines: list[Line]
    query: bytes


def find(head: RequestHead, resource: CompiledResource, master_key: bytes) -> Presented:
    """What ``head`` presents at ``resource``.

    Raises:
        HeadError: the key was sent more than once.
    """
    lines, query, name = head.lines, head.query, resource.key_name
    found: list[bytes] = []
    if resource.key_place == "header":
        lines, found = _from_header(head, name)
    elif resource.key_place == "query":
        query, found = _from_query(query, name)
    else:
        lines, found = _from_cookie(lines, name)
    if not found:
        return Presented(None, lines, query)
    if len(found) > 1:
        raise HeadError("credential_ambiguous")
    key = found[0]
    digest = apikey.digest(key, master_key) if apikey.tag_of(key) is not None else b""
    return Presented(digest, lines, query)


def _from_header(head: RequestHead, name: bytes) -> tuple[list[Line], list[bytes]]:
    found = head.values(name)
    # A CGI-style upstream reads X_API_Key as X-API-Key, so neither spelling may pass.
    if found or any(b"_" in line.pair[0] for line in head.lines):
        lines = [line for line in head.lines if line.pair[0].replace(b"_", b"-") != name.replace(b"_", b"-")]
    else:
        lines = head.lines
    if name == b"authorization":
        found = [value[7:].lstrip() if value[:7].lower() in _SCHEMES else value for value in found]
    return lines, found


def _from_query(query: bytes, name: bytes) -> tuple[bytes, list[bytes]]:
    kept: list[bytes] = []
    found: list[bytes] = []
    for part in query.split(b"&"):
        key, _, value = part.partition(b"=")
        if key == name or unquote_to_bytes(key.replace(b"+", b" ")) == name:
            found.append(unquote_to_bytes(value))
        else:
            kept.append(part)
    return (b"&".join(kept), found) if found else (query, found)


def _from_cookie(lines: list[Line], name: bytes) -> tuple[list[Line], list[bytes]]:
    out: list[Line] = []
    found: list[bytes] = []
    for line in lines:
        if line.pair[0] != b"cookie":
            out.append(line)
            continue
        kept: list[bytes] = []
        for cookie in line.pair[1].split(b";"):
            key, _, value = cookie.strip(b" \t").partition(b"=")
            if key.strip(b" \t") == name:
                found.append(value.strip(b' \t"'))
            else:
                kept.append(cookie.strip(b" \t"))
        rest = b"; ".join(kept)
        if rest:
            out.append(Line((b"cookie", rest), line.kind, b"Cookie: " + rest))
    return out, found
