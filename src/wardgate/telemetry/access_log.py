"""One JSON line a request, rendered in microseconds and handed to a writer thread in batches.

A line's fields are described in ``docs/observability.md``. Credentials and query values never reach it: of the
query only names are logged, and whatever has the form of an API key, a secret of the authorization server or a signed
token is masked wherever it stands.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from urllib.parse import unquote_plus

from wardgate.telemetry.log_writer import LogWriter
from wardgate.telemetry.outcome import outcome_of

#: A batch leaves when it has grown to this, or with the next ``flush``.
BATCH_LINES = 160
_PIECES = 4096
_QUERY_NAMES = 32
_QUERY_NAME_LENGTH = 64
_BARE_NAME_LENGTH = 16
#: API keys, opaque secrets (``domain/tokenform.py``), and the compact form of JWTs, whose header begins with ``{"``.
_SECRET_LIKE = re.compile(
    r"(wg_[a-z0-9]{1,12}_)[0-9A-Za-z]{8,}|(wg[a-z]{2}_)[0-9A-Za-z_-]{8,}|(eyJ)[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)+"
)
#: Rendered query parameter names; bounded by ``_PIECES``.
_names: dict[str, str] = {}


class AccessLog:
    """The access log of one worker; ``path`` is a file, or ``-`` for standard output.

    ``write`` renders a line and returns; ``flush``, called about every 0.2 s, hands what gathered to the writer.

    Raises:
        OSError: the file cannot be opened for appending.
    """

    __slots__ = ("_environment", "_lines", "_pieces", "_prefix", "_second", "_wall", "_writer")

    def __init__(self, path: str, environment: str = "", wall: Callable[[], float] = time.time) -> None:
        self._writer = LogWriter(path)
        self._environment = quote(environment)
        self._wall = wall
        self._second = -1
        self._prefix = ""
        self._lines: list[str] = []
        self._pieces: dict[tuple[str, str, str, str, int, str, str], str] = {}

    def write(
        self,
        request_id: str,
        client: str,
        method: str,
        host: str,
        path: str,
        query: str,
        api: str,
        resource: str,
        application: str,
        credential: str,
        status: int,
        reason: str,
        bytes_in: int,
        bytes_out: int,
        seconds: float,
        upstream: str,
        upstream_seconds: float,
        retries: int,
        oauth_client: str = "",
        subject: str = "",
    ) -> None:
        """Logs one finished request; its time is now. ``""`` stands for what is unknown.

        ``path`` is the canonical path without the query, ``query`` the raw query string, ``credential`` an id,
        ``oauth_client`` and ``subject`` what an access token named, the subject by a pseudonym,
        ``reason`` a rejection's name or ``ok``; ``seconds`` lasted the request, ``upstream_seconds`` its upstream part.
        """
        now = self._wall()
        second = int(now)
        if second != self._second:
            self._turn(second)
        key = (method, api, resource, application, status, reason, upstream)
        piece = self._pieces.get(key) or self._render(key)
        if "wg" in path or "eyJ" in path or "wg" in host or "eyJ" in host:
            path = mask(path)
            host = mask(host)
        lines = self._lines
        lines.append(
            f'{self._prefix}{int((now - second) * 1000):03d}Z","request_id":{quote(request_id)},"client":{quote(client)},'
            f'"host":{quote(host)},"path":{quote(path)},"query":[{query_names(query) if query else ""}],'
            f'"credential":{quote(credential)},"oauth_client":{quote(oauth_client)},"subject":{quote(subject)},'
            f'{piece}"bytes_in":{bytes_in},"bytes_out":{bytes_out},'
            f'"duration_ms":{seconds * 1000:.3f},"upstream_ms":{upstream_seconds * 1000:.3f},"retries":{retries}}}\n'
        )
        if len(lines) >= BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Hands what was logged to the writer; returns at once, whatever the disk does."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._writer.put("".join(lines).encode("ascii"), len(lines))

    def reopen(self) -> None:
        """The next batch goes to a newly opened file (after SIGHUP; a renamed file is noticed by itself)."""
        self._writer.reopen()

    @property
    def dropped(self) -> int:
        """Lines lost since start because they could not be written in time."""
        return self._writer.dropped

    def close(self, timeout: float = 5.0) -> None:
        """Writes out what is left, waiting ``timeout`` s at most, and closes the file."""
        self.flush()
        self._writer.close(timeout)

    def _turn(self, second: int) -> None:
        self._second = second
        self._prefix = time.strftime('{"time":"%Y-%m-%dT%H:%M:%S.', time.gmtime(second))

    def _render(self, key: tuple[str, str, str, str, int, str, str]) -> str:
        method, api, resource, application, status, reason, upstream = key
        if len(self._pieces) >= _PIECES:
            self._pieces.clear()
        piece = (
            f'"environment":{self._environment},"method":{quote(method)},"api":{quote(api)},'
            f'"resource":{quote(resource)},"application":{quote(application)},"status":{status},'
            f'"reason":{quote(reason)},"outcome":"{outcome_of(method, reason, upstream).value}",'
            f'"upstream":{quote(upstream)},'
        )
        self._pieces[key] = piece
        return piece


def mask(text: str) -> str:
    """``text`` with everything that has the form of a key, secret or token cut down to its public prefix."""
    return _SECRET_LIKE.sub(r"\1\2\3[redacted]", text)


def query_names(query: str) -> str:
    """The names of a raw query string's parameters as JSON strings, comma-separated: decoded, masked, never a value.

    Of a very long query the first names stand. A long name is cut, as it may be a token; so is a parameter without
    ``=`` that is longer than a plain flag such as ``verbose``.
    """
    names = []
    for pair in query.split("&", _QUERY_NAMES)[:_QUERY_NAMES]:
        end = pair.find("=")
        if end < 0:
            names.append(_render_name(pair, _BARE_NAME_LENGTH))
        else:
            name = pair[:end]
            names.append(_names.get(name) or _remember(name))
    return ",".join(names)


def _remember(name: str) -> str:
    if len(_names) >= _PIECES:
        _names.clear()
    rendered = _names[name] = _render_name(name, _QUERY_NAME_LENGTH)
    return rendered


def _render_name(name: str, longest: int) -> str:
    if "%" in name or "+" in name:
        name = unquote_plus(name)
    return quote(mask(name) if len(name) <= longest else name[:4] + "[redacted]")
