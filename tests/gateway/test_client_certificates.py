"""Client certificates of TLS connections: asked for, never demanded, and what tokens are bound to (RFC 8705)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.gateway.harness import Gateway, Upstream, ok, orders, serving
from tests.gateway.oauth_side import ISSUER, Server

from wardgate.domain.api import Resource
from wardgate.domain.settings import Certificate
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.certificates import CertificateError, CertificateStore
from wardgate.gateway.local_ca import make_local_ca
from wardgate.jose.thumbprint import certificate_thumbprint
from wardgate.storage.database import SqlStore

_NAME = x509.NameOID.COMMON_NAME


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its key, in one PEM file."""

    file: Path
    thumbprint: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def issued(folder: Path, name: str, issuer: Holder | None = None, *, authority: bool = False) -> Holder:
    """A certificate of ``issuer``, or signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer.key if issuer is not None else key, SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return Holder(file, certificate_thumbprint(made.public_bytes(Encoding.DER)), made, key)


@dataclass(frozen=True, slots=True)
class Party:
    """A gateway over TLS, its authorization server, and clients with certificates."""

    gateway: Gateway
    server: Server
    upstream: Upstream
    authority: Path
    mine: Holder
    other: Holder
    alone: Holder
    stranger: Holder

    def context(self, holder: Holder | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """A client that shows ``holder``'s certificate."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if holder is not None:
            context.load_cert_chain(holder.file)
        if version is not None:
            context.maximum_version = version
        return context

    async def call(self, token: str, holder: Holder | None, version: ssl.TLSVersion | None = None) -> int:
        """The status of a request with ``token`` over a connection that shows ``holder``'s certificate."""
        wire = await self.gateway.connect(self.context(holder, version))
        wire.send(self.gateway.request("GET", "/token", b"Authorization: Bearer " + token.encode(), key=""))
        answering = asyncio.ensure_future(wire.answer())
        accepting = asyncio.ensure_future(self.upstream.accept())
        done, _ = await asyncio.wait({answering, accepting}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        if accepting in done:
            peer = await accepting
            await peer.head()
            peer.send(ok(b"", b"Connection: close"))
            await answering
            peer.close()
        else:
            accepting.cancel()
        status = (await answering).status
        wire.close()
        return status


@pytest.fixture
async def party(store: SqlStore, tmp_path: Path) -> AsyncIterator[Party]:
    """The gateway takes certificates of one authority, and one that signed itself."""
    files, authority = make_local_ca(tmp_path / "server", ["localhost"])
    ca = issued(tmp_path, "ca", authority=True)
    alone = issued(tmp_path, "alone")
    client_ca = tmp_path / "clients.pem"
    pem = [made.certificate.public_bytes(Encoding.PEM) for made in (ca, alone)]
    client_ca.write_bytes(b"".join(pem))
    async with Upstream().listening() as upstream:
        made = orders(upstream.url)
        resource = Resource(method="GET", path="/token", schemes=("oauth2",))
        entry = replace(made, api=replace(made.api, resources=(resource,)))
        async with serving(
            store, entry, tls=True, certificates=(files,), client_ca=str(client_ca), issuer=ISSUER
        ) as gateway:
            server = Server(store)
            await server.add_key()
            await server.add_client()
            gateway.worker.on_wake()
            yield Party(
                gateway,
                server,
                upstream,
                authority,
                issued(tmp_path, "mine", ca),
                issued(tmp_path, "other", ca),
                alone,
                issued(tmp_path, "stranger"),
            )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_bound_token_needs_its_certificate(party: Party, version: ssl.TLSVersion) -> None:
    """Right over the connection that shows it, wrong over any other and over one that shows none."""
    token = party.server.mint(cnf={"x5t#S256": party.mine.thumbprint})
    assert await party.call(token, party.mine, version) == 200
    assert await party.call(token, party.other, version) == 401
    assert await party.call(token, None, version) == 401
    assert party.gateway.reasons == ["certificate_mismatch", "certificate_mismatch", "ok"]


async def test_a_certificate_may_stand_for_itself(party: Party) -> None:
    """One that is listed itself is taken, whoever signed it (RFC 8705 section 2.2)."""
    token = party.server.mint(cnf={"x5t#S256": party.alone.thumbprint})
    assert await party.call(token, party.alone) == 200
    assert await party.call(token, party.mine) == 401


async def test_nobody_needs_a_certificate(party: Party) -> None:
    """An unbound token opens over a connection without one, and over one with any."""
    token = party.server.mint()
    assert await party.call(token, None) == 200
    assert await party.call(token, party.other) == 200


async def test_a_certificate_nobody_vouches_for_ends_the_handshake(party: Party) -> None:
    """It is neither believed nor passed over."""
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await party.call(party.server.mint(), party.stranger)


async def test_binding_may_be_demanded(party: Party) -> None:
    """Where certificates are asked of all, an unbound token is refused over any connection."""
    (mounted,) = party.gateway.worker.snapshot.mounted.values()
    api = mounted.compiled.api
    made = orders(party.upstream.url)
    await party.gateway.apply(
        replace(made, api=replace(made.api, resources=api.resources, oauth2=OAuth2Settings(bound="mtls")))
    )
    assert await party.call(party.server.mint(), party.mine) == 401
    assert await party.call(party.server.mint(cnf={"x5t#S256": party.mine.thumbprint}), party.mine) == 200


async def test_metadata_tells_that_tokens_may_be_bound(party: Party) -> None:
    """RFC 8705 section 3.3, for resources as well."""
    wire = await party.gateway.connect(party.context(None))
    wire.send(b"GET /.well-known/oauth-protected-resource/orders/v1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b'"tls_client_certificate_bound_access_tokens": true' in (await wire.answer()).body


@pytest.mark.parametrize("content", [None, b"", b"no certificates\n"])
def test_authorities_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """The error names the file and what belongs in it."""
    files, _ = make_local_ca(tmp_path / "server", ["localhost"])
    file = tmp_path / "clients.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CertificateError, match=r"clients\.pem.*give a PEM file of authorities"):
        CertificateStore((Certificate(certificate=files.certificate, key=files.key),), client_ca=str(file))
