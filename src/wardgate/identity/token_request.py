"""What a grant is given: the token request, checked as far as all grants ask the same, and the client that sent it."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.domain.oauth import Client
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call, Parameters
from wardgate.identity.issue import Binding
from wardgate.identity.ports import KnownClient
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request of an authenticated client that is registered for the grant. ``binding`` is what its tokens are bound to."""

    server: Server
    call: Call
    known: KnownClient
    binding: Binding

    @property
    def client(self) -> Client:
        """The client."""
        return self.known.client

    @property
    def form(self) -> Parameters:
        """The parameters."""
        return self.call.form

    def required(self, name: str) -> str:
        """A parameter that must be there. Raises OAuthError ``invalid_request``."""
        value = self.call.form.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing")
        return value


def invalid_grant(note: str = "") -> OAuthError:
    """RFC 6749 section 5.2, in the same words whatever was wrong with what was presented."""
    return OAuthError(
        "invalid_grant", "What was presented is invalid, expired, used or another client's", note=note
    )
