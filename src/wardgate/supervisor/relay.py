"""Passes workers' questions about foreign issuers to the control process, and its answers back.

Workers make no calls of their own to other people's servers, and the supervisor runs nothing that depends on a request:
it only turns envelopes round. A question that is lost with a process is given up by whoever asked it.
"""

from __future__ import annotations

from wardgate.gateway.hub import Message
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child

CONTROL = "control"
_REPLIES = {"issuer.refresh": "issuer.reply", "introspect.ask": "introspect.reply"}


class RelayDesk:
    """Serves ``issuer.*`` and ``introspect.*``. A question travels with the name and life of its worker."""

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._lives: dict[str, int] = {}

    async def open(self, hub: Hub) -> None:
        """From now on messages are passed on."""
        self._hub = hub
        hub.on("issuer.", self._handle)
        hub.on("introspect.", self._handle)

    def child_ended(self, child: Child) -> None:
        """Answers to the process that ended are nobody's: its successor counts its questions anew."""
        self._lives.pop(child.name, None)

    async def close(self) -> None:
        """Nothing is passed on any more."""
        self._hub = None

    def _handle(self, child: Child, message: Message) -> None:
        if self._hub is None:
            return
        if child.name == CONTROL:
            worker, life = message.pop("worker", ""), message.pop("life", 0)
            if self._lives.get(worker) == life:
                self._hub.send(worker, message)
            return
        reply = _REPLIES.get(message["kind"])
        if reply is None:
            return
        self._lives[child.name] = child.life
        if not self._hub.send(CONTROL, {**message, "worker": child.name, "life": child.life}):
            child.send({"kind": reply, "id": message.get("id"), "error": "the control process is away"})
