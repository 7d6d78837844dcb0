"""What the authorization server tells the audit trail: who signed in or failed to, and what people did with their account.

Single tokens are not told of. Failed sign-ins are, as far as ``failures.py`` lets them: whoever guesses must not be able
to fill the disk. A name that failed is kept as its keyed digest, so that guesses at one account can be told to belong
together and the trail holds no address of anybody; of people who act there is the id alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent, Outcome
from wardgate.domain.oauth import Client
from wardgate.identity.http import Call
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


def person(user_id: str, call: Call) -> Actor:
    """A person who acts for themselves, by their id alone."""
    return Actor(kind="user", id=user_id, name=user_id, address=call.address)


def program(client: Client, call: Call) -> Actor:
    """A client that acts for itself."""
    return Actor(kind="service", id=client.id, name=client.id, address=call.address)


def nobody(address: str) -> Actor:
    """Somebody who did not prove who they are."""
    return Actor(kind="anonymous", id="anonymous", name="anonymous", address=address)


async def tell(
    server: Server,
    tx: Transaction,
    action: str,
    target: str,
    *,
    actor: Actor | None = None,
    outcome: Outcome = "done",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    environment: str | None = None,
    note: str = "",
) -> None:
    """Afterwards the trail tells of it, if the transaction is committed. ``actor``: the store's own by default."""
    event = AuditEvent(
        action=action,
        target=target,
        outcome=outcome,
        environment=server.settings.environment if environment is None else environment,
        before=before or {},
        after=after or {},
        note=note,
    )
    await tx.audit.record(event, at=server.clock(), actor=actor)


async def sign_in_failed(server: Server, tx: Transaction, target: str, address: str, how: str) -> None:
    """Tells of a failed sign-in, or counts it. ``target`` names the account by its id or digest, never by its name."""
    if server.memory.failures.admit(address, server.clock()):
        actor = nobody(address)
        await tell(server, tx, "login.fail", target, actor=actor, outcome="failed", after={"how": how})


async def foreign_sign_in_failed(server: Server, provider: str, address: str) -> None:
    """The same for an answer of an identity provider that was refused, in a transaction of its own."""
    if server.memory.failures.admit(address, server.clock()):
        async with server.store.writing() as tx:
            after = {"how": "provider"}
            await tell(
                server, tx, "login.fail", provider, actor=nobody(address), outcome="failed", after=after
            )


async def tell_left_out(server: Server) -> None:
    """Afterwards the trail says how many more failures there were since the last time, if any."""
    count = server.memory.failures.left_out()
    if count:
        async with server.store.writing() as tx:
            after = {"further": count}
            await tell(server, tx, "login.fail", "several", outcome="failed", after=after)
