"""Ways of one person into two accounts are not two persons."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.control.operators.operating import as_user, by_token, person
from tests.control.promoting import API, CLOSED, OPENED, apply, orders

from wardgate.control import promote
from wardgate.control.errors import ConflictError, ForbiddenError
from wardgate.control.export import export_document
from wardgate.control.operators import grants, tokens
from wardgate.control.operators.holding import holdings_of
from wardgate.control.promote import PromotionRecord
from wardgate.domain.actor import Actor
from wardgate.domain.settings import ServerSettings
from wardgate.identity.people import manage_users
from wardgate.storage.database import SqlStore
from wardgate.web.identity_server import build_server

pytestmark = pytest.mark.every_database


async def asked(store: SqlStore) -> PromotionRecord:
    """What ann asked for, who is an owner as ben is: it waits for ben."""
    await person(store, "ann", "owner")
    await person(store, "ben", "owner")
    await apply(store, orders(CLOSED))
    ann = await as_user(store, "ann")
    await promote.request(ann, api=API, environment="staging")
    await apply(store, orders(OPENED))
    return await promote.request(ann, api=API, environment="staging")


async def test_a_token_issued_for_somebody_approves_nothing(store: SqlStore) -> None:
    """An owner may issue a token for ben and would be ben by it: not where two are needed."""
    waiting = await asked(store)
    ann = await as_user(store, "ann")
    with pytest.raises(ConflictError, match=r"apis\.approve") as caught:
        await tokens.issue_token(ann, name="x", user="ben", permissions=["apis.view", "apis.approve"])
    assert caught.value.code == "second_person"
    record, secret = await tokens.issue_token(ann, name="x", user="ben")
    assert "apis.promote" in record.token.permissions
    assert "apis.approve" not in record.token.permissions
    as_ben = await by_token(store, secret.reveal().decode(), now=record.token.created_at + 1)
    with pytest.raises(ForbiddenError, match=r"apis\.approve"):
        await promote.approve(as_ben, waiting.promotion.id, reason="me again")
    own, _ = await tokens.issue_token(await as_user(store, "ben"), name="x")
    assert "apis.approve" in own.token.permissions


async def test_who_reset_the_password_of_another_is_not_another(store: SqlStore) -> None:
    """Ann lets ben in anew and could sign in as ben; cid, whom she did not touch, approves."""
    waiting = await asked(store)
    await person(store, "cid", "owner")
    ann = await as_user(store, "ann")
    settings = ServerSettings(
        data_dir=str(store.data_dir), environment="development", issuer="https://id.example.com"
    )
    server = build_server(settings, store.overlapping)
    await manage_users.reset(replace(server, store=ann), "ben", password="correct horse battery staple")
    with pytest.raises(ConflictError, match="let this account in anew") as caught:
        await promote.approve(await as_user(store, "ben"), waiting.promotion.id, reason="agreed")
    assert caught.value.code == "second_person"
    done = await promote.approve(await as_user(store, "cid"), waiting.promotion.id, reason="agreed")
    assert done.promotion.status == "done"


async def test_an_account_made_by_who_asked_is_no_second_person(store: SqlStore) -> None:
    """Ann makes an account of which she knows the password, and an owner of it: she would approve her own by it."""
    waiting = await asked(store)
    ann = await as_user(store, "ann")
    settings = ServerSettings(
        data_dir=str(store.data_dir), environment="development", issuer="https://id.example.com"
    )
    server = replace(build_server(settings, store.overlapping), store=ann)
    made, _ = await manage_users.add(server, name="puppet", password="correct horse battery staple")
    await grants.grant(ann, kind="user", name="puppet", role="owner")
    async with store.reading() as tx:
        held = await holdings_of(tx, "user", made.id)
    puppet = store.acting(Actor(kind="user", id=made.id, name=made.name, permissions=held.permissions))
    with pytest.raises(ConflictError, match="made this account") as caught:
        await promote.approve(puppet, waiting.promotion.id, reason="agreed")
    assert caught.value.code == "second_person"
    done = await promote.approve(await as_user(store, "ben"), waiting.promotion.id, reason="agreed")
    assert done.promotion.status == "done"


async def test_who_sees_environments_alone_exports_nothing(store: SqlStore) -> None:
    """A document holds APIs, plans, applications and who they belong to: each is asked for."""
    await person(store, "ann", "owner")
    await apply(store, orders(CLOSED))
    ann = await as_user(store, "ann")
    _, secret = await tokens.issue_token(ann, name="x", permissions=["environments.view"])
    narrow = await by_token(store, secret.reveal().decode(), now=time.time())
    with pytest.raises(ForbiddenError, match=r"apis\.view"):
        await export_document(narrow, "development")
