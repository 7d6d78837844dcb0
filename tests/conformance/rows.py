"""What a row of the table is: a requirement, a request that meets it, the change that breaks it, and the answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.conformance.answers import Accepted, Refusal
from tests.conformance.changes import Change
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House

_ID = re.compile(r"[a-z0-9]+-(?:[A-Z]?[0-9]*(?:\.[0-9]+)*)-[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Sound:
    """A request that succeeds: the control of every row that changes one thing of it."""

    text: str
    make: Callable[[Any], Awaitable[Request]]
    good: Accepted
    at: Literal["server", "gateway"] = "server"


def sound(
    text: str, good: Accepted, at: Literal["server", "gateway"] = "server"
) -> Callable[[Callable[[Any], Awaitable[Request]]], Sound]:
    """Makes a control of a function that prepares a house and returns a request."""
    return lambda make: Sound(text, make, good, at)


@dataclass(frozen=True, slots=True)
class Row:
    """One MUST or MUST NOT. ``id`` is document, section, and what it is about; ``after`` is what must hold besides."""

    id: str
    requires: str
    sound: Sound
    change: Change
    answer: Refusal
    after: Callable[[House, Request, Answer], Awaitable[None]] | None = None
    #: What ``after`` checks, for the page.
    besides: str = ""

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.id) is None:
            raise ValueError(f"{self.id} is not of the form rfc6749-4.1.3-code-bound-to-client")
        if (self.after is None) != (not self.besides):
            raise ValueError(f"{self.id}: besides says what after checks")

    @property
    def section(self) -> str:
        """The section of the document."""
        return self.id.split("-")[1]


@dataclass(frozen=True, slots=True)
class Document:
    """One specification, and its rows."""

    name: str
    title: str
    rows: tuple[Row, ...]
    #: First parts of ids besides the document's own.
    also: tuple[str, ...] = ()
