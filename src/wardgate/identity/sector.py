"""Sector identifiers (OIDC registration section 5): several hosts are one sector only if its owner says so."""

from __future__ import annotations

from wardgate.domain.oauth import Client
from wardgate.identity.client_metadata import MetadataError
from wardgate.identity.ports import Fetcher, FetchError


async def check_sector(fetch: Fetcher, client: Client) -> None:
    """The document at ``sector_identifier_uri`` names every redirect URI of the client.

    Without the check a client could claim somebody else's sector and learn how persons are called there.

    Raises:
        MetadataError: it does not, or cannot be read.
    """
    uri = client.sector_identifier_uri
    if not uri:
        return
    try:
        answer = await fetch.get(uri)
    except FetchError as error:
        raise MetadataError("sector_identifier_uri", f"it could not be read ({error})") from None
    listed = answer.document
    if answer.status != 200 or not isinstance(listed, list):
        raise MetadataError("sector_identifier_uri", "it is no JSON list of redirect URIs")
    if any(redirect_uri not in listed for redirect_uri in client.redirect_uris):
        raise MetadataError("sector_identifier_uri", "it does not list every redirect URI of this client")
