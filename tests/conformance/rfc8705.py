"""RFC 8705: mutual-TLS client authentication and certificate-bound tokens."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import answered, bad, challenged, tokens, unauthorized
from tests.conformance.changes import Change, change, simple
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.identity.certificates import certificate, registered

from wardgate.identity.issue import Binding
from wardgate.jose.thumbprint import certificate_thumbprint

_DN = "CN=app,O=Acme"
_OWN = (("grant_type", "client_credentials"), ("scope", "read"))


@sound("a client authenticates by a certificate of an authority", tokens)
async def by_authority(house: House) -> Request:
    client = await house.client(
        authentication="tls_client_auth", tls_subject_dn=_DN, grant_types=("client_credentials",)
    )
    facts = {"client": client}
    return Request(
        path="/oauth2/token",
        form=(*_OWN, ("client_id", client.id)),
        certificate=certificate(_DN),
        facts=facts,
    )


@sound("a client authenticates by a certificate of an authority, known by a DNS name", tokens)
async def by_dns_name(house: House) -> Request:
    request = await by_authority.make(house)
    changed = replace(request.facts["client"], tls_subject_dn="", tls_san_dns="app.example.com")
    async with house.side.store.writing() as tx:
        await tx.clients.replace(changed)
    return replace(request, certificate=certificate("CN=any", dns=("app.example.com",)))


@sound("a client authenticates by a certificate it registered", tokens)
async def self_signed(house: House) -> Request:
    der = certificate(issuer=None)
    client = await house.client(
        authentication="self_signed_tls_client_auth",
        jwks=registered(der),
        grant_types=("client_credentials",),
    )
    form = (*_OWN, ("client_id", client.id))
    return Request(path="/oauth2/token", form=form, certificate=der, facts={"client": client})


@sound("a client whose tokens are bound gets one on a connection with its certificate", tokens)
async def binding(house: House) -> Request:
    client = await house.client(grant_types=("client_credentials",), certificate_bound=True)
    return Request(
        path="/oauth2/token",
        form=_OWN,
        headers=house.basic(client),
        certificate=certificate(),
        facts={"client": client},
    )


@sound("a token bound to a certificate opens userinfo on a connection with it", answered)
async def bound_userinfo(house: House) -> Request:
    der = certificate()
    client = await house.client()
    bound = Binding(x5t=certificate_thumbprint(der))
    text = await house.access_token(client, await house.grant(client), binding=bound)
    headers = (("Authorization", f"Bearer {text}"),)
    return Request(path="/oauth2/userinfo", method="GET", headers=headers, certificate=der)


@sound("a public client uses a refresh token bound to its certificate", tokens)
async def bound_refresh(house: House) -> Request:
    der = certificate()
    client = await house.client(authentication="none", certificate_bound=True)
    bound = Binding(x5t=certificate_thumbprint(der))
    text = await house.refresh_token(client, await house.grant(client), bound)
    form = (("grant_type", "refresh_token"), ("refresh_token", text), ("client_id", client.id))
    return Request(path="/oauth2/token", form=form, certificate=der)


def showing(text: str, der: bytes | None) -> Change:
    """Another certificate on the connection, or none."""
    return simple(text, lambda request: replace(request, certificate=der))


_NONE = showing("on a connection without a certificate", None)
_OTHER = showing("with another certificate of the same name", certificate(_DN))
_SPOOFED = simple(
    "with the header of the TLS listener, sent by somebody else",
    lambda request: replace(request, hop=False),
)


@change("with a secret instead of a certificate")
async def with_secret(house: House, request: Request) -> Request:
    other = await house.client()
    return replace(request, certificate=None).with_(client_secret=house.side.secrets[other.id])


ROWS = (
    Row(
        "rfc8705-2.1-certificate-required",
        "The client shows a certificate.",
        by_authority,
        _NONE,
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1-subject-matches",
        "The subject is the one registered.",
        by_authority,
        showing("a certificate of another subject", certificate("CN=app,O=Evil")),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1-subject-whole",
        "The subject is compared as a whole.",
        by_authority,
        showing("a certificate of a subject that begins alike", certificate("CN=app,O=Acme,OU=x")),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1-of-an-authority",
        "The certificate is one an authority signed.",
        by_authority,
        showing("a self-signed certificate of the same name", certificate(_DN, issuer=None)),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1-expired",
        "The certificate is valid now.",
        by_authority,
        showing("a certificate that has expired", certificate(_DN, days=-1)),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1-garbage",
        "What is no certificate is none.",
        by_authority,
        showing("bytes that are no certificate", b"garbage"),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1.2-dns-name-matches",
        "The name registered is in the certificate.",
        by_dns_name,
        showing(
            "a certificate of another name", certificate("CN=app.example.com", dns=("evil.example.com",))
        ),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.1.2-not-the-common-name",
        "The name registered is where it was said to be.",
        by_dns_name,
        showing("the DNS name in the subject alone", certificate("CN=app.example.com")),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.2-registered",
        "The certificate is the one registered.",
        self_signed,
        showing("another certificate of the same name", certificate(issuer=None)),
        unauthorized(),
    ),
    Row(
        "rfc8705-2.2-certificate-required",
        "The client shows a certificate.",
        self_signed,
        _NONE,
        unauthorized(),
    ),
    Row(
        "rfc8705-2-method-registered",
        "A client authenticates in the way it registered.",
        by_authority,
        with_secret,
        unauthorized(),
    ),
    Row(
        "rfc8705-6.5-header-trusted",
        "A certificate is believed from the TLS listener alone.",
        by_authority,
        _SPOOFED,
        unauthorized(),
    ),
    Row(
        "rfc8705-6.5-header-trusted-self-signed",
        "A certificate is believed from the TLS listener alone.",
        self_signed,
        _SPOOFED,
        unauthorized(),
    ),
    Row(
        "rfc8705-3-token-needs-certificate",
        "A client whose tokens are bound gets no other.",
        binding,
        _NONE,
        bad(),
    ),
    Row(
        "rfc8705-3-certificate-required",
        "A bound token is refused without its certificate.",
        bound_userinfo,
        _NONE,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc8705-3-certificate-matches",
        "A bound token is refused with another certificate.",
        bound_userinfo,
        _OTHER,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc8705-3-header-trusted",
        "A certificate is believed from the TLS listener alone.",
        bound_userinfo,
        _SPOOFED,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc8705-4-refresh-matches",
        "A public client's refresh token is bound to its certificate.",
        bound_refresh,
        _OTHER,
        bad("invalid_grant"),
    ),
    Row(
        "rfc8705-4-refresh-needs-certificate",
        "A public client's refresh token is bound to its certificate.",
        bound_refresh,
        _NONE,
        bad(),
    ),
)
DOCUMENT = Document("RFC 8705", "Mutual-TLS Client Authentication and Certificate-Bound Tokens", ROWS)
