"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): a POST sent twice is carried out once.

The answer is kept for a day, in the transaction of the change itself: there is never one without the other. It is kept
without secrets: whoever lost the answer that showed a key gets the rest of it again, and rotates the key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from wardgate.control.errors import ConflictError, ControlError
from wardgate.control.ports import Transaction
from wardgate.control.ports_idempotency import KeptAnswer
from wardgate.domain.actor import Actor
from wardgate.web.admin_api.bodies import BodyError
from wardgate.web.admin_api.models import Model, shown_once_fields

HEADER = "Idempotency-Key"
#: Seconds an answer is kept.
KEPT = 86400.0
_LONGEST = 255
_FORM = re.compile(rf"[\x21-\x7e]{{1,{_LONGEST}}}")
_HEADERS = ("etag", "location")


class ReusedError(ControlError):
    """The key was used for another request; the code is ``idempotency_key_reused``."""

    def __init__(self) -> None:
        super().__init__(
            "idempotency_key_reused",
            f"This {HEADER} was sent with another request before",
            "Send a new key with each new request",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A request's key: ``digest`` of it and of who asks, and the request's ``fingerprint``."""

    digest: bytes
    fingerprint: bytes

    async def answered(self, tx: Transaction, now: float) -> Response | None:
        """What the request was answered before. Raises ReusedError."""
        kept = await tx.idempotency.get(self.digest, since=now - KEPT)
        if kept is None:
            return None
        if kept.fingerprint != self.fingerprint:
            raise ReusedError
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        if not kept.body:
            return Response(status_code=kept.status, headers=headers)
        return Response(kept.body, status_code=kept.status, headers=headers, media_type="application/json")

    async def keep(self, tx: Transaction, response: Response, result: Any, now: float) -> None:
        """Afterwards ``response``, which says ``result``, is what the request will be answered again."""
        await tx.idempotency.put(
            self.digest,
            KeptAnswer(
                fingerprint=self.fingerprint,
                status=response.status_code,
                headers={name: response.headers[name] for name in _HEADERS if name in response.headers},
                body=without_secrets(result).model_dump_json() if isinstance(result, Model) else "",
                at=now,
            ),
        )


def key_of(request: Request, actor: Actor, body: Any, master_key: bytes) -> Key | None:
    """The key that ``request`` came with. Raises BodyError for one that is none."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not _FORM.fullmatch(text):
        raise BodyError(
            400,
            "idempotency_key_malformed",
            f"{HEADER} is no key",
            f"Send 1 to {_LONGEST} ASCII characters, no blanks",
        )
    asked = [request.method, str(request.url.path), request.url.query, body]
    return Key(
        digest=_digest(master_key, b"key", [actor.kind, actor.id, text]),
        fingerprint=_digest(master_key, b"request", asked),
    )


class UnderWay:
    """Keys whose first request is being carried out just now, in this process."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    @contextmanager
    def entered(self, key: Key | None) -> Iterator[None]:
        """A block for one request. Raises ConflictError when another of the same key is in it."""
        if key is None:
            yield
            return
        if key.digest in self._digests:
            raise ConflictError(
                "request_under_way",
                f"A request with this {HEADER} is being carried out",
                "Wait for its answer, or send the request again in a while",
            )
        self._digests.add(key.digest)
        try:
            yield
        finally:
            self._digests.discard(key.digest)


def without_secrets(result: Model) -> Model:
    """``result`` with ``null`` for what is shown once."""
    return result.model_copy(update=dict.fromkeys(shown_once_fields(type(result))))


def _digest(master_key: bytes, purpose: bytes, value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.blake2b(text, key=master_key, digest_size=32, person=purpose.ljust(16, b"\0")).digest()
