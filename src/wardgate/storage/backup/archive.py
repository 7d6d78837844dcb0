"""The archive: a zip of one part per table, and a manifest that vouches for them.

A part is ``rows/<table>.jsonl``: one JSON array per row, in the order of the manifest's columns; bytes are
``{"b": "<base64>"}``. The manifest holds the SHA-256 of each part and is sealed by a MAC under the master key, so that who
has an archive alone can put nothing into it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wardgate.storage.errors import MasterKeyError, StoreError

#: What reading a damaged zip, or one that is not ours, may end in.
_UNREADABLE = (
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)
#: Raised with every change of this form that older versions cannot read.
FORMAT = 1
MANIFEST = "manifest.json"
_LABEL = b"wardgate/backup/v1"
_MOST_MANIFEST = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of a table. ``sha256`` is in hexadecimal, of the part before it is compressed."""

    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive holds. ``version`` is Wardgate's, ``created_at`` in Unix seconds."""

    version: str
    schema: str
    created_at: float
    tables: Mapping[str, Part] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(part.rows for part in self.tables.values())


class Writer:
    """Writes an archive, table by table, and the manifest last."""

    def __init__(self, target: zipfile.ZipFile) -> None:
        self._target = target
        self._tables: dict[str, Part] = {}

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Writes the rows of a table as they come."""
        digest, count = hashlib.sha256(), 0
        with self._target.open(f"rows/{table}.jsonl", "w", force_zip64=True) as part:
            for row in rows:
                line = json.dumps([_plain(value) for value in row], separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                part.write(line)
                count += 1
        self._tables[table] = Part(columns=tuple(columns), rows=count, sha256=digest.hexdigest())

    def finish(self, *, version: str, schema: str, created_at: float, master_key: bytes) -> Manifest:
        """Afterwards the archive is whole."""
        manifest = Manifest(version=version, schema=schema, created_at=created_at, tables=dict(self._tables))
        document = _document(manifest)
        sealed = {**document, "mac": _mac(document, master_key)}
        self._target.writestr(MANIFEST, json.dumps(sealed, indent=1))
        return manifest


class Reader:
    """Reads an archive whose manifest is right."""

    def __init__(self, source: zipfile.ZipFile, manifest: Manifest, name: str) -> None:
        self._source = source
        self._name = name
        self.manifest = manifest

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of a table as they come.

        Raises:
            StoreError: after the last, that they are not those that were written.
        """
        part = self.manifest.tables[table]
        digest, count = hashlib.sha256(), 0
        try:
            with self._source.open(f"rows/{table}.jsonl") as lines:
                for line in lines:
                    digest.update(line)
                    count += 1
                    yield [_value(each) for each in json.loads(line)]
        except _UNREADABLE as error:
            raise _damaged(
                self._name, f"the rows of {table} cannot be read ({type(error).__name__})"
            ) from error
        if count != part.rows or digest.hexdigest() != part.sha256:
            raise _damaged(self._name, f"the rows of {table} are not those that were written")


def read_manifest(source: zipfile.ZipFile, name: str) -> tuple[Manifest, dict[str, Any]]:
    """The manifest, and its document for :func:`check`. ``name`` is what errors call the archive.

    Raises:
        StoreError: it is no archive of Wardgate's, or of a later version.
    """
    try:
        info = source.getinfo(MANIFEST)
        if info.file_size > _MOST_MANIFEST:
            raise ValueError("the manifest is too long")
        document = json.loads(source.read(info))
        found = document["format"]
        if isinstance(found, int) and found > FORMAT:
            raise StoreError(
                "backup_newer",
                f"{name} has the form {found}, but this Wardgate reads only up to {FORMAT}",
                "Restore it with the Wardgate version that wrote it",
            )
        tables = {
            str(table): Part(columns=tuple(part["columns"]), rows=part["rows"], sha256=part["sha256"])
            for table, part in document["tables"].items()
        }
        manifest = Manifest(
            version=document["version"],
            schema=document["schema"],
            created_at=document["created_at"],
            tables=tables,
            format=found,
        )
    except _UNREADABLE as error:
        raise _damaged(name, "it has no manifest of Wardgate's") from error
    return manifest, document


def check(document: Mapping[str, Any], master_key: bytes, name: str) -> None:
    """Returns when the manifest was sealed under ``master_key``.

    Raises:
        MasterKeyError: it was not.
    """
    plain = {key: value for key, value in document.items() if key != "mac"}
    mac = document.get("mac")
    if not isinstance(mac, str) or not hmac.compare_digest(mac, _mac(plain, master_key)):
        raise MasterKeyError(
            f"{name} was not made with this master key, or was changed since",
            "Give the master.key that was kept with it: --master-key FILE",
        )


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive at ``path``, to be closed. Raises StoreError."""
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise StoreError(
            "backup_unreadable",
            f"{path} cannot be read ({error.strerror or error})",
            "Name a backup that can be",
        ) from error
    except zipfile.BadZipFile as error:
        raise _damaged(str(path), "it is no archive, or not all of one") from error


def _document(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": manifest.format,
        "version": manifest.version,
        "schema": manifest.schema,
        "created_at": manifest.created_at,
        "tables": {
            name: {"columns": list(part.columns), "rows": part.rows, "sha256": part.sha256}
            for name, part in manifest.tables.items()
        },
    }


def _mac(document: Mapping[str, Any], master_key: bytes) -> str:
    key = hashlib.blake2b(_LABEL, key=master_key, digest_size=32).digest()
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.blake2b(text, key=key, digest_size=32).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b": b64encode(value).decode()}
    return value


def _value(value: Any) -> Any:
    return b64decode(value["b"], validate=True) if isinstance(value, dict) else value


def _damaged(name: str, why: str) -> StoreError:
    return StoreError(
        "backup_damaged", f"{name} is no backup that can be restored: {why}", "Use another backup"
    )
