"""Says of a key what the gateway would say."""

from __future__ import annotations

import time
from dataclasses import dataclass

from wardgate.control.authority import require
from wardgate.control.keys import Clock
from wardgate.control.lookup import application_named, environment_named
from wardgate.control.ports import Store
from wardgate.domain import apikey
from wardgate.domain.consumer import Application, Credential
from wardgate.domain.rejection import REASONS, Reason
from wardgate.domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerdict:
    """The gateway's view of a key presented in ``environment``.

    ``reason`` is ``None`` for a key that is accepted, before limits and the API's subscription are looked at; else it
    is the one in log and metrics. ``credential`` and ``application`` are those of a key that is known.
    """

    environment: str
    reason: Reason | None
    credential: Credential | None = None
    application: Application | None = None

    @property
    def accepted(self) -> bool:
        """Whether the gateway would let the key through."""
        return self.reason is None


async def verify(
    store: Store, key: Secret | str, *, environment: str | None = None, clock: Clock = time.time
) -> KeyVerdict:
    """The verdict on ``key`` in ``environment``, by default the one the key itself names.

    Raises:
        ForbiddenError: the actor may not look into keys.
        NotFoundError: there is no such environment.
    """
    text = key.reveal() if isinstance(key, Secret) else key.encode(errors="replace")
    async with store.reading() as tx:
        require(tx.actor, "keys.view")
        known = await tx.environments.all()
        tag = apikey.tag_of(text)
        own = next((each.name for each in known if each.tag == tag), None)
        if environment is not None:
            environment = (await environment_named(tx, environment)).name
        place = environment or own or known[0].name
        if tag is None:
            return KeyVerdict(environment=place, reason=REASONS["credential_malformed"])
        credential = await tx.credentials.by_digest(apikey.digest(text, store.master_key()))
        if credential is None:
            return KeyVerdict(environment=place, reason=REASONS["key_unknown"])
        application = await application_named(tx, credential.application)
    return KeyVerdict(
        environment=place,
        reason=_reason(credential, application, place, clock()),
        credential=credential,
        application=application,
    )


def _reason(credential: Credential, application: Application, environment: str, now: float) -> Reason | None:
    """In the order of the gateway's steps."""
    if credential.revoked_at is not None:
        return REASONS["key_revoked"]
    if credential.expires_at is not None and credential.expires_at <= now:
        return REASONS["key_expired"]
    if credential.environment != environment:
        return REASONS["key_wrong_environment"]
    if application.status != "active":
        return REASONS["application_suspended"]
    return None
