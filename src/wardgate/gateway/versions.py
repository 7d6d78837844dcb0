"""Which of several versions of an API at one place a request is for: by a header, or by media types.

It is found once the place is, from the head alone, and only where versions stand side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from wardgate.domain.api import Api
from wardgate.domain.headers import cgi_name
from wardgate.domain.mediatype import MediaType, accepted, media_type, quality
from wardgate.domain.versioning import Versioning, conflict
from wardgate.gateway.head import HeadError, RequestHead
from wardgate.gateway.routes import Match, Miss, Routes

R = TypeVar("R")

#: Bytes of Accept, and of Content-Type, that are looked at: browsers send some hundred.
_LONGEST = 2048


class VersionError(Exception):
    """No version was named that there is; ``reason`` is the rejection's name, and the message tells the client."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Versions(Generic[R]):
    """The APIs at one place, told apart by version. Stands where one API's routes would. Immutable once built."""

    __slots__ = ("_default", "_field", "_header", "_media", "_routes", "_values", "vary")

    def __init__(self, routes: Sequence[Routes[R]]) -> None:
        """Each of ``routes`` is of an API with ``versioning``."""
        self._routes = tuple(routes)
        first = _versioning(routes[0].api)
        self._field = first.field
        self._header = first.name.lower().encode() if first.by == "header" else b""
        self._values = {_versioning(each.api).value: each for each in routes}
        #: The more parameters, the earlier: what a type with fewer covers is looked for first.
        self._media: list[tuple[MediaType, Routes[R]]] = sorted(
            [] if self._header else [(_media(each.api), each) for each in routes],
            key=lambda pair: -len(pair[0].parameters),
        )
        self._default = next((each for each in routes if _versioning(each.api).default), None)
        self.vary = f"Vary: {self._field}\r\n".encode()

    def find(self, method: str, path: str, segments: list[str]) -> Several[R]:
        """What is left to choose from."""
        return Several(self, method, path, segments)

    @property
    def all(self) -> tuple[Routes[R], ...]:
        """Every version, the default first."""
        return tuple(sorted(self._routes, key=lambda routes: routes is not self._default))

    def choose(self, head: RequestHead) -> tuple[Routes[R], str]:
        """The version ``head`` asks for, and why it is that.

        Raises:
            HeadError: the header that names it stands more than once, is too long, or would not reach the upstream.
            VersionError: it names none that there is, or two.
        """
        return self._by_header(head) if self._header else self._by_media_type(head)

    def _by_header(self, head: RequestHead) -> tuple[Routes[R], str]:
        name = cgi_name(self._header)
        lines = [line for line in head.block.all_lines if line.plain == name]
        if not lines:
            return self._usual("version_missing", f"the header {self._field} is not there")
        # Of two spellings or copies another server may read the other; one for this hop alone never gets there.
        if len(lines) > 1 or lines[0].pair[0] != self._header:
            raise HeadError("header_duplicate", self._field)
        if self._header in head.block.meaning.nominated:
            raise HeadError("request_malformed", f"connection names {self._field}")
        value = lines[0].pair[1].decode("latin-1")
        routes = self._values.get(value)
        if routes is None:
            raise VersionError("version_unknown", self._words())
        return routes, f"{self._field}: {value}"

    def _by_media_type(self, head: RequestHead) -> tuple[Routes[R], str]:
        if b"accept" in head.block.meaning.nominated:
            raise HeadError("request_malformed", "connection names accept")
        ranges = list(accepted(_text(b",".join(head.values(b"accept")), "accept")))
        named = self._accepted(ranges)
        sent = self._sent(head) if head.has_body else None
        if sent is not None:
            media, routes = sent
            weight = quality(media, ranges)
            if weight == 0 or (weight is None and named is not None):
                raise VersionError(
                    "version_ambiguous", "Content-Type and Accept name different versions: name one of them."
                )
            return routes, f"Content-Type: {_shown(routes)}"
        if named is not None:
            return named, f"Accept: {_shown(named)}"
        default = self._default
        if default is not None and quality(_media(default.api), ranges) == 0:
            raise VersionError("version_not_acceptable", self._words())
        return self._usual("version_not_acceptable", "Accept names no version")

    def _accepted(self, ranges: list[tuple[MediaType, float]]) -> Routes[R] | None:
        """The version that is named and wanted most, unless the default is wanted more."""
        best: Routes[R] | None = None
        most = 0.0
        for named in dict.fromkeys(named for named, _ in ranges):
            for media, routes in self._media:
                weight = quality(media, ranges) if named == media else None
                if weight is not None and weight > most:
                    best, most = routes, weight
        if best is not None and self._default is not None and best is not self._default:
            weight = quality(_media(self._default.api), ranges)
            if weight is not None and weight > most:
                return self._default
        return best

    def _sent(self, head: RequestHead) -> tuple[MediaType, Routes[R]] | None:
        values = head.values(b"content-type")
        found = media_type(_text(values[0], "content-type")) if values else None
        if found is None:
            return None
        return next((pair for pair in self._media if pair[0].covers(found)), None)

    def _usual(self, reason: str, why: str) -> tuple[Routes[R], str]:
        if self._default is None:
            raise VersionError(reason, self._words())
        return self._default, f"the default, {_shown(self._default)}: {why}"

    def _words(self) -> str:
        """What a client is told: the header, and the versions of APIs anybody may know of."""
        values = sorted(_shown(each) for each in self._routes if each.api.standing.listed)
        there = f": {', '.join(values)}." if values else "."
        where = f"the header {self._field}" if self._header else "Accept, or in Content-Type of a body,"
        return (
            f"Name a version in {where}{there}" if values else f"Name a version in {where}".rstrip(",") + "."
        )


class Several(Generic[R]):
    """A place was found at which several versions are."""

    __slots__ = ("_method", "_path", "_segments", "versions")

    def __init__(self, versions: Versions[R], method: str, path: str, segments: list[str]) -> None:
        self.versions = versions
        self._method = method
        self._path = path
        self._segments = segments

    def chosen(self, head: RequestHead) -> Match[R] | Miss:
        """What answers in the version ``head`` asks for. Raises as :meth:`Versions.choose`."""
        routes, _ = self.versions.choose(head)
        return routes.find(self._method, self._path, self._segments)

    def each(self) -> list[Match[R] | Miss]:
        """What answers in every version, the default's first."""
        return [routes.find(self._method, self._path, self._segments) for routes in self.versions.all]


def versions_of(routes: Sequence[Routes[R]]) -> Routes[R] | Versions[R]:
    """What stands at a place: the routes of its one API, or of its versions.

    Raises:
        ValueError: they cannot be told apart; the message names them.
    """
    for at, one in enumerate(routes):
        for other in routes[:at]:
            why = conflict(one.api.versioning, other.api.versioning)
            if why:
                raise ValueError(
                    f"APIs {other.api.id} and {one.api.id} share the base path {one.api.base_path!r} on the same host "
                    f"and {why}; give one of them another base path, other hosts or another `versioning`"
                )
    return routes[0] if len(routes) == 1 and routes[0].api.versioning is None else Versions(routes)


def _versioning(api: Api) -> Versioning:
    if api.versioning is None:
        raise ValueError(f"API {api.id} has no `versioning`")
    return api.versioning


def _media(api: Api) -> MediaType:
    found = media_type(_versioning(api).value)
    if found is None:
        raise ValueError(f"the version {_versioning(api).value!r} of API {api.id} is no media type")
    return found


def _text(value: bytes, name: str) -> str:
    if len(value) > _LONGEST:
        raise HeadError("headers_too_large", name)
    return value.decode("latin-1")


def _shown(routes: Routes[R]) -> str:
    return _versioning(routes.api).value
