"""One-time codes of an authenticator app (RFC 6238): six digits, thirty seconds, each good once.

The shared secret is sealed by the vault. Until a first code proves that the app has it, it waits under the session that
asked for it, so neither the page nor the picture needs it in an address.
"""

from __future__ import annotations

import hmac
import io
from base64 import b32encode, b64decode, b64encode

import pyotp
import segno

from wardgate.control.ids import new_id
from wardgate.domain.people import Factor, Session, User
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

STEP = 30
#: Steps before and after now that count as now (RFC 6238 section 5.2).
_DRIFT = 1
_PENDING_SECONDS = 900.0
MOST_APPS = 5


async def begin_totp(server: Server, tx: Transaction, session: Session) -> str:
    """A new secret (base32) that waits for its first code in this session; one that waited before is void."""
    secret = b32encode(server.random(20)).decode()
    digest = _pending_digest(server, session)
    sealed = server.vault.seal(secret.encode(), f"totp {session.id}")
    await tx.once.drop("login", digest)
    document = {"sealed": b64encode(sealed).decode()}
    await tx.once.put("login", digest, document, server.clock() + _PENDING_SECONDS)
    return secret


async def pending_totp(server: Server, tx: Transaction, session: Session) -> str | None:
    """The secret that waits in this session; ``None`` if none does (any more)."""
    record = await tx.once.look("login", _pending_digest(server, session))
    if record is None or record.used_at is not None or record.expires_at <= server.clock():
        return None
    return server.vault.open(b64decode(record.document["sealed"]), f"totp {session.id}").decode()


async def confirm_totp(
    server: Server, tx: Transaction, session: Session, user: User, label: str, code: str
) -> bool:
    """Whether ``code`` is the waiting secret's; then it is a factor of the user from now on, and the code is used."""
    secret = await pending_totp(server, tx, session)
    counter = None if secret is None else _counter_of(secret, code, server.clock())
    if secret is None or counter is None:
        return False
    now = server.clock()
    if await tx.once.take("login", _pending_digest(server, session), now) is None:
        return False
    factor_id = new_id("fac", now)
    sealed = server.vault.seal(secret.encode(), f"totp {factor_id}")
    await tx.factors.add(
        Factor(
            id=factor_id,
            user=user.id,
            kind="totp",
            label=label,
            data={"sealed": b64encode(sealed).decode()},
            created_at=now,
        )
    )
    return await tx.factors.advance(factor_id, counter, now)


async def check_totp(server: Server, tx: Transaction, user: User, code: str) -> bool:
    """Whether ``code`` is one of the user's apps' now and was never used; afterwards neither it nor an older one is
    good (RFC 6238 section 5.2)."""
    now = server.clock()
    for factor in await tx.factors.of_user(user.id, "totp"):
        secret = server.vault.open(b64decode(factor.data["sealed"]), f"totp {factor.id}").decode()
        counter = _counter_of(secret, code, now)
        if counter is not None and await tx.factors.advance(factor.id, counter, now):
            return True
    return False


def picture(server: Server, user: User, secret: str) -> bytes:
    """The QR code an app reads, as SVG: the key URI of the secret."""
    host = server.settings.origin.partition("://")[2]
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=f"Wardgate ({host})")
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        out, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False
    )
    return out.getvalue()


def _counter_of(secret: str, code: str, now: float) -> int | None:
    """The time step whose code this is, the newest first; ``None``: of none near now."""
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    step = int(now // STEP)
    generator = pyotp.HOTP(secret)
    found = [
        counter
        for counter in range(step + _DRIFT, step - _DRIFT - 1, -1)
        if hmac.compare_digest(generator.at(counter), code)
    ]
    return found[0] if found else None


def _pending_digest(server: Server, session: Session) -> bytes:
    return server.digest(f"totp {session.id}")
