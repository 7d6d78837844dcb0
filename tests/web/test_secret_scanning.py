"""GitHub's reports of leaked keys: who is believed, and what is answered."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from tests.storage.samples import orders

from wardgate.control import leaks
from wardgate.control.apply import apply_document
from wardgate.control.github_reports import MAX_BODY, MOST, read_keys, signed
from wardgate.control.keys import issue, revoke
from wardgate.storage.database import SqlStore
from wardgate.web.secret_scanning import BURST, PATH, load_keys, scanning_routes

#: The example of GitHub's own documentation, made with a key for tests.
EXAMPLE_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----
"""
EXAMPLE_ID = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
EXAMPLE_BODY = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
EXAMPLE_SIGNATURE = (
    "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
)
PRIVATE = ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Any) -> str:
    """A public key in PEM."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def document(**keys: str) -> str:
    """The form of GitHub's list of keys."""
    listed = [{"key_identifier": name, "key": pem, "is_current": True} for name, pem in keys.items()]
    return json.dumps({"public_keys": listed})


KEYS = read_keys(document(ours=pem_of(PRIVATE)))


class GitHub:
    """Sends reports as GitHub does."""

    def __init__(self, store: SqlStore, clock: Callable[[], float] = time.time) -> None:
        app = Starlette(routes=list(scanning_routes(store, KEYS, clock)))
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control")

    async def send(
        self, body: bytes | list[Any], *, key: Any = PRIVATE, identifier: str = "ours", **headers: str
    ) -> httpx.Response:
        """The answer to a report."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = base64.b64encode(key.sign(raw, ec.ECDSA(SHA256()))).decode()
        told = {
            "Github-Public-Key-Identifier": identifier,
            "Github-Public-Key-Signature": signature,
            **headers,
        }
        return await self._client.post(PATH, content=raw, headers=told)


@pytest.fixture
def github(store: SqlStore) -> GitHub:
    """GitHub, whose key is pinned."""
    return GitHub(store)


def test_the_example_of_the_documentation_is_believed() -> None:
    """The signature GitHub publishes with its example is right under its key, and for nothing else."""
    keys = read_keys(document(**{EXAMPLE_ID: EXAMPLE_KEY}))
    assert signed(keys, EXAMPLE_ID, EXAMPLE_SIGNATURE, EXAMPLE_BODY)
    assert not signed(keys, EXAMPLE_ID, EXAMPLE_SIGNATURE, EXAMPLE_BODY + b" ")
    assert not signed(keys, "other", EXAMPLE_SIGNATURE, EXAMPLE_BODY)
    for wrong in ("", "é", "AAAA", EXAMPLE_SIGNATURE[:-4], "A" * 1000):
        assert not signed(keys, EXAMPLE_ID, wrong, EXAMPLE_BODY)


@pytest.mark.every_database
async def test_a_report_is_answered_and_dealt_with(store: SqlStore, github: GitHub) -> None:
    """GitHub hears of each token whether it was one of ours, by its SHA-256; what is to be done follows the answer."""
    await apply_document(store, orders(), "development", "test", "")
    _, live = await issue(store, application="mobile", environment="development")
    over, ended = await issue(store, application="mobile", environment="development")
    await revoke(store, over.id)
    texts = [live.reveal().decode(), ended.reveal().decode(), "wg_dev_noise"]
    entries = [
        {"token": text, "type": "wardgate_api_key", "url": None, "source": "content"} for text in texts
    ]
    response = await github.send(entries)
    assert response.status_code == 200
    assert response.json() == [
        {
            "token_hash": hashlib.sha256(text.encode()).hexdigest(),
            "token_type": "wardgate_api_key",
            "label": label,
        }
        for text, label in zip(texts, ["true_positive", "true_positive", "false_positive"], strict=True)
    ]
    assert all(text not in response.text for text in texts[:2])
    assert {(each.action, each.source) for each in await leaks.list_leaks(store)} == {
        ("notify", "GitHub: content"), ("none", "GitHub: content"),
    }  # fmt: skip


async def test_what_is_not_signed_by_a_pinned_key_is_refused(store: SqlStore, github: GitHub) -> None:
    """Another key, another body, no signature, an unknown identifier: all are refused alike, and nothing is noted."""
    await apply_document(store, orders(), "development", "test", "")
    _, key = await issue(store, application="mobile", environment="development")
    entries = [{"token": key.reveal().decode(), "type": "t", "url": "", "source": ""}]
    stranger = ec.generate_private_key(ec.SECP256R1())
    answers = [
        await github.send(entries, key=stranger),
        await github.send(entries, identifier="theirs"),
        await github.send(entries, **{"Github-Public-Key-Signature": ""}),
        await github.send(entries, **{"Github-Public-Key-Signature": EXAMPLE_SIGNATURE}),
    ]
    assert {each.status_code for each in answers} == {401}
    assert {each.text for each in answers} == {answers[0].text}
    assert await leaks.list_leaks(store) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b"[[[[", b'[{"token": 1}]', b'[{"token": "x", "url": {}}]', b"[" * 5000,
     json.dumps([{"token": "x" * 501}]).encode(), json.dumps([{"token": "x", "url": "x" * 4001}]).encode(),
     json.dumps([{"token": "x"}] * (MOST + 1)).encode()],
)  # fmt: skip
async def test_what_is_no_report_is_refused_in_words(github: GitHub, body: bytes) -> None:
    """Signed nonsense is an error that says what is wrong and repeats nothing."""
    response = await github.send(body)
    assert response.status_code == 422
    assert response.json()["title"].startswith("The report cannot be read: ")


async def test_odd_texts_are_answered(github: GitHub) -> None:
    """Characters that no text can hold break nothing."""
    response = await github.send(b'[{"token": "\\u0000\\ud800", "type": "\\ud800", "url": "\\u0000"}]')
    assert [each["label"] for each in response.json()] == ["false_positive"]


async def test_reports_are_bounded(store: SqlStore) -> None:
    """A report that is too long, and one too many at a time, are refused."""
    github = GitHub(store, lambda: 1_800_000_000.0)
    assert (await github.send(b" " * (MAX_BODY + 1))).status_code == 413
    for _ in range(BURST - 1):
        assert (await github.send([])).status_code == 200
    last = await github.send([])
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "not of the form"), ("{}", "not of the form"), (document(), "holds no key"),
     (document(a="x"), "no public key in PEM"),
     (document(a=pem_of(ec.generate_private_key(ec.SECP384R1()))), "not on the curve P-256")],
)  # fmt: skip
def test_keys_that_cannot_be_pinned_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    """The service does not start with keys it cannot check signatures by."""
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ValueError, match=problem):
        load_keys(str(tmp_path / "keys.json"))
    with pytest.raises(ValueError, match="cannot be read"):
        load_keys(str(tmp_path / "none.json"))
