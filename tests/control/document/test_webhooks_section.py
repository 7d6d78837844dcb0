"""``webhooks`` of a document: read, compared, applied and given back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.operators.operating import as_user, person

from wardgate.control import audit, webhooks
from wardgate.control.apply import apply_document
from wardgate.control.document import dump, load
from wardgate.control.errors import ConflictError, ForbiddenError
from wardgate.control.export import export_document
from wardgate.domain.document import Document, DocumentError, WebhookEntry
from wardgate.storage.database import SqlStore

CHAT = WebhookEntry(
    url="https://chat.example.com/hooks?token=hidden",
    description="Chat",
    events=("key.leaked",),
    environments=("production",),
    status="paused",
)
PLAIN = WebhookEntry(url="http://internal.example.com/hooks")
DOCUMENT = Document(webhooks=(CHAT, PLAIN))


def read(tmp_path: Path, text: str) -> Document:
    """The document of ``text``."""
    file = tmp_path / "wardgate.yaml"
    file.write_text(text)
    return load(file)


async def test_what_is_applied_is_given_back(store: SqlStore, tmp_path: Path) -> None:
    """Each new one has a secret that nobody is told; once more changes nothing. What is shown has no query."""
    assert read(tmp_path, dump(DOCUMENT)) == DOCUMENT
    plan = await apply_document(store, DOCUMENT, "development", "test", "", dry_run=True)
    assert (plan.unseen, await webhooks.list_webhooks(store)) == ((), [])
    assert [(each.kind, each.weakens) for each in plan.differences] == [("webhook_added", False)] * 2
    assert "hidden" not in repr(plan)
    result = await apply_document(store, DOCUMENT, "development", "test", "")
    assert result.changes == plan.changes
    assert result.changes == (
        "+ webhook https://chat.example.com/hooks?[redacted]: key.leaked of production, paused",
        "+ webhook http://internal.example.com/hooks: all events of all environments",
    )
    there = await webhooks.list_webhooks(store)
    assert [(each.id, each.kind, each.name) for each in result.unseen] == [
        (there[0].id, "webhook", "https://chat.example.com/hooks?[redacted]"),
        (there[1].id, "webhook", PLAIN.url),
    ]
    assert "hidden" not in repr(result)
    async with store.reading() as tx:
        for each in there:
            (kept,) = await tx.webhooks.secrets(each.id, 0.0)
            assert len(kept) == webhooks.SECRET_BYTES
            assert webhooks.shown_secret(kept).reveal().decode() not in repr(result)
    again = await apply_document(store, DOCUMENT, "development", "test", "")
    assert (again.changes, again.unseen) == ((), ())
    assert (await export_document(store, "development")).webhooks == DOCUMENT.webhooks
    told = [each.event.action for each in await audit.records(store)]
    assert told.count("webhook.set") == 2


async def test_what_is_not_named_stays(store: SqlStore) -> None:
    """A key of one, or one of the list; and all of them where there is no list, with --prune too."""
    await apply_document(store, DOCUMENT, "development", "test", "")
    before = {each.url: each for each in await webhooks.list_webhooks(store)}
    one = Document(webhooks=(WebhookEntry(url=CHAT.url, status="active"),))
    result = await apply_document(store, one, "development", "test", "")
    shown = "https://chat.example.com/hooks?[redacted]"
    assert result.changes == (f"~ webhook {shown}: status: paused -> active",)
    assert (await apply_document(store, Document(), "development", "test", "", True)).changes == ()
    after = {each.url: each for each in await webhooks.list_webhooks(store)}
    assert after[PLAIN.url] == before[PLAIN.url]
    assert (after[CHAT.url].events, after[CHAT.url].id) == (CHAT.events, before[CHAT.url].id)
    assert after[CHAT.url].status == "active"


async def test_prune_takes_those_away_that_the_list_does_not_name(store: SqlStore) -> None:
    """Where documents apply as a whole: in the first environment."""
    await apply_document(store, DOCUMENT, "development", "test", "")
    one = Document(webhooks=(PLAIN,))
    assert (await apply_document(store, one, "staging", "test", "", True)).changes == ()
    result = await apply_document(store, one, "development", "test", "", True)
    assert result.changes == (
        "- webhook https://chat.example.com/hooks?[redacted]: key.leaked of production, paused",
    )
    assert [each.url for each in await webhooks.list_webhooks(store)] == [PLAIN.url]


async def test_a_disabled_one_is_active_again_only_where_the_document_says_so(store: SqlStore) -> None:
    """Its failures are forgotten then."""
    await apply_document(store, Document(webhooks=(PLAIN,)), "development", "test", "")
    (known,) = await webhooks.list_webhooks(store)
    async with store.writing() as tx:
        await tx.webhooks.replace(replace(known, status="disabled", failing_since=1.0, last_error="refused"))
    assert (await apply_document(store, DOCUMENT, "development", "test", "")).changes == (
        "+ webhook https://chat.example.com/hooks?[redacted]: key.leaked of production, paused",
    )
    said = Document(webhooks=(WebhookEntry(url=PLAIN.url, status="active"),))
    await apply_document(store, said, "development", "test", "")
    found = (await webhooks.show(store, known.id)).webhook
    assert (found.status, found.last_error) == ("active", "")


async def test_it_takes_what_webhooks_take(store: SqlStore) -> None:
    """A publisher may neither add one nor see those there are; an environment that is not there is refused."""
    await person(store, "pia", "publisher")
    pia = await as_user(store, "pia")
    await apply_document(store, DOCUMENT, "development", "test", "")
    for document in (DOCUMENT, Document(webhooks=())):
        with pytest.raises(ForbiddenError, match=r"webhooks\."):
            await apply_document(pia, document, "development", "test", "", True)
    elsewhere = Document(webhooks=(WebhookEntry(url=PLAIN.url, environments=("moon",)),))
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="'moon', which would not exist"):
            await apply_document(store, elsewhere, "development", "test", "", dry_run=dry_run)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("webhooks: [{events: []}]", "the key 'url' is missing"),
        ("webhooks: [{url: https://a.example/, event: []}]", "unknown key 'event'"),
        ("webhooks: [{url: ftp://a.example/}]", "it must start with https://"),
        ("webhooks: [{url: https://a.example/, events: [key.leakd]}]", "Did you mean 'key.leaked'"),
        ("webhooks: [{url: https://a.example/, status: disabled}]", "'disabled' is no valid status"),
        ("webhooks: [{url: https://a.example/, secret: abcdef}]", "made for it, and has no place"),
        (
            "webhooks: [{url: 'https://a.example/?t=xyzzy'}, {url: 'https://a.example/?t=xyzzy'}]",
            "'https://a.example/?[redacted]' is also declared at",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    """And with what to do; what may be a secret is not repeated."""
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, text)
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert problem.line == 1 and problem.remedy
    assert "xyzzy" not in str(problem) and "abcdef" not in str(problem)
