"""One canonical path per request: decoded once, refused when two readers could disagree about it.

The path that is matched, logged, limited and forwarded is the same one. Nothing is repaired: a target that an
upstream, a file system or another proxy might read differently is refused (RFC 3986 sections 2, 3.3 and 6.2.2).
Beyond what RFC 3986 calls ambiguous the following are refused, because a reader behind the gateway is known to see
another path in them:

* ``%3F`` and ``%23``. Legal data, but a reader that decodes before it splits (a rewrite rule, a WSGI server, a
  second proxy) sees a shorter path and a query: ``/items/export%3F`` would match ``/items/{id}`` here and reach
  ``/items/export`` there. Re-encoding faithfully does not help that reader, so they are refused.
* An encoded ``%`` before two hexadecimal digits (or ``u`` and four): double decoding.
* Characters that compatibility normalisation (NFKC) or a best-fit code page turns into ``/ \\ . ; % ? #``.
* Characters one cannot see: bidirectional and zero-width controls, line and paragraph separators.
* Segments of nothing but dots and spaces: Windows and old file servers strip them to ``.``, ``..`` or nothing.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from wardgate.domain.path import ambiguity

AMBIGUOUS = "path_ambiguous"
MALFORMED = "request_malformed"

#: Left as they are in the canonical form besides letters, digits and ``-._~``: sub-delims but ``;``, and ``: @ /``.
_LITERAL = "!$&'()*+,=:@/"
_LEAD = rb"A-Za-z0-9_~!$&'()*+,=:@\-"

# Plain paths: every byte already canonical and no segment of dots only (those starting with two dots go the long way).
_PLAIN = re.compile(rb"((?:/\.?[" + _LEAD + rb"][." + _LEAD + rb"]*+)*+/?+)(?:\?([!\"$-~]*+))?+")
_TARGET = re.compile(rb"(/(?:[!\"$&->@-~]|%[0-9A-Fa-f]{2})*+)(?:\?([!\"$-~]*+))?+")
_ENCODED_SLASH = re.compile(rb"%2[Ff]")


class PathError(Exception):
    """A target is refused. ``reason`` is ``path_ambiguous`` or ``request_malformed``; ``note`` is for the log only."""

    def __init__(self, reason: str, note: str = "") -> None:
        super().__init__(f"{reason}: {note}" if note else reason)
        self.reason = reason
        self.note = note


def canonical(target: bytes) -> tuple[str, bytes, bytes]:
    """The path decoded, the same path as forwarded, and the query without its ``?``, byte for byte.

    ``target`` is in origin form (RFC 9112 section 3.2.1). A trailing slash is kept and significant. In the encoded
    path unreserved characters, sub-delims except ``;``, ``:`` and ``@`` stand for themselves and all else is
    ``%XX`` of its UTF-8 in upper case, so ``canonical`` of its own result changes nothing.

    Raises:
        PathError: ``request_malformed`` when it is no valid target (no leading ``/``, a raw control character, space,
            non-ASCII byte or ``#``, a broken escape); ``path_ambiguous`` when it can be read in two ways.
    """
    plain = _PLAIN.fullmatch(target)
    if plain is not None:
        path, query = plain.groups(b"")
        if path:
            return path.decode("ascii"), path, query
    return _decoded(target)


def _decoded(target: bytes) -> tuple[str, bytes, bytes]:
    """What :func:`canonical` promises, for targets that need decoding or refusing."""
    split = _TARGET.fullmatch(target)
    if split is None:
        raise PathError(MALFORMED, "no valid origin-form target")
    raw, query = split.groups(b"")
    if _ENCODED_SLASH.search(raw):
        raise PathError(AMBIGUOUS, "encoded slash")
    try:
        path = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise PathError(AMBIGUOUS, "not valid UTF-8") from None
    note = ambiguity(path)
    if note is not None:
        raise PathError(AMBIGUOUS, note)
    return path, quote(path, safe=_LITERAL).encode("ascii"), query
