"""What goes wrong when a server is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ClientError(Exception):
    """Whatever the client raises. ``code`` is stable, ``message`` names the thing, ``remedy`` says what to do."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class UsageError(ClientError):
    """The client was set up in a way that cannot work or would not be safe."""


class UnreachableError(ClientError):
    """No answer came, or none that this client understands. Whether a change was made is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One thing wrong with a request: where (a field; in a document its path, with ``file`` and ``line``), what, and what
    to do about it."""

    at: str
    message: str
    remedy: str = ""
    file: str = ""
    line: int = 0


class ProblemError(ClientError):
    """The server refused (RFC 9457) and changed nothing. ``status`` is that of HTTP; ``errors`` say what is wrong where."""

    def __init__(
        self, status: int, code: str, message: str, remedy: str, errors: Sequence[FieldProblem] = ()
    ) -> None:
        super().__init__(code, message, remedy)
        self.status = status
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join((super().__str__(), *(f"{each.at}: {each.message}" for each in self.errors)))


class NotFoundError(ProblemError):
    """What was named is not there (404)."""


class ConflictError(ProblemError):
    """The present state does not allow it (409)."""


class ChangedMeanwhileError(ProblemError):
    """The thing was changed since it was read (412): read it again, and decide anew."""


class ForbiddenError(ProblemError):
    """The permission is missing (403)."""


class UnauthenticatedError(ProblemError):
    """The token is none that is good now (401)."""


BY_STATUS: dict[int, type[ProblemError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: ChangedMeanwhileError,
}
