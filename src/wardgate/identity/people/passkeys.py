"""Passkeys (WebAuthn level 2): registered, used as the second factor, or instead of name and password.

The library checks the ceremony; here is what it leaves to us: which challenge, which user, no frames of others, and that
nothing malformed becomes an error of ours.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wardgate.control.ids import new_id
from wardgate.domain.people import Factor, Session, User
from wardgate.identity.people.challenges import Purpose, new_challenge, use_challenge
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

MOST_PASSKEYS = 20
_LONGEST = 16 * 1024
_MILLISECONDS = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A passkey was used: ``verified`` whether it checked who holds it (PIN, finger, face), ``synced`` whether copies
    of it may exist on other devices."""

    user: User
    verified: bool
    synced: bool

    @property
    def amr(self) -> tuple[str, ...]:
        """How, in the words of RFC 8176."""
        return ("swk" if self.synced else "hwk", *(("user",) if self.verified else ()))


def rp_id(server: Server) -> str | None:
    """The relying party's id: the issuer's host. ``None`` where that is an address, for which there are no passkeys."""
    host = urlsplit(server.settings.issuer).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host or None
    return None


async def registration_options(server: Server, tx: Transaction, session: Session, user: User) -> str:
    """What the browser's ``navigator.credentials.create`` is given, as JSON."""
    return options_to_json(
        generate_registration_options(
            rp_id=rp_id(server) or "",
            rp_name="Wardgate",
            user_id=user.id.encode(),
            user_name=user.name,
            user_display_name=str(user.profile.get("name") or user.name),
            challenge=new_challenge(server, "register", session.id),
            timeout=_MILLISECONDS,
            exclude_credentials=_descriptors(await tx.factors.of_user(user.id, "passkey")),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
        )
    )


async def register(
    server: Server, tx: Transaction, session: Session, user: User, label: str, text: str
) -> Factor | None:
    """The new factor; ``None`` if the browser's answer ``text`` is not what was asked of it in this session."""
    credential = _read(text)
    challenge = _challenge_of(credential)
    if credential is None or not await use_challenge(server, tx, challenge, "register", session.id):
        return None
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(server) or "",
            expected_origin=server.settings.origin,
        )
    except (WebAuthnException, ValueError):
        return None
    stored = await tx.factors.of_user(user.id, "passkey")
    name = b64encode(verified.credential_id).decode()
    if len(stored) >= MOST_PASSKEYS or any(each.data["credential"] == name for each in stored):
        return None
    factor = Factor(
        id=new_id("fac", server.clock()),
        user=user.id,
        kind="passkey",
        label=label,
        data={
            "credential": name,
            "public_key": b64encode(verified.credential_public_key).decode(),
            "sign_count": verified.sign_count,
            "transports": _transports(credential),
            "synced": verified.credential_device_type.value == "multi_device",
        },
        created_at=server.clock(),
    )
    await tx.factors.add(factor)
    return factor


def sign_in_options(server: Server, purpose: Purpose, binding: str, factors: Sequence[Factor] = ()) -> str:
    """What ``navigator.credentials.get`` is given, as JSON: for any passkey that knows its user, or one of ``factors``.

    As the only factor it must check who holds it.
    """
    return options_to_json(
        generate_authentication_options(
            rp_id=rp_id(server) or "",
            challenge=new_challenge(server, purpose, binding),
            timeout=_MILLISECONDS,
            allow_credentials=_descriptors(factors),
            user_verification=(
                UserVerificationRequirement.REQUIRED
                if purpose == "first"
                else UserVerificationRequirement.PREFERRED
            ),
        )
    )


async def check_passkey(
    server: Server, tx: Transaction, purpose: Purpose, binding: str, text: str, user: User | None = None
) -> Proof | None:
    """Whose passkey answered (``user``'s, or that of whoever the passkey names); ``None`` if it proves nothing.

    Afterwards the challenge is used and the passkey's counter is noted: a copy that counts on its own is refused.
    """
    credential = _read(text)
    challenge = _challenge_of(credential)
    if credential is None or not await use_challenge(server, tx, challenge, purpose, binding):
        return None
    user = user or await _named(tx, credential)
    factor = None if user is None else await _factor(tx, user, credential)
    if user is None or factor is None or user.status != "active":
        return None
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(server) or "",
            expected_origin=server.settings.origin,
            credential_public_key=b64decode(factor.data["public_key"]),
            credential_current_sign_count=int(factor.data["sign_count"]),
            require_user_verification=purpose == "first",
        )
    except (WebAuthnException, ValueError):
        return None
    data = {**factor.data, "sign_count": verified.new_sign_count}
    await tx.factors.replace(replace(factor, data=data, used_at=server.clock()))
    return Proof(user=user, verified=verified.user_verified, synced=bool(factor.data.get("synced")))


def _read(text: str) -> dict[str, Any] | None:
    """The browser's answer, unless it is no JSON object with the members every answer has."""
    if len(text) > _LONGEST:
        return None
    try:
        credential = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
        return None
    return credential


def _challenge_of(credential: dict[str, Any] | None) -> bytes:
    """The challenge the answer is for; empty where there is none, or where a frame of another site asked for it."""
    data = _decoded((credential or {}).get("response", {}).get("clientDataJSON"))
    try:
        client = json.loads(data)
    except (ValueError, RecursionError):
        return b""
    if not isinstance(client, dict) or client.get("crossOrigin") not in (None, False):
        return b""
    return _decoded(client.get("challenge"))


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


async def _named(tx: Transaction, credential: dict[str, Any]) -> User | None:
    """The user that a discoverable passkey names."""
    handle = _decoded(credential["response"].get("userHandle"))
    return await tx.users.get(handle.decode("utf-8", "replace")) if handle else None


async def _factor(tx: Transaction, user: User, credential: dict[str, Any]) -> Factor | None:
    name = b64encode(_decoded(credential.get("rawId"))).decode()
    stored = await tx.factors.of_user(user.id, "passkey")
    return next((each for each in stored if each.data["credential"] == name), None)


def _descriptors(factors: Sequence[Factor]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=b64decode(each.data["credential"])) for each in factors]


def _transports(credential: dict[str, Any]) -> list[str]:
    told = credential["response"].get("transports")
    return [each for each in told if isinstance(each, str)][:8] if isinstance(told, list) else []
