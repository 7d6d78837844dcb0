"""The master key file: made once, private, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.storage.errors import MasterKeyError
from wardgate.storage.masterkey import create_master_key, load_master_key


def test_a_new_key_is_random_private_and_stays(tmp_path: Path) -> None:
    """A key is 32 bytes with mode 0600, and making it again changes nothing."""
    create_master_key(tmp_path)
    key = load_master_key(tmp_path)
    create_master_key(tmp_path)
    assert len(key) == 32
    assert load_master_key(tmp_path) == key
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_key_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of group or others is an error that names the mode and the command."""
    create_master_key(tmp_path)
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(MasterKeyError, match=f"mode {mode:04o}") as caught:
        load_master_key(tmp_path)
    assert "chmod 600" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds 0 bytes"),
        ("ab" * 31, "holds 31 bytes"),
        ("ab" * 33, "holds 33 bytes"),
        ("zz" * 32, "not 32 bytes in hexadecimal"),
        ("\u00e4" * 64, "not 32 bytes in hexadecimal"),
    ],
)
def test_a_damaged_key_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A key of another size or form is an error that does not show it."""
    path = tmp_path / "master.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(MasterKeyError, match=says) as caught:
        load_master_key(tmp_path)
    assert text[:8] not in str(caught.value) or not text


def test_a_missing_key_is_an_error(tmp_path: Path) -> None:
    """A missing key is asked back from the backup."""
    with pytest.raises(MasterKeyError, match="does not exist"):
        load_master_key(tmp_path)


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    """The key must be a plain file."""
    (tmp_path / "master.key").mkdir(mode=0o700)
    with pytest.raises(MasterKeyError, match="not a plain file"):
        load_master_key(tmp_path)


def test_a_mounted_secret_may_be_a_link(tmp_path: Path) -> None:
    """A link is followed, as secrets are mounted that way, and what it leads to must be private."""
    create_master_key(tmp_path)
    (tmp_path / "master.key").rename(tmp_path / "elsewhere")
    (tmp_path / "master.key").symlink_to("elsewhere")
    assert len(load_master_key(tmp_path)) == 32
    (tmp_path / "elsewhere").chmod(0o640)
    with pytest.raises(MasterKeyError, match="mode 0640"):
        load_master_key(tmp_path)
