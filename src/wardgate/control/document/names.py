"""The forms of names that travel: into paths, headers, logs and the change feed."""

from __future__ import annotations

from wardgate.domain.text import MAX_DESCRIPTION, MAX_NAME

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
NAME_WORDS = "up to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit"

#: An HTTP token (RFC 9110 section 5.6.2).
HTTP_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}"
HTTP_NAME_WORDS = "a name as HTTP allows it (letters, digits, hyphens)"

#: Headers that frame a message or belong to Wardgate: no credential can stand in them.
RESERVED_HEADERS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
RESERVED_PREFIXES = ("x-wardgate-", "x-forwarded-", "sec-", "access-control-")


def reserved_header(name: str) -> bool:
    """Whether a header already has another meaning on every request."""
    return name.lower() in RESERVED_HEADERS or name.lower().startswith(RESERVED_PREFIXES)


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]"
SERVER_NAME = rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"
SERVER_NAME_WORDS = "a host name in lower case, such as api.example.com"
HOST_WORDS = "a host name in lower case without a port, such as api.example.com or *.example.com"

ORIGIN = r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
ORIGIN_WORDS = "an origin such as https://app.example.com (lower case, no path), or '*' alone"

POLICY = r"[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*"
POLICY_WORDS = "the name of an installed policy, such as acme.tenant"

#: OAuth 2.0 scope-token (RFC 6749 section 3.3).
SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]{1,256}"
SCOPE_WORDS = "a scope without spaces, quotes or backslashes"

_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"


def line(longest: int) -> str:
    """One line of text without control characters, of up to ``longest`` characters."""
    return rf"{_PLAIN}{{1,{longest}}}"


LINE = line(500)
LINE_WORDS = "one line of text"
#: What is said of things in a sentence or two.
DESCRIPTION = line(MAX_DESCRIPTION)
DESCRIPTION_WORDS = f"one line of up to {MAX_DESCRIPTION} characters"
#: What people call a thing that no path and no header names: an application, an identity provider.
TITLE = rf"(?=\S){line(MAX_NAME)}(?<=\S)"
TITLE_WORDS = f"one line of up to {MAX_NAME} characters, without blanks at its ends"
