"""What a use case answers when it cannot do what was asked: a stable code, what is wrong, and what to do about it."""

from __future__ import annotations


class ControlError(Exception):
    """A use case was refused and changed nothing.

    ``code`` is stable and for programs; ``message`` names the thing that is wrong and ``remedy`` what to do, both
    for people. None of them ever holds a secret.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


class NotFoundError(ControlError):
    """The thing named does not exist."""

    def __init__(self, kind: str, name: str, remedy: str) -> None:
        super().__init__(f"{kind}_not_found", f"There is no {kind} {name!r}", remedy)


class InvalidError(ControlError):
    """A value given is not one the use case can take; ``code`` is ``<what>_invalid``."""

    def __init__(self, what: str, message: str, remedy: str) -> None:
        super().__init__(f"{what}_invalid", message, remedy)


class ConflictError(ControlError):
    """The store's present state does not allow what was asked."""


class SecondPersonError(ConflictError):
    """Somebody else must agree than who tries to; the code is ``second_person``. It is kept in the trail, as what is
    forbidden is."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("second_person", message, remedy)


class ForbiddenError(ControlError):
    """The actor lacks the permission; the code is ``forbidden``."""

    def __init__(self, permission: str, project: str | None = None) -> None:
        where = f" in the project {project!r}" if project is not None else ""
        super().__init__(
            "forbidden",
            f"This needs the permission {permission}{where}",
            "Ask an owner of the installation for a role that has it",
        )
        self.permission = permission


class UnauthenticatedError(ControlError):
    """Who asks is not known: the token they showed is none that is good now; the code is ``token_invalid``."""

    def __init__(
        self,
        message: str = "The access token is not valid",
        remedy: str = "Send one as `Authorization: Bearer ...`; it may have expired or been revoked",
    ) -> None:
        super().__init__("token_invalid", message, remedy)


class PreconditionError(ControlError):
    """What was to be changed is no longer as the caller saw it; the code is ``changed_meanwhile``."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "changed_meanwhile",
            f"{what} was changed since it was read",
            "Read it again, and decide anew",
        )
