"""How the server refuses: OAuth 2.0 errors (RFC 6749 section 5.2 and those that add codes)."""

from __future__ import annotations

from collections.abc import Mapping

from wardgate.identity.http import Reply, json_reply


class OAuthError(Exception):
    """An error of a protocol endpoint. ``description`` is for developers (ASCII, no quote or backslash, RFC 6749
    section 5.2) and never says which part of a credential was wrong; ``note`` is for the log only."""

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        headers: tuple[tuple[str, str], ...] = (),
        extra: Mapping[str, object] | None = None,
        note: str = "",
    ) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers
        self.extra = dict(extra or {})
        self.note = note

    def reply(self) -> Reply:
        """The JSON answer, never stored."""
        document = {"error": self.error, "error_description": self.description, **self.extra}
        return json_reply(document, self.status, *self.headers)


class PageError(Exception):
    """A request that must not be answered with a redirect (RFC 6749 section 4.1.2.1): the person sees an error page.

    ``title`` and ``detail`` are shown; ``remedy`` says what to do.
    """

    def __init__(self, title: str, detail: str, remedy: str = "", *, status: int = 400) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.status = status
