"""The master key file: 32 random bytes in hex, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from wardgate.storage.errors import MasterKeyError, StoreError
from wardgate.storage.layout import MASTER_KEY

KEY_BYTES = 32
_RESTORE = (
    "Restore master.key from the backup made with this database; without it no issued key can be checked"
)


def load_master_key(data_dir: Path) -> bytes:
    """The 32 bytes of ``data_dir``'s master key. Raises as :func:`load_key`."""
    return load_key(data_dir / MASTER_KEY)


def load_key(path: Path) -> bytes:
    """The 32 bytes of the master key in the file at ``path``.

    Raises:
        MasterKeyError: the file is missing, others may read it, or it does not hold 32 bytes in hex.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise MasterKeyError(f"{path} does not exist", _RESTORE) from None
    except OSError as error:
        raise MasterKeyError(
            f"{path} cannot be read ({error.strerror})", "Run as the user who owns it"
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MasterKeyError(f"{path} is not a plain file", _RESTORE)
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise MasterKeyError(
                f"{path} may be used by other users (mode {mode:04o})",
                f"Run `chmod 600 {path}`, and if others had access treat every issued key as leaked",
            )
        text = os.read(descriptor, KEY_BYTES * 4)
    finally:
        os.close(descriptor)
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        raise MasterKeyError(f"{path} is not {KEY_BYTES} bytes in hexadecimal", _RESTORE) from None
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"{path} holds {len(key)} bytes, not {KEY_BYTES}", _RESTORE)
    return key


def write_key(path: Path, key: bytes) -> None:
    """Afterwards a new file at ``path``, which its owner alone reads, holds ``key``.

    Raises:
        StoreError: there is such a file already, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            "master_key_unwritable",
            f"The master key cannot be written to {path} ({error.strerror or error})",
            "Name a new file in a directory of yours",
        ) from error


def create_master_key(data_dir: Path) -> None:
    """Afterwards ``data_dir`` has a master key: a new one, or the one that another process made first.

    The file appears complete or not at all, so no process ever reads half a key.
    """
    path = data_dir / MASTER_KEY
    draft = data_dir / f".{MASTER_KEY}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
