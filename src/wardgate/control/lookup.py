"""Finds what a use case was given by name, or says what there is instead."""

from __future__ import annotations

import re

from wardgate.control.errors import InvalidError, NotFoundError
from wardgate.control.ports import Environment, Transaction
from wardgate.domain.consumer import Application, Credential
from wardgate.domain.text import MAX_DESCRIPTION as MAX_DESCRIPTION
from wardgate.domain.text import MAX_NAME as MAX_NAME

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


async def environment_named(tx: Transaction, name: str) -> Environment:
    """The environment called ``name``. Raises NotFoundError."""
    known = await tx.environments.all()
    for environment in known:
        if environment.name == name:
            return environment
    raise NotFoundError("environment", name, f"Environments: {', '.join(each.name for each in known)}")


async def application_named(tx: Transaction, name_or_id: str) -> Application:
    """The application with that name or id. Raises NotFoundError."""
    found = await tx.applications.find(name_or_id)
    if found is None:
        raise NotFoundError(
            "application",
            name_or_id,
            "`wardgate applications list` shows those there are; add it with `apply`",
        )
    return found


async def credential_with_id(tx: Transaction, credential_id: str) -> tuple[Credential, bytes]:
    """The credential with that id, and its digest. Raises NotFoundError."""
    found = await tx.credentials.find(credential_id)
    if found is None:
        # What was given might be a key by mistake: only something of an id's form is repeated.
        shown = credential_id if re.fullmatch(r"key_[0-9a-z]{1,40}", credential_id) else "(not a key id)"
        raise NotFoundError("key", shown, "`wardgate keys list` shows the ids, like key_01h...")
    return found


def checked_text(what: str, text: str, longest: int) -> str:
    """``text`` without outer blanks. Raises InvalidError when it is too long or has control characters."""
    text = text.strip()
    if len(text) > longest:
        raise InvalidError(what, f"The {what} has {len(text)} characters", f"Use at most {longest}")
    if _CONTROL_CHARACTER.search(text):
        raise InvalidError(what, f"The {what} holds control characters or line breaks", "Remove them")
    return text
