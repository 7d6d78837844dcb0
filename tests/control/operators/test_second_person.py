"""Who issued a token, made an account or looks after its provider is no second person for who has it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from tests.control.operators.operating import as_user, by_token, person
from tests.control.promoting import API, CLOSED, OPENED, apply, orders

from wardgate.control import promote
from wardgate.control.errors import ControlError, SecondPersonError
from wardgate.control.operators import grants, service_accounts, tokens
from wardgate.control.rollback import rollback
from wardgate.control.second_person import OLDEST_ASKED, RESET_COUNTS
from wardgate.domain.actor import local_actor
from wardgate.domain.audit import AuditEvent
from wardgate.domain.people import IdentityProvider, Link
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
DAY = 86400.0


@pytest.fixture
async def house(store: SqlStore) -> SqlStore:
    """Ann, Ben and Cid are owners, the program ``ci`` is a publisher; staging serves what is closed, development not."""
    for name in ("ann", "ben", "cid"):
        await person(store, name, "owner")
    await program(store, "ci", "publisher")
    await apply(store, orders(CLOSED))
    await promote.request(store, api=API, environment="staging")
    await apply(store, orders(OPENED))
    return store


async def program(store: SqlStore, name: str, role: str) -> None:
    """Adds a service account with a role."""
    await service_accounts.add_service_account(store, name=name)
    await grants.grant(store, kind="service", name=name, role=role)


async def issued(store: SqlStore, **options: str) -> tuple[str, SqlStore]:
    """A token that ``store``'s actor issues: its id, and the store as it is to whoever has it."""
    record, secret = await tokens.issue_token(store, name="x", **options)  # type: ignore[arg-type]
    return record.token.id, await by_token(store, secret.reveal().decode(), now=time.time())


async def ask(store: SqlStore, now: float | None = None) -> str:
    """The id of what ``store``'s actor asks for, which waits."""
    clock = time.time if now is None else lambda: now
    found = await promote.request(store, api=API, environment="staging", clock=clock)
    assert found.promotion.status == "pending"
    return found.promotion.id


async def refused(store: SqlStore, name: str, promotion: str, says: str) -> SecondPersonError:
    """Asserts that the person so called is no second person, for that reason."""
    with pytest.raises(SecondPersonError, match=says) as caught:
        await promote.approve(await as_user(store, name), promotion, reason="agreed")
    assert caught.value.code == "second_person"
    assert caught.value.remedy
    return caught.value


async def agreed(store: SqlStore, name: str, promotion: str) -> None:
    """Asserts that the person so called is one."""
    done = await promote.approve(await as_user(store, name), promotion, reason="agreed")
    assert done.promotion.status == "done"


async def back(store: SqlStore) -> None:
    """Staging serves what is closed again."""
    await rollback(store, api=API, environment="staging", revision=1, reason="again")


async def tell(store: SqlStore, actor: str, action: str, target: str, *, at: float, **after: str) -> None:
    """Has the trail say that ``actor`` did that."""
    who = replace(local_actor(actor), kind="user", id=f"usr_{actor}")
    async with store.writing() as tx:
        event = AuditEvent(action=action, target=target, after=after)
        await tx.audit.record(event, at=at, actor=local_actor("root") if actor == "local" else who)


async def test_who_issued_a_programs_token_does_not_agree_to_what_it_asked(house: SqlStore) -> None:
    """Ann has the token of ci in hand; Ben has not."""
    token, ci = await issued(await as_user(house, "ann"), service="ci")
    waiting = await ask(ci)
    await refused(house, "ann", waiting, f"has the access token {token}")
    await agreed(house, "ben", waiting)


async def test_who_issued_a_persons_token_does_not_agree_to_what_they_asked(house: SqlStore) -> None:
    """Ann may issue a token for Ben, ask in his name with it, and would agree in her own."""
    _, as_ben = await issued(await as_user(house, "ann"), user="ben")
    waiting = await ask(as_ben)
    await refused(house, "ann", waiting, "could have asked by it")
    await agreed(house, "cid", waiting)


async def test_it_counts_whatever_was_used_to_ask(house: SqlStore) -> None:
    """Ben asks after signing on, and Ann has a token of his; nobody tells which it was. His own token keeps nobody."""
    ben = await as_user(house, "ben")
    await issued(ben)
    await issued(await as_user(house, "ann"), user="ben")
    waiting = await ask(ben)
    await refused(house, "ann", waiting, "could have asked by it")
    await agreed(house, "cid", waiting)


async def test_a_token_that_ended_before_does_not_count_and_a_later_one_does(house: SqlStore) -> None:
    """What was revoked when it was asked was not asked with; what is issued meanwhile might be asked with again."""
    token, _ = await issued(await as_user(house, "ann"), service="ci")
    await tokens.revoke_token(house, token)
    _, ci = await issued(await as_user(house, "ben"), service="ci")
    waiting = await ask(ci)
    await issued(await as_user(house, "cid"), service="ci")
    await refused(house, "ben", waiting, "could have asked by it")
    await refused(house, "cid", waiting, "could have asked by it")
    await agreed(house, "ann", waiting)


async def test_a_token_that_ends_meanwhile_counts(house: SqlStore) -> None:
    """Ann revokes it as soon as ci has asked."""
    token, ci = await issued(await as_user(house, "ann"), service="ci")
    waiting = await ask(ci)
    await tokens.revoke_token(house, token)
    await refused(house, "ann", waiting, "could have asked by it")


async def test_programs_that_issue_tokens_of_programs_hide_nobody(house: SqlStore) -> None:
    """Ann's program issues the token of ci, by way of another; whoever else has a token of that program has it as well."""
    for name in ("maker", "helper"):
        await program(house, name, "owner")
    _, maker = await issued(await as_user(house, "ann"), service="maker")
    _, helper = await issued(maker, service="helper")
    _, ci = await issued(helper, service="ci")
    await issued(ci)
    await issued(await as_user(house, "cid"), service="helper")
    waiting = await ask(ci)
    await refused(house, "ann", waiting, "could have asked by it")
    await refused(house, "cid", waiting, "could have asked by it")
    await agreed(house, "ben", waiting)


async def test_a_token_issued_with_anothers_tells_of_both(house: SqlStore) -> None:
    """Ann has a token of Ben's issue the next, and revokes the first: the next is hers as well, though Ben issued it."""
    first, as_ben = await issued(await as_user(house, "ann"), user="ben")
    second, again = await issued(as_ben)
    shown = await tokens.show_token(house, second)
    assert (shown.token.issued_by, shown.token.issued_through) == ("usr_ben", ("usr_ann",))
    await tokens.revoke_token(house, first)
    waiting = await ask(again)
    await refused(house, "ann", waiting, f"has the access token {second}")
    await agreed(house, "cid", waiting)


async def test_who_asked_and_is_gone_is_nobody_to_compare_with(house: SqlStore) -> None:
    """Ann removes the program, and its tokens with it: nobody can agree, until it is asked anew."""
    _, ci = await issued(await as_user(house, "ann"), service="ci")
    waiting = await ask(ci)
    await service_accounts.remove_service_account(house, "ci")
    for name in ("ann", "ben"):
        error = await refused(house, name, waiting, "is no account any more")
        assert "asked for anew" in error.remedy
    await promote.cancel(await as_user(house, "ben"), waiting)
    await agreed(house, "ann", await ask(await as_user(house, "ben")))


async def test_nobody_agrees_to_what_was_asked_too_long_ago(house: SqlStore) -> None:
    """Tokens that ended are not kept for ever: what they could have asked is asked anew."""
    waiting = await ask(await as_user(house, "ben"), time.time() - OLDEST_ASKED - 60)
    await refused(house, "ann", waiting, "more than 90 days ago")
    await promote.cancel(await as_user(house, "ben"), waiting)
    await agreed(house, "ann", await ask(await as_user(house, "ben"), time.time() - OLDEST_ASKED + 60))


async def test_what_ended_lately_is_kept_as_long_as_it_counts(house: SqlStore) -> None:
    """Issuing sweeps away what ended 90 days ago, and nothing that an agreement still asks for."""
    token, ci = await issued(await as_user(house, "ann"), service="ci")
    waiting = await ask(ci, time.time() - OLDEST_ASKED + 60)
    await tokens.revoke_token(house, token, clock=lambda: time.time() - OLDEST_ASKED + 90)
    await issued(await as_user(house, "ben"), service="ci")
    await refused(house, "ann", waiting, f"has the access token {token}")


async def test_a_token_that_nobody_is_known_to_have_issued_keeps_everybody(house: SqlStore) -> None:
    """One from before issuers were kept, of which the trail tells no more: revoked, and asked anew."""
    token, ci = await issued(await as_user(house, "ann"), service="ci")
    async with house.writing() as tx:
        await tx._connection.execute(text("UPDATE admin_tokens SET issued_by = NULL"))  # type: ignore[attr-defined]
    _, further = await issued(ci)
    waiting = await ask(further)
    error = await refused(house, "ben", waiting, "who issued that is not known")
    assert f"Revoke {token}" in error.remedy
    for each in await tokens.list_tokens(house, service="ci"):
        assert each.token.issued_by is None
        await tokens.revoke_token(house, each.token.id)
    await promote.cancel(house, waiting)
    _, anew = await issued(await as_user(house, "ann"), service="ci")
    await agreed(house, "ben", await ask(anew))


async def test_nobody_approves_with_a_token_somebody_else_may_have(house: SqlStore) -> None:
    """One of one's own issuing is good; one whose issuer is not known is not."""
    waiting = await ask(await as_user(house, "ann"))
    _, ben = await issued(await as_user(house, "ben"))
    async with house.writing() as tx:
        await tx._connection.execute(text("UPDATE admin_tokens SET issued_by = NULL"))  # type: ignore[attr-defined]
    with pytest.raises(SecondPersonError, match="issued by the person whose it is alone") as caught:
        await promote.approve(ben, waiting, reason="agreed")
    assert "wardgate login" in caught.value.remedy
    _, own = await issued(await as_user(house, "ben"))
    assert (await promote.approve(own, waiting, reason="agreed")).promotion.status == "done"


@pytest.mark.parametrize("action", ["user.reset", "user.add"])
async def test_who_let_in_the_one_who_asked_does_not_agree(house: SqlStore, action: str) -> None:
    """Ann could sign in as Ben, ask, and agree as herself: also when that was some days before it was asked."""
    asked_at = time.time() - 20 * DAY
    await tell(house, "ann", action, "usr_ben", at=asked_at - 20 * DAY)
    waiting = await ask(await as_user(house, "ben"), asked_at)
    await refused(house, "ann", waiting, "the account of who asked")
    await agreed(house, "cid", waiting)


async def test_two_accounts_of_one_maker_are_one_person(house: SqlStore) -> None:
    """Cid made both, or let one in anew; people whose accounts were made at the machine itself are two."""
    for each in ("ann", "ben"):
        await tell(house, "local", "user.add", f"usr_{each}", at=time.time() - DAY)
    await tell(house, "cid", "user.reset", "usr_ann", at=time.time() - DAY)
    await agreed(house, "ben", await ask(await as_user(house, "ann")))
    await back(house)
    await tell(house, "cid", "user.add", "usr_ben", at=time.time() - RESET_COUNTS + 60)
    waiting = await ask(await as_user(house, "ann"))
    await refused(house, "ben", waiting, "the same person let in")


async def test_what_is_long_ago_does_not_count(house: SqlStore) -> None:
    """After thirty days an account is its person's."""
    await tell(house, "ann", "user.reset", "usr_ben", at=time.time() - RESET_COUNTS - 60)
    await agreed(house, "ben", await ask(await as_user(house, "ann")))


async def test_what_was_done_with_a_token_was_done_by_who_issued_it(house: SqlStore) -> None:
    """Ann's program lets Ben in anew; then it is removed."""
    await program(house, "helpdesk", "owner")
    token, _ = await issued(await as_user(house, "ann"), service="helpdesk")
    desk = replace(local_actor("helpdesk"), kind="service", id="svc_helpdesk", token=token)
    async with house.writing() as tx:
        event = AuditEvent(action="user.reset", target="usr_ben")
        await tx.audit.record(event, at=time.time(), actor=desk)
    waiting = await ask(await as_user(house, "ann"))
    await refused(house, "ben", waiting, "let this account in anew")
    await service_accounts.remove_service_account(house, "helpdesk")
    await refused(house, "ben", waiting, "let this account in anew")
    await agreed(house, "cid", waiting)


async def linked(store: SqlStore, name: str) -> None:
    """The person signs in by the identity provider ``abroad``."""
    async with store.writing() as tx:
        if await tx.providers.get("abroad") is None:
            found = IdentityProvider(
                id="abroad",
                environment="development",
                name="Abroad",
                preset="generic",
                issuer="https://abroad.example",
                client_id="c",
            )
            await tx.providers.add(found)
        await tx.providers.add_link(
            Link(provider="abroad", subject=name, user=f"usr_{name}", created_at=time.time())
        )


Way = Callable[[SqlStore, str], Awaitable[None]]


async def unlinked(store: SqlStore, name: str) -> None:
    """The person came by it, and took the link away again."""
    await tell(store, name, "account.unlink", f"usr_{name}", at=time.time(), provider="abroad")


async def joined(store: SqlStore, name: str) -> None:
    """The account was made by signing in with it."""
    await tell(store, name, "user.join", f"usr_{name}", at=time.time(), provider="abroad")


@pytest.mark.parametrize("way", [linked, unlinked, joined])
@pytest.mark.parametrize(
    "action", ["provider.add", "provider.set", "provider.set_secret", "provider.restore"]
)
async def test_who_looks_after_a_provider_is_everybody_who_comes_by_it(
    house: SqlStore, way: Way, action: str
) -> None:
    """Ann could have it say that she is Ben: neither agrees to what the other asked, within thirty days."""
    await way(house, "ben")
    await tell(house, "ann", action, "abroad", at=time.time() - RESET_COUNTS - 60)
    first = await ask(await as_user(house, "ann"))
    await tell(house, "ann", action, "abroad", at=time.time() - DAY)
    await refused(house, "ben", first, "the identity provider abroad of this account within 30 days")
    await agreed(house, "cid", first)
    await back(house)
    second = await ask(await as_user(house, "ben"))
    await refused(house, "ann", second, "the identity provider abroad of the account of who asked")
    await agreed(house, "cid", second)


async def test_who_joined_by_a_new_provider_agrees_to_nothing_of_others_who_did(house: SqlStore) -> None:
    """Cid could be both; those who had accounts before, and only come by it, are two. One added at the machine counts for
    nothing."""
    for name in ("ann", "ben"):
        await linked(house, name)
    await tell(house, "local", "provider.add", "abroad", at=time.time() - DAY)
    await tell(house, "cid", "provider.set", "abroad", at=time.time() - DAY)
    await agreed(house, "ben", await ask(await as_user(house, "ann")))
    await back(house)
    for name in ("ann", "ben"):
        await joined(house, name)
    waiting = await ask(await as_user(house, "ann"))
    await refused(house, "ben", waiting, "the same person let in")


async def test_the_machine_itself_asks_and_agrees_as_who_is_there(house: SqlStore) -> None:
    """It has no tokens; who issued one there does not agree there."""
    root, other = (house.acting(local_actor(name)) for name in ("root", "other"))
    waiting = await ask(root)
    with pytest.raises(SecondPersonError, match="somebody else"):
        await promote.approve(root, waiting, reason="agreed")
    assert (await promote.approve(other, waiting, reason="agreed")).promotion.status == "done"
    await back(house)
    _, ci = await issued(root, service="ci")
    waiting = await ask(ci)
    with pytest.raises(ControlError, match="could have asked by it"):
        await promote.approve(root, waiting, reason="agreed")
    assert (await promote.approve(other, waiting, reason="agreed")).promotion.status == "done"
