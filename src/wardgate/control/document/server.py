"""``authorization_server``: who answers ``POST /oauth2/token`` in this environment."""

from __future__ import annotations

from wardgate.control.document.fields import Fields
from wardgate.control.document.security_settings import is_off
from wardgate.control.document.urls import read_url
from wardgate.domain.document import AuthorizationServer


def read_server(root: Fields) -> AuthorizationServer | None:
    """What the document says, ``None`` where it says nothing; ``off`` gives the token endpoint back to this server."""
    if is_off(root.entries.get("authorization_server")):
        return AuthorizationServer()
    fields = root.child("authorization_server", ("token_endpoint",))
    if fields is None:
        return None
    if "token_endpoint" not in fields:
        fields.problem(
            None,
            "the key 'token_endpoint' is missing",
            "Add `token_endpoint:` with its URL, or write `authorization_server: off`",
        )
    return AuthorizationServer(token_endpoint=read_url(fields, "token_endpoint", query=True))
