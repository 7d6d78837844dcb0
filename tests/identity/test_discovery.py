"""What foreign issuers publish: whose metadata is believed, and which keys are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from wardgate.identity.discovery import read_issuer, read_metadata
from wardgate.identity.fetch import NotJsonError
from wardgate.identity.ports import Fetched, FetchError

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
EC = {"kty": "EC", "kid": "a", "crv": "P-256", "x": "x", "y": "y", "alg": "ES256", "use": "sig"}


class Web:
    """Documents by URL; what is not there is answered with 404. ``asked`` lists the URLs in order."""

    def __init__(self, documents: Mapping[str, Any], max_age: float = 60.0) -> None:
        self.documents = dict(documents)
        self.max_age = max_age
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.forms: list[Mapping[str, str]] = []

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        self.asked.append(url)
        await asyncio.sleep(0)
        found = self.documents.get(url)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, Fetched):
            return found
        status = 404 if found is None else 200
        return Fetched(status=status, document=found if found is not None else {}, max_age=self.max_age)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        self.forms.append(dict(form))
        self.headers.append(dict(headers or {}))
        return await self.get(url)


async def test_keys_are_found_by_openid_discovery() -> None:
    """The issuer's path stays before the well-known one, without a slash at its end."""
    web = Web(
        {
            "https://id.test/t/.well-known/openid-configuration": {
                "issuer": "https://id.test/t/",
                "jwks_uri": "https://keys.test/jwks",
            },
            "https://keys.test/jwks": {"keys": [EC]},
        }
    )
    published = await read_issuer(web, "https://id.test/t/", "")
    assert published.jwks == {"keys": [EC]}
    assert (published.jwks_uri, published.max_age) == ("https://keys.test/jwks", 60.0)


@pytest.mark.parametrize("first", [None, NotJsonError("html", 404)])
async def test_keys_are_found_by_rfc_8414(first: Any) -> None:
    """Where there is no OpenID document the well-known part goes before the path."""
    web = Web(
        {
            "https://id.test/t/.well-known/openid-configuration": first,
            "https://id.test/.well-known/oauth-authorization-server/t": {
                "issuer": "https://id.test/t",
                "jwks_uri": "https://id.test/jwks",
            },
            "https://id.test/jwks": {"keys": []},
        }
    )
    assert (await read_issuer(web, "https://id.test/t", "")).jwks == {"keys": []}


async def test_a_key_url_needs_no_metadata() -> None:
    """Where settings say where the keys are, nothing else is asked."""
    web = Web({"https://id.test/jwks": {"keys": [EC]}})
    await read_issuer(web, "https://id.test", "https://id.test/jwks")
    assert web.asked == ["https://id.test/jwks"]


@pytest.mark.parametrize(
    "named",
    [
        "https://id.test/",
        "https://ID.test",
        "https://evil.test",
        "https://id.test/{tenantid}",
        None,
        ["https://id.test"],
    ],
)
async def test_metadata_of_another_issuer_is_refused(named: Any) -> None:
    """The issuer must be named exactly (RFC 8414 section 3.3); no second place is then asked."""
    web = Web(
        {"https://id.test/.well-known/openid-configuration": {"issuer": named, "jwks_uri": "https://x.test"}}
    )
    with pytest.raises(FetchError, match=r"the metadata of id\.test is that of another issuer"):
        await read_metadata(web, "https://id.test")
    assert len(web.asked) == 1


async def test_entra_leaves_the_tenant_open() -> None:
    """Metadata and keys with ``{tenantid}`` are every tenant's; keys of one tenant are that tenant's alone."""
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    open_ = "https://login.microsoftonline.com/{tenantid}/v2.0"
    keys = [
        {**EC, "kid": "open", "issuer": open_},
        {**EC, "kid": "own", "issuer": issuer},
        {**EC, "kid": "other", "issuer": f"https://login.microsoftonline.com/{OTHER}/v2.0"},
        {**EC, "kid": "odd", "issuer": 7},
    ]
    web = Web(
        {
            f"{issuer}/.well-known/openid-configuration": {"issuer": open_, "jwks_uri": "https://k.test"},
            "https://k.test": {"keys": keys},
        }
    )
    kept = (await read_issuer(web, issuer, "")).jwks["keys"]
    assert [key["kid"] for key in kept] == ["open", "own"]


async def test_only_what_is_public_is_kept() -> None:
    """Private and symmetric keys are left out, and of the others everything that is no part of a public key."""
    document = {
        "keys": [
            {**EC, "d": "secret"},
            {"kty": "oct", "k": "secret"},
            "no key",
            {**EC, "x5c": ["certificate"], "more": "x"},
            *({**EC, "kid": str(number)} for number in range(300)),
        ]
    }
    kept = (await read_issuer(Web({"https://k.test": document}), "https://id.test", "https://k.test")).jwks[
        "keys"
    ]
    assert kept[0] == EC
    assert len(kept) == 197
    assert "secret" not in str(kept)


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ({}, r"the metadata of id\.test was answered with status 404"),
        (
            {
                "https://id.test/.well-known/openid-configuration": FetchError(
                    "id.test did not answer within 5 s"
                )
            },
            "did not answer within 5 s",
        ),
        (
            {
                "https://id.test/.well-known/openid-configuration": NotJsonError(
                    "id.test answered 200 with HTML", 200
                )
            },
            "answered 200 with HTML",
        ),
        (
            {"https://id.test/.well-known/openid-configuration": []},
            r"the metadata of id\.test is no JSON object",
        ),
        (
            {"https://id.test/.well-known/openid-configuration": {"issuer": "https://id.test"}},
            r"the metadata of id\.test names no jwks_uri",
        ),
        (
            {
                "https://id.test/.well-known/openid-configuration": {
                    "issuer": "https://id.test",
                    "jwks_uri": "https://id.test/jwks?secret",
                }
            },
            r"the JWK set of id\.test was answered with status 404",
        ),
        (
            {
                "https://id.test/.well-known/openid-configuration": {
                    "issuer": "https://id.test",
                    "jwks_uri": "https://id.test/jwks",
                },
                "https://id.test/jwks": {"keys": "none"},
            },
            r"the JWK set of id\.test holds no list of keys",
        ),
    ],
)
async def test_what_is_wrong_is_told(documents: dict[str, Any], why: str) -> None:
    """The error names host and cause, never the query."""
    with pytest.raises(FetchError, match=why) as caught:
        await read_issuer(Web(documents), "https://id.test", "")
    assert "secret" not in str(caught.value)
