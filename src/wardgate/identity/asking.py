"""Asks foreign issuers about tokens (RFC 7662), as the client an API's settings name."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from wardgate.domain.trust import SECRET_PREFIX, TrustedIssuer
from wardgate.identity.issuers import Issuers
from wardgate.identity.ports import Fetcher, FetchError

#: What of an answer is told to workers: claims that mean something to a resource server, nothing that only fills space.
_MAX_ANSWER = 64


class Introspection:
    """Introspection endpoints of the issuers that deployed APIs trust, and of nobody else."""

    def __init__(
        self, issuers: Issuers, fetch: Fetcher, environment: Mapping[str, str] | None = None
    ) -> None:
        """``environment`` holds the clients' secrets by name: the process's variables unless given."""
        self._issuers = issuers
        self._fetch = fetch
        self._environment = os.environ if environment is None else environment

    async def ask(self, issuer: str, endpoint: str, client_id: str, token: str) -> Mapping[str, Any]:
        """The answer of ``endpoint`` about ``token``.

        Raises:
            FetchError: no deployed API lists that endpoint for that issuer and client, it cannot be asked, or its
                answer is none.
        """
        trusted = next(
            (
                each
                for each in await self._issuers.trusted()
                if (each.issuer, each.introspection_endpoint, each.introspection_client_id)
                == (issuer, endpoint, client_id)
            ),
            None,
        )
        if trusted is None or not endpoint:
            raise FetchError("no deployed API asks this issuer about tokens")
        answer = await self._fetch.post(
            endpoint,
            {"token": token, "token_type_hint": "access_token"},
            headers={"authorization": self._authorization(trusted)},
        )
        host = urlsplit(endpoint).netloc
        if answer.status in (401, 403):
            raise FetchError(f"{host} refuses the client {client_id!r}: its id or secret is wrong")
        document = answer.document
        if answer.status != 200 or not isinstance(document, dict):
            raise FetchError(f"{host} answered a question about a token with status {answer.status}")
        if not isinstance(document.get("active"), bool) or len(document) > _MAX_ANSWER:
            raise FetchError(
                f"{host} answered a question about a token with something else than RFC 7662 says"
            )
        return document

    def _authorization(self, trusted: TrustedIssuer) -> str:
        """HTTP Basic, each part form-encoded first (RFC 6749 section 2.3.1)."""
        name = trusted.introspection_secret
        if not name.startswith(SECRET_PREFIX):
            raise FetchError(
                f"the environment variable {name} is not for introspection: name one {SECRET_PREFIX}..."
            )
        secret = self._environment.get(name)
        if not secret:
            raise FetchError(f"the environment variable {name} is not set")
        pair = f"{quote_plus(trusted.introspection_client_id)}:{quote_plus(secret)}"
        return f"Basic {b64encode(pair.encode()).decode()}"
