"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    pass


class ExportedDocument(TypedDict):
    """The files of a document that makes an environment what it is."""

    environment: str
    files: dict[str, str]
