"""How a person is called in tokens (OIDC core section 8): by the same name everywhere, or by another in each sector."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from wardgate.domain.oauth import Client
from wardgate.identity.server import Server
from wardgate.jose.encoding import encode

_KEY = b"wardgate/pairwise-subjects/v1"


def sector_of(client: Client) -> str:
    """The host all clients of one operator share: of the sector identifier, or else of the redirect URIs.

    Raises:
        ValueError: neither tells; registration refuses such a client (OIDC registration section 5).
    """
    urls = (client.sector_identifier_uri,) if client.sector_identifier_uri else client.redirect_uris
    hosts = {urlsplit(url).hostname or "" for url in urls}
    if len(hosts) != 1 or "" in hosts:
        raise ValueError(f"client {client.id} has no one sector: set sector_identifier_uri")
    return hosts.pop()


def subject_of(server: Server, client: Client, user: str) -> str:
    """``sub`` of the user with that id in what is issued to ``client``. Raises ValueError as :func:`sector_of`.

    Pairwise: HMAC-SHA256 of sector and user under a key of the installation, so that sectors cannot compare notes.
    """
    if client.subject_type == "public":
        return user
    key = hmac.digest(server.store.master_key(), _KEY, "sha256")
    return encode(hmac.digest(key, f"{sector_of(client)}\0{user}".encode(), "sha256"))
