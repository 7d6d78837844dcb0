"""Who is a second person: somebody else than who asked, as far as can be known.

One person has several accounts in hand when they issued an access token of one, made one, let one in anew, or look after the
identity provider by which its owner signs in. Each of these counts, in both directions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from wardgate.control.errors import SecondPersonError
from wardgate.control.operators.tokens import KEPT
from wardgate.control.ports import Transaction
from wardgate.domain.actor import SYSTEM, is_local
from wardgate.domain.audit import AuditFilter, AuditRecord
from wardgate.domain.operator import TOKEN_ID, AdminToken, OwnerKind, ServiceAccount

#: Seconds for which who made somebody's account, or reset their password or factors, is not told apart from them.
RESET_COUNTS = 30 * 86400.0
#: Seconds after which nobody can agree to what was asked: who else had a token then is not known any more.
OLDEST_ASKED = KEPT
#: Seconds for which the trail must be kept, so that all of this can be found in it.
TRAIL_NEEDED = OLDEST_ASKED + RESET_COUNTS

#: Stands for whoever it was, where that is not known.
_ANYBODY = ""
_ANOTHER = (
    "Ask another person who may approve, or who works at the machine itself: approve there, without --server"
)
_ANEW = "Have it asked for anew"
_PAGE = 200

#: What is done to an account by whoever may sign in with it afterwards.
_TO_ACCOUNTS: Final = {"user.reset": "let this account in anew", "user.add": "made this account"}
#: What is done to an identity provider by whoever may sign in as its people afterwards.
_TO_PROVIDERS: Final = {
    "provider.add": "added",
    "provider.set": "changed",
    "provider.set_secret": "gave a secret to",
    "provider.restore": "restored",
}
#: What somebody at the machine itself does for the first people there are.
_FIRST_STEPS = frozenset(("user.add", "provider.add"))


async def require_another_person(
    tx: Transaction, asked_id: str, asked: str, asked_at: float, now: float
) -> None:
    """Returns when the actor is another person than who has the id ``asked_id``, as far as can be known. ``asked`` tells who
    they are, ``asked_at`` when they asked.

    So it is neither they nor a program; nobody who issued an access token of theirs that was good then or later, nor,
    where a program issued it, one of that program's. And neither of the two made the other's account, let it in anew, or
    looked after the identity provider it comes by, in the 30 days before; nor did the same third person let in both.
    Accounts and providers added at the machine itself count as other persons': the first ones all are.

    Raises:
        SecondPersonError: the actor is not, or that cannot be told any more.
    """
    actor = tx.actor
    if actor.kind not in ("user", "local"):
        raise SecondPersonError("A person must approve, not a program", "Sign in, and approve it yourself")
    if actor.id == asked_id:
        raise SecondPersonError(f"{asked} cannot: somebody else must approve it", _ANOTHER)
    await _require_own_token(tx)
    askers = await _askers(tx, asked_id, asked, asked_at, now)
    if actor.id in askers:
        raise SecondPersonError(
            f"{asked} has the access token {askers[actor.id]}, and whoever issued that could have asked by it",
            "Ask another person who may approve, and who issued no access token of who asked",
        )
    since = asked_at - RESET_COUNTS
    mine = await _in_hand(tx, actor.id, now - RESET_COUNTS)
    for hand, done in mine.items():
        if hand in askers or hand == _ANYBODY:
            who = asked if hand == asked_id else f"Who could have asked in place of {asked}"
            raise SecondPersonError(
                f"{who} {done} within 30 days, and might be who signs in with it", _ANOTHER
            )
    makers = {hand for hand in await _makers(tx, actor.id, now - RESET_COUNTS) if not is_local(hand)}
    for asker in askers:
        theirs = await _in_hand(tx, asker, since)
        if hands := {actor.id, _ANYBODY} & theirs.keys():
            done = theirs[hands.pop()].replace("this account", "the account of who asked", 1)
            raise SecondPersonError(
                f"{asked} might be who approves, who {done} within 30 days before", _ANOTHER
            )
        if makers & (await _makers(tx, asker, since)).keys():
            raise SecondPersonError(
                f"{asked} and who approves have accounts that the same person let in within 30 days", _ANOTHER
            )


async def _require_own_token(tx: Transaction) -> None:
    """Returns when nobody but the actor issued the access token they came with. Raises SecondPersonError."""
    token = await tx.operators.token(tx.actor.token) if tx.actor.token else None
    if token is not None and {token.issued_by, *token.issued_through} != {tx.actor.id}:
        raise SecondPersonError(
            f"The access token {token.id} is not known to be issued by the person whose it is alone",
            "Sign on with `wardgate login`, or issue a token of your own, and approve with that",
        )


async def _askers(
    tx: Transaction, asked_id: str, asked: str, asked_at: float, now: float
) -> Mapping[str, str]:
    """Everybody who could have asked: who has that id, and whoever issued tokens of it, each with the token's id.

    Raises:
        SecondPersonError: they are not all known.
    """
    if asked_id == SYSTEM.id or is_local(asked_id):
        return {asked_id: ""}
    kind = await _kind_of(tx, asked_id)
    if kind is None:
        raise SecondPersonError(
            f"{asked} is no account any more: who had access tokens of it is not known", _ANEW
        )
    if asked_at < now - OLDEST_ASKED:
        raise SecondPersonError(
            f"{asked} did so more than {OLDEST_ASKED / 86400:.0f} days ago: who had access tokens then is not known",
            _ANEW,
        )
    found = {asked_id: ""}
    for token in await tx.operators.tokens(kind, asked_id):
        if _end(token) < asked_at:
            continue
        if token.issued_by is None:
            raise SecondPersonError(
                f"{asked} has the access token {token.id}, and who issued that is not known",
                f"Revoke {token.id}, issue another in its place, and have it asked for anew",
            )
        for each in (token.issued_by, *token.issued_through):
            found.setdefault(each, token.id)
    programs = {each.id for each in await tx.operators.service_accounts()}
    await _add_issuers(tx, found, programs - {asked_id})
    return found


async def _add_issuers(tx: Transaction, found: dict[str, str], programs: Collection[str]) -> None:
    """Adds whoever issued tokens of the programs in ``found``, and of those programs in turn."""
    left = [each for each in found if each in programs]
    while left:
        for token in await tx.operators.tokens("service", left.pop()):
            for each in () if token.issued_by is None else (token.issued_by, *token.issued_through):
                if each not in found:
                    found[each] = token.id
                    left.extend({each} & set(programs))


async def _in_hand(tx: Transaction, account: str, since: float) -> dict[str, str]:
    """Who might sign in with an account because of what they did since then, each with what that was."""
    found = await _makers(tx, account, since)
    if _is_person(account):
        for provider in await _providers_of(tx, account, since):
            await _add_doers(tx, found, provider, since, _TO_PROVIDERS)
    return found


async def _makers(tx: Transaction, account: str, since: float) -> dict[str, str]:
    """The same, but for changes of providers by which somebody came before."""
    found: dict[str, str] = {}
    if not _is_person(account):
        return found
    await _add_doers(tx, found, account, since, _TO_ACCOUNTS)
    async for joined in done_to(tx, "user.join", account, since):
        if provider := joined.event.after.get("provider"):
            await _add_doers(tx, found, provider, since, _TO_PROVIDERS)
    return found


async def _add_doers(
    tx: Transaction, found: dict[str, str], target: str, since: float, ways: Mapping[str, str]
) -> None:
    """Adds who did one of ``ways`` to ``target`` since then, or could have: by the tokens of who did."""
    for action, done in ways.items():
        words = f"{done} the identity provider {target} of this account" if ways is _TO_PROVIDERS else done
        async for each in done_to(tx, action, target, since):
            if action in _FIRST_STEPS and is_local(each.actor_id):
                continue
            hands = {each.actor_id: ""} | dict.fromkeys(await _issuers_of(tx, each.token), "")
            await _add_issuers(tx, hands, {one.id for one in await tx.operators.service_accounts()})
            for hand in hands:
                found.setdefault(hand, words)


async def _issuers_of(tx: Transaction, token_id: str) -> set[str]:
    """Whoever issued that token, and the one it was issued with; of one that is gone what the trail says. Nobody, where it
    is no access token of the control plane: people sign on for others."""
    found: set[str] = set()
    seen: set[str] = set()
    while token_id.startswith(f"{TOKEN_ID}_") and token_id not in seen:
        seen.add(token_id)
        token = await tx.operators.token(token_id)
        if token is not None:
            return {*found, token.issued_by or _ANYBODY, *token.issued_through}
        issued = [each async for each in done_to(tx, "admin_token.issue", token_id, None)]
        if not issued:
            return {_ANYBODY}
        found.add(issued[0].actor_id)
        token_id = issued[0].token
    return found


async def _providers_of(tx: Transaction, account: str, since: float) -> list[str]:
    """The identity providers by which the person signs in, or did since then."""
    found = {link.provider: None for link in await tx.providers.links_of(account)}
    for action in ("user.join", "account.link", "account.unlink"):
        async for each in done_to(tx, action, account, since):
            if provider := each.event.after.get("provider"):
                found[provider] = None
    return list(found)


async def done_to(
    tx: Transaction, action: str, target: str, since: float | None
) -> AsyncIterator[AuditRecord]:
    """What was done to ``target`` since then, newest first."""
    wanted = AuditFilter(action=action, target=target, outcome="done", since=since)
    before: int | None = None
    while True:
        page = await tx.audit.find(wanted, before=before, limit=_PAGE)
        for each in page:
            yield each
        if len(page) < _PAGE:
            return
        before = page[-1].seq


async def _kind_of(tx: Transaction, account: str) -> OwnerKind | None:
    if await tx.operators.person(account) is not None:
        return "user"
    accounts: list[ServiceAccount] = await tx.operators.service_accounts()
    return "service" if any(each.id == account for each in accounts) else None


def _is_person(account: str) -> bool:
    """Whether it might be a person's: nobody signs in with the others."""
    return not is_local(account) and account != SYSTEM.id


def _end(token: AdminToken) -> float:
    return token.expires_at if token.revoked_at is None else min(token.expires_at, token.revoked_at)
