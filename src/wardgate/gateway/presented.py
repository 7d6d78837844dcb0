"""The credentials a request presents: a key where the API expects it, an access token in ``Authorization`` (RFC 6750
section 2.1, never in body or query). Digested, and taken out of what is forwarded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast
from urllib.parse import unquote_to_bytes

from wardgate.domain import apikey
from wardgate.domain.headers import cgi_name
from wardgate.gateway.fields import AUTHORIZATION, DROP, Line, Memo
from wardgate.gateway.head import FieldBlock, HeadError, RequestHead
from wardgate.policy.compiled import CompiledResource
from wardgate.policy.exchange import PresentedToken

_TOKEN = re.compile(rb"(?i:(bearer)|dpop)(?:[ \t]+(.*))?")
#: RFC 6750 section 2.1; what is longer than any token that is looked at is none.
_TOKEN68 = re.compile(rb"[A-Za-z0-9\-._~+/]{1,16384}=*")
_SCHEMES = (b"apikey ", b"bearer ")
_REMEMBERED = 4096
_TOKENS_REMEMBERED = 512
_LONGEST_REMEMBERED = 2048


class Presented:
    """``digest``: of the key, ``None`` if none was sent, ``b""`` if it is no key. ``token``: where the API takes them. The
    rest is what may be forwarded: ``fields`` rendered, each line CRLF-ended, and the ``query``."""

    __slots__ = ("digest", "fields", "query", "token")

    def __init__(
        self, digest: bytes | None, fields: bytes, query: bytes, token: PresentedToken | None
    ) -> None:
        self.digest = digest
        self.fields = fields
        self.query = query
        self.token = token


_read = lru_cache(1024)(cgi_name)


class KeyReader:
    """Finds the key a request presents. Digests of keys seen lately are remembered: a pure function of the key."""

    __slots__ = ("_digester", "_digests", "_sent")

    def __init__(self, master_key: bytes) -> None:
        self._digester = apikey.Digester(master_key)
        self._digests: Memo[bytes] = Memo(_REMEMBERED)
        #: By the value of ``Authorization``: the token it holds.
        self._sent: Memo[PresentedToken] = Memo(_TOKENS_REMEMBERED)

    def find(self, head: RequestHead, resource: CompiledResource) -> Presented:
        """What ``head`` presents at ``resource``. All but a query key is a matter of the field block, and kept with it.

        Raises:
            HeadError: the key was sent more than once.
        """
        block = head.block
        if block.presented_at == resource.key:
            known = cast("Presented", block.presented)
        else:
            known = self._in_block(block, resource)
            block.presented = known
            block.presented_at = resource.key
        if resource.key_place != "query":
            return Presented(known.digest, known.fields, head.query, known.token) if head.query else known
        query, found = _from_query(head.query, resource.key_name)
        return Presented(self._digest(found), known.fields, query, known.token)

    def _in_block(self, block: FieldBlock, resource: CompiledResource) -> Presented:
        found: list[bytes] = []
        token: PresentedToken | None = None
        if resource.tokens:
            shared = resource.key_place == "header" and resource.key_name == b"authorization"
            token, block = self._without_token(block, shared)
        if resource.key_place == "header":
            fields, found = _from_header(block, resource.key_name)
        elif resource.key_place == "cookie":
            lines, found = _from_cookie(block.lines, resource.key_name)
            fields = [line.text for line in lines]
        else:
            fields = [line.text for line in block.lines]
        meaning = block.meaning
        if meaning.chunked:
            fields.append(b"Transfer-Encoding: chunked")
        elif meaning.length_text is not None:
            fields.append(meaning.length_text)
        fields.append(b"")
        return Presented(self._digest(found), b"\r\n".join(fields), b"", token)

    def _without_token(self, block: FieldBlock, shared: bool) -> tuple[PresentedToken | None, FieldBlock]:
        """The access token in ``block``, and the block without it and without ``DPoP``, which is for this gateway only.

        Where keys stand in ``Authorization`` too (``shared``), a bearer token with the form of a key is one.
        """
        token: PresentedToken | None = None
        proofs: list[bytes] = []
        kept: list[Line] = []
        for line in block.all_lines:
            if line.kind == AUTHORIZATION:
                token = self._token(line.pair[1], shared)
                if token is not None:
                    continue
            elif line.plain == b"dpop":
                proofs.append(line.pair[1])
                continue
            kept.append(line)
        if len(kept) == len(block.all_lines):
            return None, block
        if token is not None and proofs:
            token = PresentedToken(token.digest, token.text, token.dpop, tuple(proofs))
        return token, FieldBlock(block.raw, block.minor, kept, block.meaning)

    def _token(self, value: bytes, shared: bool) -> PresentedToken | None:
        """The access token that ``Authorization`` holds."""
        known = self._sent.known.get(value)
        if known is not None:
            return known
        sent = _TOKEN.fullmatch(value)
        if sent is None:
            return None
        text = sent[2] or b""
        is_key = apikey.well_formed(text)
        if is_key and shared:
            return None
        digest = self._digester.of(text) if _TOKEN68.fullmatch(text) else b""
        token = PresentedToken(digest, text, sent[1] is None, ())
        if len(value) <= _LONGEST_REMEMBERED and not is_key:
            self._sent.put(value, token)
        return token

    def _digest(self, found: list[bytes]) -> bytes | None:
        if not found:
            return None
        if len(found) > 1:
            raise HeadError("credential_ambiguous")
        key = found[0]
        digest = self._digests.known.get(key)
        if digest is None:
            if not apikey.well_formed(key):
                return b""
            digest = self._digester.of(key)
            self._digests.put(key, digest)
        return digest


def _from_header(block: FieldBlock, name: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines to forward, and what the header ``name`` holds.

    A CGI-style upstream reads ``X_API_Key`` as ``X-API-Key``, so no spelling of it passes; only the right one counts.
    """
    read = _read(name)
    nominated = block.meaning.nominated
    fields: list[bytes] = []
    found: list[bytes] = []
    for line in block.all_lines:
        if line.plain == read:
            if line.pair[0] == name:
                found.append(line.pair[1])
        elif line.kind < DROP and (not nominated or line.pair[0] not in nominated):
            fields.append(line.text)
    if name == b"authorization":
        found = [value[7:].lstrip() if value[:7].lower() in _SCHEMES else value for value in found]
    return fields, found


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
            out.append(Line((b"cookie", rest), line.kind, b"Cookie: " + rest, line.plain))
    return out, found
