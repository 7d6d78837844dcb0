"""The local authority: what it makes, when it is used again, and who may read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from wardgate.gateway.local_ca import make_local_ca

NAMES = ["localhost", "*.local.test", "127.0.0.1", "::1"]


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_makes_an_authority_and_a_server_certificate(tmp_path: Path) -> None:
    """The server's certificate covers the names and is issued by the authority; keys are P-256 and private."""
    files, authority = make_local_ca(tmp_path / "tls", NAMES)
    issuer = x509.load_pem_x509_certificate(authority.read_bytes())
    server = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
    server.verify_directly_issued_by(issuer)
    held = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["localhost", "*.local.test"]
    assert [str(address) for address in held.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    key = server.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert set(contents(tmp_path / "tls")) == {"ca.pem", "ca-key.pem", "server.pem", "server-key.pem"}
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "tls").iterdir()} == {0o600}
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_used_again(tmp_path: Path) -> None:
    """The same names in any order leave every file as it is."""
    made = make_local_ca(tmp_path, NAMES)
    before = contents(tmp_path)
    assert make_local_ca(tmp_path, NAMES[::-1]) == made
    assert contents(tmp_path) == before


def test_other_names_keep_the_authority(tmp_path: Path) -> None:
    """Other names give a new server certificate from the same authority, so clients go on trusting it."""
    make_local_ca(tmp_path, NAMES)
    before = contents(tmp_path)
    make_local_ca(tmp_path, ["localhost"])
    after = contents(tmp_path)
    assert {name for name in after if after[name] == before[name]} == {"ca.pem", "ca-key.pem"}


@pytest.mark.parametrize(
    ("age", "renewed"),
    [
        (timedelta(days=389), set()),
        (timedelta(days=391), {"server.pem", "server-key.pem"}),
        (timedelta(days=3644), {"ca.pem", "ca-key.pem", "server.pem", "server-key.pem"}),
    ],
)
def test_renewed_in_its_last_week(tmp_path: Path, age: timedelta, renewed: set[str]) -> None:
    """What is valid for less than seven days is made anew."""
    make_local_ca(tmp_path, NAMES, datetime.now(UTC) - age)
    before = contents(tmp_path)
    make_local_ca(tmp_path, NAMES)
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == renewed


@pytest.mark.parametrize(
    ("broken", "renewed"),
    [("ca-key.pem", 4), ("ca.pem", 4), ("server-key.pem", 2), ("server.pem", 2)],
)
def test_broken_files_are_made_anew(tmp_path: Path, broken: str, renewed: int) -> None:
    """A damaged or lost file is replaced, with all that depends on it."""
    for damage in (b"garbage", None):
        make_local_ca(tmp_path, NAMES)
        before = contents(tmp_path)
        if damage is None:
            (tmp_path / broken).unlink()
        else:
            (tmp_path / broken).write_bytes(damage)
        make_local_ca(tmp_path, NAMES)
        after = contents(tmp_path)
        assert sum(after[name] != before[name] for name in before) == renewed


@pytest.mark.parametrize("names", [[], [""], ["a b"], ["bücher.test"], ["a..b"], ["x.*.test"]])
def test_names_must_be_names(tmp_path: Path, names: list[str]) -> None:
    """Without a usable name nothing is made."""
    with pytest.raises(ValueError, match="name"):
        make_local_ca(tmp_path / "tls", names)
    assert not (tmp_path / "tls").exists()
