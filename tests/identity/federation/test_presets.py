"""Okta, Microsoft Entra ID and Google: their issuers, claims and corner cases."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from tests.identity.federation.foreign import SECRET, House, make_house
from tests.identity.front import count

from wardgate.domain.people import IdentityProvider, Role
from wardgate.domain.provider import ProviderSettings, read_settings
from wardgate.identity.federation.person import is_overage, person_of
from wardgate.identity.federation.providers import (
    IssuerError,
    email_verified,
    issuer_rule,
)
from wardgate.jose.thumbprint import certificate_thumbprint
from wardgate.storage.database import SqlStore

HOME = "11111111-2222-4333-8444-555555555555"
PARTNER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
STRANGER = "99999999-8888-4777-8666-555555555555"
AUTHORITY = "https://login.abroad.example"


async def entra(store: SqlStore, tenant: str = HOME, of: str = HOME, **settings: Any) -> House:
    """A house with Entra, whose tokens are of the directory ``of``."""
    house = make_house(store, f"{AUTHORITY}/{of}/v2.0")
    house.foreign.key = RSAKey.generate_key(2048)
    house.foreign.algorithm = "RS256"
    house.foreign.published = [house.foreign.key]
    house.foreign.claims = {"tid": of, "email_verified": None}
    house.foreign.metadata = {"authorization_response_iss_parameter_supported": None}
    if tenant in ("organizations", "common"):
        house.foreign.metadata["issuer"] = f"{AUTHORITY}/{{tenantid}}/v2.0"
    async with house.server.store.writing() as tx:
        await tx.roles.put(Role(name="admin", scopes=("orders.write",)))
    await house.add(
        "Microsoft", preset="entra", issuer=AUTHORITY, settings={"tenant": tenant, "create": True, **settings}
    )
    return house


async def roles(house: House) -> tuple[str, ...]:
    """The roles of the only user."""
    async with house.server.store.reading() as tx:
        (user,) = await tx.users.list()
        return await tx.users.roles(user.id)


async def test_one_directory_has_one_issuer(store: SqlStore) -> None:
    """Metadata is read below the tenant, and its tokens sign people in."""
    house = await entra(store)
    assert (await house.sign_in(house.browser(), "microsoft", iss=None)).status_code == 303
    assert house.foreign.asked[0] == f"{AUTHORITY}/{HOME}/v2.0/.well-known/openid-configuration"
    async with house.server.store.reading() as tx:
        assert await tx.providers.link("microsoft", "abroad-1") is not None


async def test_many_directories_have_a_template(store: SqlStore) -> None:
    """Metadata states the template; the token's issuer fits its ``tid``, and ``sub`` counts within that directory."""
    house = await entra(store, "organizations", of=PARTNER, tenants=[HOME, PARTNER])
    assert (await house.sign_in(house.browser(), "microsoft", iss=None)).status_code == 303
    assert house.foreign.asked[0] == f"{AUTHORITY}/organizations/v2.0/.well-known/openid-configuration"
    async with house.server.store.reading() as tx:
        assert await tx.providers.link("microsoft", f"{PARTNER}/abroad-1") is not None
        assert await tx.providers.link("microsoft", "abroad-1") is None


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"tid": HOME}, "not that of its directory"),
        ({"tid": None}, "not that of its directory"),
        ({"tid": "{tenantid}", "iss": f"{AUTHORITY}/{{tenantid}}/v2.0"}, "not that of its directory"),
        ({"tid": STRANGER, "iss": f"{AUTHORITY}/{STRANGER}/v2.0"}, "not allowed"),
        ({"tid": PARTNER.upper(), "iss": f"{AUTHORITY}/{PARTNER.upper()}/v2.0"}, "not that of its directory"),
        ({"iss": f"https://evil.example/{PARTNER}/v2.0"}, "not that of its directory"),
        ({"iss": f"{AUTHORITY}/organizations/v2.0"}, "not that of its directory"),
    ],
)
async def test_only_listed_directories_come_in(
    store: SqlStore, caplog: pytest.LogCaptureFixture, claims: dict[str, Any], said: str
) -> None:
    """Another directory's token, however well signed, signs nobody in."""
    house = await entra(store, "organizations", of=PARTNER, tenants=[HOME, PARTNER])
    house.foreign.claims |= claims
    browser = house.browser()
    with caplog.at_level(logging.WARNING, "wardgate.identity"):
        response = await house.sign_in(browser, "microsoft", iss=None)
    assert (response.status_code, said in caplog.text) == (403, True)
    assert not browser.signed_in
    assert await count(house.server, "identity_links") == 0


@pytest.mark.parametrize("iss", [f"{AUTHORITY}/{STRANGER}/v2.0", f"{AUTHORITY}/{HOME}/v2.0"])
async def test_the_answers_iss_fits_too(store: SqlStore, caplog: pytest.LogCaptureFixture, iss: str) -> None:
    """One of a directory that may not come, or of another than the token's, ends the sign-in."""
    house = await entra(store, "common", of=PARTNER, tenants=[HOME, PARTNER])
    response = await house.sign_in(house.browser(), "microsoft", iss=iss)
    assert response.status_code == 403
    assert "iss of the answer" in caplog.text


async def test_a_tenant_that_is_not_the_issuers(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """With one directory a different ``tid`` is refused although the issuer is right."""
    house = await entra(store)
    house.foreign.claims["tid"] = PARTNER
    assert (await house.sign_in(house.browser(), "microsoft", iss=None)).status_code == 403
    assert "another directory" in caplog.text


OVERAGE = {
    "_claim_names": {"groups": "src1"},
    "_claim_sources": {"src1": {"endpoint": "https://graph.microsoft.com/x"}},
}


@pytest.mark.parametrize("claims", [OVERAGE, {"hasgroups": True}, {"hasgroups": "true"}])
async def test_overage_is_refused_where_groups_matter(
    store: SqlStore, caplog: pytest.LogCaptureFixture, claims: dict[str, Any]
) -> None:
    """Nobody knows the person's groups: no sign-in, and the log says what to do. The graph is never called."""
    house = await entra(store, roles={"g-1": ["admin"]})
    house.foreign.claims |= claims
    response = await house.sign_in(house.browser(), "microsoft", iss=None)
    assert (response.status_code, "more groups" in response.text) == (403, True)
    assert "group overage" in caplog.text
    assert not [url for url in house.foreign.asked if "graph" in url]


async def test_overage_may_be_no_groups(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """With ``ignore`` the person comes in without what groups give; app roles still count; the log tells."""
    house = await entra(store, roles={"g-1": ["admin"], "Orders.Admin": ["admin"]}, on_overage="ignore")
    house.foreign.claims |= {"groups": ["g-1"]}
    await house.sign_in(house.browser(), "microsoft", iss=None)
    assert await roles(house) == ("admin",)
    house.foreign.claims |= {"groups": None, **OVERAGE}
    await house.sign_in(house.browser(), "microsoft", iss=None)
    assert await roles(house) == ()
    house.foreign.claims |= {"roles": ["Orders.Admin"]}
    await house.sign_in(house.browser(), "microsoft", iss=None)
    assert await roles(house) == ("admin",)
    assert "no groups count" in caplog.text
    assert "ann" not in caplog.text.lower()


async def test_overage_does_not_matter_without_a_mapping(store: SqlStore) -> None:
    """Where groups decide nothing, their number does not either."""
    house = await entra(store)
    house.foreign.claims |= OVERAGE
    assert (await house.sign_in(house.browser(), "microsoft", iss=None)).status_code == 303


async def test_okta_groups(store: SqlStore) -> None:
    """``groups`` is asked for where Okta lists it, arrives as a list, and gives roles."""
    house = make_house(store)
    async with house.server.store.writing() as tx:
        await tx.roles.put(Role(name="admin"))
    await house.add("Okta", preset="okta", settings={"create": True, "roles": {"Order admins": ["admin"]}})
    house.foreign.claims = {"groups": ["Everyone", "Order admins"], "amr": ["pwd", "mfa"]}
    begun = await house.browser().get("/oauth2/federation/okta/start")
    asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    assert asked["scope"] == "openid profile email groups"
    assert (await house.sign_in(house.browser(), "okta")).status_code == 303
    assert await roles(house) == ("admin",)
    house.foreign.metadata["scopes_supported"] = ["openid", "profile", "email"]
    house.clock.now += 3601
    begun = await house.browser().get("/oauth2/federation/okta/start")
    assert "groups" not in dict(parse_qsl(urlsplit(begun.headers["location"]).query))["scope"]


@pytest.mark.parametrize(
    ("preset", "claims", "believed"),
    [
        ("generic", {"email_verified": True}, True),
        ("generic", {"email_verified": "true"}, False),
        ("generic", {"email_verified": 1}, False),
        ("generic", {}, False),
        ("okta", {"email_verified": True}, True),
        ("google", {"email_verified": True}, True),
        ("entra", {"email_verified": True}, False),
        ("entra", {"xms_edov": True}, True),
        ("entra", {"xms_edov": "1"}, True),
        ("entra", {"xms_edov": False}, False),
        ("entra", {"xms_edov": "0"}, False),
        ("generic", {"xms_edov": True}, False),
    ],
)
def test_who_vouches_for_an_address(preset: Any, claims: dict[str, Any], believed: bool) -> None:
    """Entra's administrators may write any address, so only its owned domains count; others say so themselves."""
    assert email_verified(_provider(preset), claims) is believed


def test_google_domains() -> None:
    """A hosted domain that is not listed, or none, does not come in; case does not matter."""
    rule = issuer_rule(_provider("google"), ProviderSettings(domains=("example.com",)))
    assert rule.check({"iss": AUTHORITY, "hd": "Example.com"}) == AUTHORITY
    for claims in ({}, {"hd": "evil.example"}, {"hd": "sub.example.com"}):
        with pytest.raises(IssuerError, match="domain"):
            rule.check({"iss": AUTHORITY, **claims})


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({}, False),
        ({"_claim_names": {"other": "src1"}}, False),
        ({"_claim_names": ["groups"]}, False),
        ({"_claim_names": {"groups": "src1"}}, True),
        ({"hasgroups": True}, True),
        ({"hasgroups": False}, False),
        ({"hasgroups": {}}, False),
    ],
)
def test_what_overage_looks_like(claims: dict[str, Any], found: bool) -> None:
    """Both ways Entra says it; nothing else is one."""
    assert is_overage(ProviderSettings(), claims) is found


def test_groups_of_another_shape() -> None:
    """A single text, a path into a claim, and things that are no groups."""
    settings = ProviderSettings(groups_claim="realm.roles", roles={"a": ("x",), "b": ("y",)})
    rule = issuer_rule(_provider("generic"), settings)

    def found(**claims: Any) -> frozenset[str]:
        return person_of(_provider("generic"), settings, rule, {"sub": "s", **claims}).rights.roles

    assert found(realm={"roles": ["a", "c", None, 7]}) == {"x"}
    assert found(realm={"roles": "b"}, roles="a") == {"x", "y"}
    assert found(**{"realm.roles": ["b"]}) == {"y"}
    for odd in (None, 7, {"a": 1}, {"roles": {"a": 1}}, "a"):
        assert found(realm=odd) == frozenset()


@pytest.mark.parametrize(
    "document",
    [
        {"unknown": 1},
        {"create": "yes"},
        {"tenant": 7},
        {"tenants": "x"},
        {"roles": []},
        {"roles": {"g": "admin"}},
        {"on_overage": "shrug"},
        {"authentication": "none"},
    ],
)
def test_settings_are_read_strictly(document: dict[str, Any]) -> None:
    """A setting that is none, or of another kind, is an error that names it."""
    with pytest.raises(ValueError, match=next(iter(document))):
        read_settings(document)


def test_settings_come_back_as_they_were() -> None:
    """What is stored is what differs from the defaults."""
    settings = ProviderSettings(tenant="x", tenants=("y",), roles={"g": ("a", "b")}, create=True)
    assert settings.document() == {
        "tenant": "x",
        "tenants": ["y"],
        "roles": {"g": ["a", "b"]},
        "create": True,
    }
    assert read_settings(settings.document()) == settings
    assert ProviderSettings().document() == {}


async def test_client_secrets(store: SqlStore) -> None:
    """Basic encodes id and secret as RFC 6749 section 2.3.1 says; post sends both; without a secret only the id."""
    house = make_house(store)
    await house.add("Basic", secret="a:b c%", client_id="id:1", settings={"create": True})
    await house.add("Post", settings={"create": True, "authentication": "client_secret_post"})
    await house.add("Public", secret="", settings={"create": True})
    for provider in ("basic", "post", "public"):
        assert (await house.sign_in(house.browser(), provider)).status_code in (200, 303)
    basic, post, public = house.foreign.posted
    assert basic[1] == {"authorization": "Basic aWQlM0ExOmElM0FiK2MlMjU="}
    assert "client_secret" not in basic[0]
    assert (post[0]["client_id"], post[0]["client_secret"], post[1]) == ("wardgate-at-abroad", SECRET, {})
    assert (public[0]["client_id"], public[1]) == ("wardgate-at-abroad", {})
    assert "client_secret" not in public[0]


@pytest.mark.parametrize("kind", ["P-256", "RSA", "RSA with certificate"])
async def test_a_key_instead_of_a_secret(store: SqlStore, kind: str) -> None:
    """``private_key_jwt``: signed with the operator's key, for the token endpoint, for a minute, once."""
    private: Any = (
        ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = _certificate(private)
    if kind.endswith("certificate"):
        pem = certificate.public_bytes(Encoding.PEM).decode() + pem
    house = make_house(store)
    provider = await house.add(secret=pem, settings={"create": True, "authentication": "private_key_jwt"})
    from wardgate.identity.federation.manage_providers import registered_key

    public = registered_key(house.server, provider)
    assert public is not None
    assert "d" not in public
    for _ in range(2):
        assert (await house.sign_in(house.browser())).status_code == 303
    seen = set()
    for form, headers in house.foreign.posted:
        assert (headers, form["client_assertion_type"]) == (
            {},
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        key: Any = ECKey.import_key(public) if kind == "P-256" else RSAKey.import_key(public)
        token = jwt.decode(form["client_assertion"], KeySet([key]), algorithms=[public["alg"]])
        assert token.claims["iss"] == token.claims["sub"] == "wardgate-at-abroad"
        assert token.claims["aud"] == house.foreign.document()["token_endpoint"]
        assert token.claims["exp"] - token.claims["iat"] == 60
        seen.add(token.claims["jti"])
        header = jws.extract_compact(form["client_assertion"].encode()).headers()
        if kind.endswith("certificate"):
            assert header["alg"] == "PS256"
            assert header["x5t#S256"] == certificate_thumbprint(certificate.public_bytes(Encoding.DER))
        else:
            assert "x5t#S256" not in header
    assert len(seen) == 2


def _provider(preset: Any) -> IdentityProvider:
    return IdentityProvider(
        id="p", environment="development", name="P", preset=preset, issuer=AUTHORITY, client_id="c"
    )


def _certificate(key: Any) -> x509.Certificate:
    import datetime as dt

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wardgate")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
