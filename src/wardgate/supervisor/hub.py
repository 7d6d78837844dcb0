"""The supervisor's end of the hub: which part of it takes which kind of message, and how to reach the children."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wardgate.gateway.hub import Message
from wardgate.supervisor.processes import Child

ChildHandler = Callable[[Child, Message], None]


class Hub:
    """Routes what children say by the longest registered prefix of the kind; counts what nobody takes."""

    def __init__(self) -> None:
        self._handlers: dict[str, ChildHandler] = {}
        self._children: dict[str, Child] = {}
        self.unhandled = 0

    def add(self, child: Child) -> None:
        """``child`` is reachable by its name from now on."""
        self._children[child.name] = child

    @property
    def children(self) -> Iterable[Child]:
        """All children, in the order they were added."""
        return self._children.values()

    def on(self, prefix: str, handler: ChildHandler) -> None:
        """From now on ``handler`` takes every message whose kind starts with ``prefix``."""
        self._handlers[prefix] = handler

    def receive(self, child: Child, message: Message) -> None:
        """Hands one message to its handler."""
        kind = message["kind"]
        prefix = max((p for p in self._handlers if kind.startswith(p)), key=len, default=None)
        if prefix is None:
            self.unhandled += 1
        else:
            self._handlers[prefix](child, message)

    def send(self, name: str, message: Message) -> bool:
        """Queues ``message`` for one child by name; ``False`` when it is not there."""
        child = self._children.get(name)
        return child is not None and child.send(message)

    def broadcast(self, message: Message) -> None:
        """Queues ``message`` for every child that runs."""
        for child in self._children.values():
            child.send(message)
