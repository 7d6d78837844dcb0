"""Opens the OpenAPI documents that a document refers to."""

from __future__ import annotations

from pathlib import Path

from wardgate.control.document.sources import read_text
from wardgate.openapi.document import OpenApiDocument
from wardgate.openapi.reader import read_document


class Opener:
    """Each file is read once, however many APIs refer to it. With ``within``, whatever is not below that folder is not
    there: neither read nor told apart from what does not exist."""

    def __init__(self, within: Path | None = None) -> None:
        self._within = None if within is None else within.resolve()
        self._opened: dict[Path, tuple[str, OpenApiDocument]] = {}

    @property
    def confined(self) -> bool:
        """Whether there is a folder out of which nothing leads: the document came from elsewhere, and no other file is its
        own."""
        return self._within is not None

    def there(self, path: Path) -> bool:
        """Whether there is such a file."""
        if self._within is not None and not path.resolve().is_relative_to(self._within):
            return False
        try:
            return path.is_file()
        except OSError:  # a name that no file can have, or a folder that may not be searched
            return False

    def __call__(self, path: Path) -> tuple[str, OpenApiDocument]:
        """Text and content of a file that is :meth:`there`.

        Raises:
            DocumentError: it cannot be read.
        """
        where = path.resolve()
        if where not in self._opened:
            text = read_text(path)
            self._opened[where] = (text, read_document(text, str(path)))
        return self._opened[where]
