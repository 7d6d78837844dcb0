"""Keys that were found in public: noted, and then dealt with as their environment says.

What is found is noted first, the same work for a key that is good and one that is over, so that whoever reports learns
nothing from how long that takes. :func:`settle` does the rest:

============  ======================================================================================================
``notify``    the application's owner gets mail; the key stays good
``rotate``    the same, and the key ends after ``leak_overlap`` seconds, if it would not sooner. No new key is made: there
              is nobody it could be given to. The owner issues one meanwhile
``revoke``    the same, and the key is revoked at once
============  ======================================================================================================

An operator's token is always revoked at once: what it opens is everything its owner may do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from wardgate.control.authority import require
from wardgate.control.errors import InvalidError, NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock, event_data, state_of
from wardgate.control.ports import Store, Transaction
from wardgate.domain import apikey
from wardgate.domain.actor import SYSTEM
from wardgate.domain.audit import AuditEvent
from wardgate.domain.consumer import Application, Credential
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.leak import Leak, LeakAction, LeakKind, genuine
from wardgate.domain.mail_address import is_address
from wardgate.domain.people import Mail
from wardgate.domain.redaction import clean_text

#: Places noted of one key; more add nothing to what its owner knows.
MOST_PLACES = 100
MOST = 1000
_AT_A_TIME = 20
_LONGEST_URL, _LONGEST_SOURCE = 2000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A text that was found at ``url``, in what ``source`` names. The text is not kept and not shown."""

    text: bytes
    source: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of a text: the credential, and whether it is good now."""

    kind: LeakKind
    credential: str
    environment: str
    live: bool


async def identify(store: Store, text: bytes, *, clock: Clock = time.time) -> Known | None:
    """Which of this installation's API keys or operators' tokens ``text`` is; ``None``: none of them."""
    async with store.reading() as tx:
        require(tx.actor, "keys.view")
        return await _known(store, tx, text, clock())


async def report(store: Store, found: Sequence[Report], *, clock: Clock = time.time) -> list[bool]:
    """Notes what was found; of each, whether it is or was a key of this installation. Reporting again changes nothing.

    What follows from it is done by :func:`settle`. This is for whoever was found to be allowed to report; it asks for no
    permission.
    """
    now = clock()
    ours: list[tuple[Report, Known]] = []
    async with store.reading() as tx:
        known = [await _known(store, tx, each.text, now) for each in found]
        ours = [(each, what) for each, what in zip(found, known, strict=True) if what is not None]
    if ours:
        async with store.acting(SYSTEM).writing() as tx:
            for each, what in ours:
                await _note(tx, each, what, now)
    return [each is not None for each in known]


async def settle(store: Store, *, clock: Clock = time.time) -> int:
    """Deals with what was noted, as the environments' settings say; with how many. Any process may do so at any time."""
    async with store.acting(SYSTEM).writing() as tx:
        waiting = await tx.leaks.pending(_AT_A_TIME)
        for leak in waiting:
            await tx.leaks.settle(leak.id, await _act(tx, leak, clock()))
    return len(waiting)


async def list_leaks(
    store: Store, *, environment: str | None = None, before: str | None = None, limit: int = 50
) -> Sequence[Leak]:
    """What was found, newest first; those noted before the leak with the id ``before`` only.

    Raises:
        InvalidError: ``limit`` is not from 1 to 1000.
    """
    if not 1 <= limit <= MOST:
        raise InvalidError("limit", f"A page of {limit} leaks is not possible", f"Ask for 1 to {MOST}")
    async with store.reading() as tx:
        require(tx.actor, "keys.view")
        return await tx.leaks.find(environment=environment, before=before, limit=limit)


async def _known(store: Store, tx: Transaction, text: bytes, now: float) -> Known | None:
    kind = genuine(text)
    if kind not in ("api_key", "admin_token"):
        return None
    digest = apikey.digest(text, store.master_key())
    if kind == "api_key":
        credential = await tx.credentials.by_digest(digest)
        if credential is None:
            return None
        live = state_of(credential, now) in ("active", "rotating")
        return Known(kind=kind, credential=credential.id, environment=credential.environment, live=live)
    token = await tx.operators.token_by_digest(digest)
    if token is None:
        return None
    live = token.revoked_at is None and now < token.expires_at
    return Known(kind=kind, credential=token.id, environment="", live=live)


async def _note(tx: Transaction, found: Report, what: Known, now: float) -> None:
    if len(await tx.leaks.of(what.credential)) < MOST_PLACES:
        await tx.leaks.add(
            Leak(
                id=new_id("leak", now),
                kind=what.kind,
                credential=what.credential,
                environment=what.environment,
                source=clean_text(found.source, _LONGEST_SOURCE),
                url=clean_text(found.url, _LONGEST_URL),
                at=now,
                action="pending",
            )
        )


async def _act(tx: Transaction, leak: Leak, now: float) -> LeakAction:
    """What was done about it: at the first place a key was found at; later ones are noted."""
    earlier = any(each.action not in ("pending", "none") for each in await tx.leaks.of(leak.credential))
    act = _on_token if leak.kind == "admin_token" else _on_key
    action, detail = ("none", {}) if earlier else await act(tx, leak, now)
    event = AuditEvent(
        action="key.leak",
        target=leak.credential,
        environment=leak.environment,
        after={"action": action, "kind": leak.kind, "source": leak.source, "url": leak.url, **detail},
    )
    await tx.audit.record(event, at=now)
    return action


async def _on_token(tx: Transaction, leak: Leak, now: float) -> tuple[LeakAction, dict[str, object]]:
    token = await tx.operators.token(leak.credential)
    if token is None or token.revoked_at is not None or token.expires_at <= now:
        return "none", {}
    await tx.operators.revoke_token(token.id, at=now)
    if token.kind == "user":
        user = await tx.users.get(token.owner)
        if user is not None and user.status == "active" and user.email_verified:
            lines = [
                f"Your access token {token.name!r} ({token.prefix}...) was found in public and is revoked."
            ]
            await _mail(tx, user.email, "An access token of yours was found in public", lines, leak, now)
    return "revoke", {}


async def _on_key(tx: Transaction, leak: Leak, now: float) -> tuple[LeakAction, dict[str, object]]:
    found = await tx.credentials.find(leak.credential)
    if found is None or state_of(found[0], now) not in ("active", "rotating"):
        return "none", {}
    credential, digest = found
    settings = await _settings(tx, credential.environment)
    action: LeakAction = settings.leaks
    detail: dict[str, object] = {}
    if action != "notify":
        ends, revoked = credential.expires_at, credential.revoked_at
        if action == "revoke":
            revoked = now
        else:
            limit = now + settings.leak_overlap
            ends = limit if ends is None else min(ends, limit)
            detail["ends_at"] = ends
        await tx.credentials.end(
            credential.id, expires_at=ends, revoked_at=revoked, replaced_by=credential.replaced_by
        )
        await tx.feed.append("credential", digest.hex(), at=now)
    data = {**event_data(credential), "action": action, "source": leak.source, "url": leak.url, **detail}
    await tx.webhooks.emit("key.leaked", data)
    owner = await tx.applications.find(credential.application)
    if owner is not None and is_address(owner.owner):
        lines = _told(credential, owner, action, settings)
        subject = f"A key of {owner.name} was found in public"
        await _mail(tx, owner.owner, subject, lines, leak, now)
    return action, detail


def _told(
    credential: Credential, owner: Application, action: LeakAction, settings: EnvironmentSettings
) -> list[str]:
    key = f"{credential.prefix}...{credential.last_four}"
    what = {
        "notify": "It still works. Whoever has seen it can use it: replace it now.",
        "rotate": f"It ends in {settings.leak_overlap // 3600} hours. Put another in its place until then.",
        "revoke": "It is revoked and does not work any more.",
    }[action]
    lines = [f"The key {key} ({credential.id}) of the application {owner.name} in {credential.environment}"]
    return [*lines, "was found where anybody can read it.", "", what]


async def _settings(tx: Transaction, environment: str) -> EnvironmentSettings:
    for each in await tx.environments.all():
        if each.name == environment:
            return each.settings
    raise NotFoundError("environment", environment, "It was removed meanwhile")


async def _mail(tx: Transaction, to: str, subject: str, lines: Sequence[str], leak: Leak, now: float) -> None:
    where = [f"Found by: {leak.source}", *([f"Found at: {leak.url}"] if leak.url else [])]
    body = "\n".join((*lines, "", *where)) + "\n"
    mail = Mail(id=new_id("eml", now), to=to, subject=subject, body=body, created_at=now, not_before=now)
    await tx.outbox.add(mail)
