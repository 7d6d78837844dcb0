"""Paths of the gateway itself: whatever an API says, on every host they are answered by the authorization server."""

from __future__ import annotations

from wardgate.domain.api import Api

#: Everything below it is the authorization server's.
OAUTH2 = "/oauth2"
#: Its metadata (OpenID Connect Discovery section 4, RFC 8414 section 3), each with what may follow below.
METADATA = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
#: What is answered by a worker itself: its own documents, and what it asks of tokens (RFC 9728 section 3).
OWN = ("/.well-known/wardgate", "/.well-known/oauth-protected-resource")
TOKEN = f"{OAUTH2}/token"
#: Where keys found in public are reported, if that is on: passed on to control too.
SECRET_SCANNING = "/secret-scanning"

_ALL = (OAUTH2, *METADATA, *OWN, SECRET_SCANNING)


def reserved(path: str) -> str | None:
    """The reserved path that ``path``, literal and canonical, is or is below; ``None`` if it is free."""
    return next((known for known in _ALL if path == known or path.startswith(f"{known}/")), None)


def token_places(api: Api) -> tuple[tuple[str, str], ...]:
    """Host (empty: every one) and path of each place at which ``api``'s tokens are asked for with ``POST``: below its
    base path, and at the hosts that are its own."""
    if api.oauth2 is None or not api.oauth2.token_endpoint:
        return ()
    below = [(host, api.base_path + TOKEN) for host in api.hosts or ("",)]
    return tuple(dict.fromkeys((*below, *((host, TOKEN) for host in api.hosts))))
