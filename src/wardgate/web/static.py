"""The files under ``/oauth2/static``: read once, named with a part of their digest, so that browsers keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from wardgate.identity.http import Reply

PREFIX = "/oauth2/static/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    version: str


class StaticFiles:
    """What ``web/static`` holds. ``base_path`` is the path of the issuer, usually empty."""

    def __init__(self, base_path: str) -> None:
        self._base = base_path
        self._files: dict[str, _File] = {}
        for entry in files("wardgate.web").joinpath("static").iterdir():
            content_type = _TYPES.get(entry.name[entry.name.rfind(".") :])
            if content_type is not None:
                body = entry.read_bytes()
                self._files[entry.name] = _File(body, content_type, hashlib.sha256(body).hexdigest()[:16])

    def address(self, name: str) -> str:
        """The path of a file, different whenever its content is. Raises KeyError for one that is not there."""
        return f"{self._base}{PREFIX}{name}?v={self._files[name].version}"

    def answer(self, path: str, query: bytes, seen: str | None) -> Reply | None:
        """The file at ``path``, or 304 where the browser has it (``seen`` is its ``If-None-Match``); ``None`` where
        there is no such file. Asked for with its version it may be kept for ever."""
        found = self._files.get(path.removeprefix(PREFIX))
        if found is None:
            return None
        tag = f'"{found.version}"'
        kept = query == f"v={found.version}".encode()
        headers = (
            ("etag", tag),
            ("cache-control", "public, max-age=31536000, immutable" if kept else "no-cache"),
            ("x-content-type-options", "nosniff"),
        )
        if seen is not None and tag in (each.strip().removeprefix("W/") for each in seen.split(",")):
            return Reply(status=304, headers=headers)
        return Reply(headers=(("content-type", found.content_type), *headers), body=found.body)
