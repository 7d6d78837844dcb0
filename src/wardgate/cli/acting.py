"""Who acts at the machine's own command line, and what is kept of what they were refused."""

from __future__ import annotations

import os
import pwd
import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wardgate.domain.actor import Actor, local_actor
from wardgate.domain.audit import AuditEvent

if TYPE_CHECKING:
    from wardgate.control.errors import ForbiddenError
    from wardgate.control.ports import Store

#: What can be a command's name: an argument that looks like one is no secret.
_WORD = re.compile(r"[a-z][a-z-]{1,20}")


def local() -> Actor:
    """Whoever this process runs as: the operating system says so, no variable of the environment does."""
    number = os.geteuid()
    try:
        return local_actor(pwd.getpwuid(number).pw_name)
    except KeyError:
        return local_actor(f"uid {number}")


async def note_refusal(store: Store, error: ForbiddenError, arguments: Sequence[str] | None = None) -> None:
    """Afterwards the trail says that the command of ``arguments`` (this process's) was refused, and why."""
    async with store.writing() as tx:
        await tx.audit.record(
            AuditEvent(
                action=action_of(sys.argv[1:] if arguments is None else arguments),
                target="",
                outcome="refused",
                note=error.message,
            ),
            at=time.time(),
        )


def action_of(arguments: Sequence[str]) -> str:
    """What the trail calls a command: ``key.revoke`` of ``keys revoke key_01h...``, ``command.apply`` of ``apply``."""
    words = []
    for argument in arguments[:2]:
        if not _WORD.fullmatch(argument):
            break
        words.append(argument)
    if len(words) < 2:
        return f"command.{words[0] if words else 'run'}"
    return f"{words[0].removesuffix('s')}.{words[1]}"
