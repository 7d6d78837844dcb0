"""Renders the pages for people, and says under which policy a browser may show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from wardgate.identity.errors import PageError
from wardgate.identity.http import NO_STORE, Reply
from wardgate.web.static import StaticFiles

#: A scheme and host, or the scheme alone of a native application's redirect URI: nothing that could end a directive.
_SOURCE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+|[A-Za-z][A-Za-z0-9.+-]*:")
_FIXED = (
    ("content-type", "text/html; charset=utf-8"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    # Not no-referrer: browsers would then send ``Origin: null`` with our own forms, and we could not tell them apart.
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
#: A year, of this host alone: which others its operator has is not ours to say.
_TRANSPORT = ("strict-transport-security", "max-age=31536000")
#: Only for what no application opens: one that signs people in through a pop-up window hears from it by its opener.
ALONE = (("cross-origin-opener-policy", "same-origin"),)


def transport_policy(issuer: str) -> tuple[tuple[str, str], ...]:
    """The header by which browsers keep to TLS (RFC 6797), if ``issuer`` has it and is no name of the person's own machine,
    where everything else that listens would be cut off too. An address it would not count for (section 8.1.1)."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    if parts.scheme != "https" or host == "localhost" or host.endswith(".localhost"):
        return ()
    try:
        ip_address(host)
    except ValueError:
        return (_TRANSPORT,)
    return ()


class Pages:
    """The templates of ``web/templates``: escaping is on, and a name without a value is an error. ``more`` are headers
    that every page has besides those of pages."""

    def __init__(self, statics: StaticFiles, base_path: str, more: tuple[tuple[str, str], ...] = ()) -> None:
        self._fixed = (*_FIXED, *more)
        self._environment = Environment(
            loader=PackageLoader("wardgate.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["static"] = statics.address
        self._environment.globals["link"] = lambda path: base_path + path

    def render(self, reply: Reply) -> Reply:
        """The reply with its page as body, and the headers that every page has."""
        body = self._environment.get_template(reply.page).render(reply.context).encode()
        return Reply(
            status=reply.status,
            headers=(*reply.headers, *self._fixed, ("content-security-policy", policy(reply.context))),
            body=body,
        )

    def error(self, error: PageError) -> Reply:
        """The page that explains ``error``."""
        context = {"title": error.title, "detail": error.detail, "remedy": error.remedy}
        return self.render(Reply(status=error.status, headers=NO_STORE, page="error.html", context=context))


def policy(context: Mapping[str, Any]) -> str:
    """The content security policy: our own style sheet and images; scripts only on pages that name one; forms to
    ourselves and to the origins in ``form_action``, which Chromium checks on the redirect after a form as well."""
    targets = " ".join(
        ["'self'", *(each for each in context.get("form_action", ()) if _SOURCE.fullmatch(each))]
    )
    scripts = "script-src 'self'; " if context.get("script") else ""
    return (
        f"default-src 'none'; {scripts}style-src 'self'; img-src 'self'; form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
