"""Lists in pages, by cursor: what is added or removed meanwhile neither repeats nor hides an entry.

A cursor holds the sort key of the last entry shown. It is sealed, for one operation of this installation: what is not
ours is refused rather than understood in some way.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.requests import Request

from wardgate.control.errors import InvalidError
from wardgate.web.admin_api.ask import SCOPE_KEY, Ask
from wardgate.web.admin_api.models import Page

MOST = 200
USUAL = 50
_LABEL = b"wardgate/cursor/v1 "
_MAC_BYTES = 16

#: What entries of a list are sorted by, the last part unique: ``(created_at, id)`` or a name alone.
Key = str | int | float | tuple[str | int | float, ...]
S = TypeVar("S")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsk:
    """Which page is asked for: ``limit`` entries after the one whose sort key is ``after`` (``None``: from the start)."""

    limit: int
    after: tuple[str | int | float, ...] | None
    request: Request
    secret: bytes

    def of(self, entries: Iterable[S], *, key: Callable[[S], Key], show: Callable[[S], M]) -> Page[M]:
        """The page of a whole list, which is sorted by ``key`` here; ``show`` makes the representation of an entry."""
        keyed = sorted(((_parts(key(entry)), entry) for entry in entries), key=lambda pair: pair[0])
        if self.after is not None:
            keyed = [pair for pair in keyed if pair[0] > self.after]
        shown = keyed[: self.limit]
        more = len(keyed) > self.limit
        return self.made([show(entry) for _, entry in shown], shown[-1][0] if more else None)

    def made(self, items: Sequence[M], last: Key | None) -> Page[M]:
        """The page of ``items``, found after :attr:`after` by the caller; ``last`` is the sort key of the last one if there
        are more (the store was asked for one more than ``limit``)."""
        return Page[M](items=list(items), next=None if last is None else self._link(_parts(last)))

    def _link(self, last: tuple[str | int | float, ...]) -> str:
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*kept, ("cursor", _sealed(self.secret, last))])
        return f"{self.request.scope.get('root_path', '')}{_path(self.request)}?{query}"


def _ask_for(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Entries of a page at most.")] = USUAL,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="From `next` of the page before.")
    ] = None,
) -> PageAsk:
    ask: Ask = request.scope[SCOPE_KEY]
    purpose = f"{request.method} {_path(request)}".encode()
    secret = hashlib.blake2b(_LABEL + purpose, key=ask.store.master_key(), digest_size=32).digest()
    after = None if cursor is None else _opened(secret, cursor)
    return PageAsk(limit=limit, after=after, request=request, secret=secret)


#: The parameter of an endpoint that answers a :class:`Page`.
Paging = Annotated[PageAsk, Depends(_ask_for)]


def _path(request: Request) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def _parts(key: Key) -> tuple[str | int | float, ...]:
    return key if isinstance(key, tuple) else (key,)


def _sealed(secret: bytes, last: tuple[str | int | float, ...]) -> str:
    text = json.dumps(last, separators=(",", ":")).encode()
    return urlsafe_b64encode(_mac(secret, text) + text).decode().rstrip("=")


def _opened(secret: bytes, cursor: str) -> tuple[str | int | float, ...]:
    """Raises InvalidError for what :func:`_sealed` did not make."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not text or not hmac.compare_digest(mac, _mac(secret, text)):
        raise InvalidError(
            "cursor", "The cursor is none of this list's", "Take `next` as it is, or leave `cursor` out"
        )
    return tuple(json.loads(text))


def _mac(secret: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=secret, digest_size=_MAC_BYTES).digest()
