"""Certificates over real TLS connections: chosen by name, replaced while in use, refused with the file's name."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wardgate.domain.settings import Certificate
from wardgate.gateway.certificates import CertificateError, CertificateStore
from wardgate.gateway.local_ca import make_local_ca


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def serving(store: CertificateStore) -> AsyncIterator[int]:
    """A TLS echo server on a free loopback port."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=store.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def trusting(*authorities: Path) -> ssl.SSLContext:
    """A client that trusts just these authorities."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for authority in authorities:
        context.load_verify_locations(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


class Call:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.tls: ssl.SSLObject = writer.get_extra_info("ssl_object")

    @property
    def names(self) -> set[str]:
        """The names in the server's certificate."""
        certificate = self.tls.getpeercert()
        assert certificate is not None
        entries: Any = certificate["subjectAltName"]
        return {value for _, value in entries}

    async def works(self) -> bool:
        """Whether bytes still come back."""
        self._writer.write(b"ping")
        return await self._reader.read(4) == b"ping"

    async def close(self) -> None:
        """Ends the connection in order."""
        self._writer.close()
        await self._writer.wait_closed()


async def call(port: int, name: str | None, client: ssl.SSLContext) -> Call:
    """Connects, asking for ``name``."""
    return Call(*await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name or ""))


async def names_for(port: int, name: str | None, client: ssl.SSLContext) -> set[str]:
    """The names of the certificate a client gets that asks for ``name``."""
    connection = await call(port, name, client)
    assert await connection.works()
    found = connection.names
    await connection.close()
    return found


def unchecked(client: ssl.SSLContext) -> ssl.SSLContext:
    """The same without comparing names."""
    client.check_hostname = False
    return client


async def test_certificate_follows_the_name(tmp_path: Path) -> None:
    """An exact name beats a wildcard, a wildcard covers one label, and everything else gets the first certificate."""
    made = [
        make_local_ca(tmp_path / "a", ["default.test", "127.0.0.1"]),
        make_local_ca(tmp_path / "b", ["*.Example.com", "example.com"]),
        make_local_ca(tmp_path / "c", ["api.example.com"]),
    ]
    authorities = [authority for _, authority in made]
    async with serving(CertificateStore(tuple(files for files, _ in made))) as port:
        client = trusting(*authorities)
        assert await names_for(port, "default.test", client) == {"default.test", "127.0.0.1"}
        assert await names_for(port, "127.0.0.1", client) == {"default.test", "127.0.0.1"}
        assert await names_for(port, "shop.example.com", client) == {"*.example.com", "example.com"}
        assert await names_for(port, "EXAMPLE.com", client) == {"*.example.com", "example.com"}
        assert await names_for(port, "api.example.com", client) == {"api.example.com"}
        lax = unchecked(trusting(*authorities))
        for name in (None, "a.b.example.com", "other.test"):
            assert "default.test" in await names_for(port, name, lax)


async def test_protocols(tmp_path: Path) -> None:
    """TLS 1.3 and 1.2 work with http/1.1 and forward secrecy; TLS 1.1 and weak ciphers do not."""
    files, authority = make_local_ca(tmp_path, ["localhost"])
    async with serving(CertificateStore((files,))) as port:
        for version, shown in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
            client = trusting(authority)
            client.maximum_version = version
            connection = await call(port, "localhost", client)
            assert connection.tls.version() == shown
            assert connection.tls.selected_alpn_protocol() == "http/1.1"
            cipher = connection.tls.cipher()
            assert cipher is not None
            assert version is ssl.TLSVersion.TLSv1_3 or cipher[0].startswith("ECDHE-ECDSA-")
            assert await connection.works()
            await connection.close()
        old = trusting(authority)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        weak = trusting(authority)
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("ECDHE-ECDSA-AES128-SHA")
        for client in (old, weak):
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                await call(port, "localhost", client)


async def test_reload_swaps_under_open_connections(tmp_path: Path) -> None:
    """After a reload new connections get the new certificate and open ones go on with theirs."""
    old, old_authority = make_local_ca(tmp_path / "old", ["api.test"])
    new, new_authority = make_local_ca(tmp_path / "new", ["api.test", "www.test"])
    store = CertificateStore((old,))
    context = store.context
    async with serving(store) as port:
        client = trusting(old_authority, new_authority)
        before = await call(port, "api.test", client)
        Path(old.certificate).write_bytes(Path(new.certificate).read_bytes())
        assert await names_for(port, "api.test", client) == {"api.test"}
        with pytest.raises(CertificateError, match="does not belong to"):
            store.reload()
        assert await names_for(port, "api.test", client) == {"api.test"}
        Path(old.key).write_bytes(Path(new.key).read_bytes())
        store.reload()
        assert store.context is context
        assert await names_for(port, "api.test", client) == {"api.test", "www.test"}
        assert before.names == {"api.test"}
        assert await before.works()
        await before.close()


async def test_bad_files_keep_the_old(tmp_path: Path) -> None:
    """A reload with one bad certificate changes none of them."""
    first, authority = make_local_ca(tmp_path / "a", ["a.test"])
    second, _ = make_local_ca(tmp_path / "b", ["b.test"])
    other, _ = make_local_ca(tmp_path / "c", ["c.test"])
    store = CertificateStore((first, second))
    for source, target in ((other.certificate, first.certificate), (other.key, first.key)):
        Path(target).write_bytes(Path(source).read_bytes())
    Path(second.certificate).write_text("garbage")
    with pytest.raises(CertificateError, match="holds no PEM certificate"):
        store.reload()
    async with serving(store) as port:
        assert await names_for(port, "a.test", trusting(authority)) == {"a.test"}


def break_nothing(files: Certificate) -> None:
    """For what is wrong already."""


def break_key(files: Certificate) -> None:
    Path(files.key).write_text("garbage")


def lose_key(files: Certificate) -> None:
    Path(files.key).unlink()


def lose_certificate(files: Certificate) -> None:
    Path(files.certificate).unlink()


def empty_certificate(files: Certificate) -> None:
    Path(files.certificate).write_bytes(b"")


def encrypt_key(files: Certificate) -> None:
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
    Path(files.key).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )


def other_key(files: Certificate) -> None:
    Path(files.key).write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.mark.parametrize(
    ("damage", "days", "message"),
    [
        (break_key, 0, r"{key} holds no PEM private key"),
        (lose_key, 0, r"cannot read {key}: No such file"),
        (lose_certificate, 0, r"cannot read {certificate}: No such file"),
        (empty_certificate, 0, r"{certificate} holds no PEM certificate"),
        (encrypt_key, 0, r"key {key} is encrypted"),
        (other_key, 0, r"key {key} does not belong to certificate {certificate}"),
        (break_nothing, -400, r"certificate {certificate} expired on \d{{4}}-\d\d-\d\d; renew it"),
        (break_nothing, 400, r"certificate {certificate} is not valid before"),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, damage: object, days: int, message: str) -> None:
    """Each way a certificate can be unusable is told with the file it is in."""
    files, _ = make_local_ca(tmp_path, ["a.test"], datetime.now(UTC) + timedelta(days=days))
    assert callable(damage)
    damage(files)
    with pytest.raises(
        CertificateError, match=message.format(certificate=files.certificate, key=files.key)
    ) as error:
        CertificateStore((files,))
    assert "PRIVATE" not in str(error.value)


def test_authority_is_no_server_certificate(tmp_path: Path) -> None:
    """A certificate without subjectAltName is refused, as every client would."""
    make_local_ca(tmp_path, ["a.test"])
    files = Certificate(certificate=str(tmp_path / "ca.pem"), key=str(tmp_path / "ca-key.pem"))
    with pytest.raises(CertificateError, match=r"ca\.pem has no subjectAltName"):
        CertificateStore((files,))


def test_a_listener_needs_a_certificate() -> None:
    """An empty list is an error that says so."""
    with pytest.raises(CertificateError, match="at least one certificate"):
        CertificateStore(())


def test_end_of_validity_is_known(tmp_path: Path) -> None:
    """The earliest end of all certificates is there to warn of it."""
    early, _ = make_local_ca(tmp_path / "a", ["a.test"], datetime.now(UTC) - timedelta(days=300))
    late, _ = make_local_ca(tmp_path / "b", ["b.test"])
    store = CertificateStore((late, early))
    assert 96 < (store.not_after - datetime.now(UTC).timestamp()) / 86400 < 98
