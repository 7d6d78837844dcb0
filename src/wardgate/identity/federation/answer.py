"""What a provider answered, checked step by step until it is known who signed in (OIDC core section 3.1.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wardgate.identity.federation.credentials import authenticated
from wardgate.identity.federation.id_token import (
    IdTokenError,
    check_access_token,
    check_claims,
    check_freshness,
    verified,
)
from wardgate.identity.federation.known import Known, RefusedError
from wardgate.identity.federation.person import OverageError, Person, lacks, person_of
from wardgate.identity.federation.providers import PRESETS, IssuerError
from wardgate.identity.federation.state import Beginning, nonce_of, verifier_of
from wardgate.identity.http import Call
from wardgate.identity.ports import FetchError
from wardgate.identity.server import Server
from wardgate.jose.errors import JoseError

_SHOWN = 200


@dataclass(slots=True, kw_only=True)
class Answer:
    """A provider's answer while it is checked: each step reads what those before it found."""

    server: Server
    call: Call
    known: Known
    beginning: Beginning
    state: str = field(repr=False)
    tokens: Mapping[str, Any] = field(default_factory=dict, repr=False)
    claims: dict[str, Any] = field(default_factory=dict, repr=False)
    person: Person | None = None

    def refuse(self, why: str, note: str, *, status: int = 403) -> RefusedError:
        """The error that ends the sign-in."""
        return RefusedError(self.known.provider, why, note, status=status)


async def check_issuer(answer: Answer) -> None:
    """The answer is of the provider the person was sent to (RFC 9207 section 2.4)."""
    stated = answer.call.query.get("iss")
    if stated is None and not answer.known.metadata.names_itself:
        return
    if stated is None or not answer.known.rule.may_be(stated):
        raise answer.refuse("The answer came from somebody else.", "iss of the answer is missing or wrong")


async def check_error(answer: Answer) -> None:
    """The provider did sign the person in. What it says instead is shown as text, no longer than a line or two."""
    error = answer.call.query.get("error")
    if error is None:
        return
    said = answer.call.query.get("error_description") or error
    name = answer.known.provider.name
    why = f"You did not allow it at {name}." if error == "access_denied" else f"{name} says: {_line(said)}"
    raise answer.refuse(why, f"the provider answered {_line(error)!r}", status=400)


async def redeem_code(answer: Answer) -> None:
    """Gets the tokens (OIDC core section 3.1.3)."""
    server, known = answer.server, answer.known
    code = answer.call.query.get("code")
    if code is None:
        raise answer.refuse("The answer is incomplete.", "the answer holds no code", status=400)
    endpoint = known.metadata.token_endpoint
    broken = f"{known.provider.name} did not finish the sign-in."
    try:
        fields, headers = authenticated(server, known.provider, known.settings, endpoint)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": known.redirect_uri,
            "code_verifier": verifier_of(server, answer.state),
            **fields,
        }
        reply = await server.fetch.post(endpoint, form, headers=headers)
    except (FetchError, ValueError) as error:
        raise answer.refuse(broken, f"token endpoint: {error}", status=502) from None
    document = reply.document
    if reply.status != 200 or not isinstance(document, Mapping):
        said = document.get("error") if isinstance(document, Mapping) else None
        raise answer.refuse(broken, f"token endpoint: {reply.status} {_line(str(said))!r}", status=502)
    if not isinstance(document.get("id_token"), str):
        raise answer.refuse(broken, "token endpoint: no id token", status=502)
    answer.tokens = document


async def check_id_token(answer: Answer) -> None:
    """The id token is the provider's, for this server and this very sign-in."""
    server, known, beginning = answer.server, answer.known, answer.beginning
    disbelieved = f"What {known.provider.name} says of you could not be verified."
    try:
        header, claims = await verified(
            server, known.provider, known.settings, known.metadata, answer.tokens["id_token"]
        )
        issuer = check_claims(
            server, known.provider, known.rule, claims, nonce=nonce_of(server, answer.state)
        )
        check_access_token(header, claims, str(answer.tokens.get("access_token") or ""))
        check_freshness(
            server,
            claims,
            max_age=beginning.max_age,
            strict=beginning.strict,
            started_at=beginning.started_at,
        )
    except JoseError as error:
        raise answer.refuse(disbelieved, f"id token: {error}") from None
    except (IssuerError, IdTokenError) as error:
        raise answer.refuse(disbelieved, str(error)) from None
    except FetchError as error:
        raise answer.refuse(disbelieved, str(error), status=502) from None
    if answer.call.query.get("iss") not in (None, issuer):
        raise answer.refuse(disbelieved, "iss of the answer is not that of the id token")
    answer.claims = dict(claims)


async def read_userinfo(answer: Answer) -> None:
    """Adds what only userinfo tells, if it is about the same person (OIDC core section 5.3.2)."""
    known, token = answer.known, answer.tokens.get("access_token")
    endpoint = known.metadata.userinfo_endpoint
    wanted = PRESETS[known.provider.preset].userinfo and lacks(known.settings, answer.claims)
    if not wanted or not endpoint or not isinstance(token, str):
        return
    broken = f"{known.provider.name} did not finish the sign-in."
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise answer.refuse(broken, "the access token holds characters no token has", status=502)
    try:
        reply = await answer.server.fetch.get(endpoint, headers={"authorization": f"Bearer {token}"})
    except FetchError as error:
        raise answer.refuse(broken, f"userinfo: {error}", status=502) from None
    if reply.status != 200 or not isinstance(reply.document, Mapping):
        raise answer.refuse(broken, f"userinfo: {reply.status}", status=502)
    if reply.document.get("sub") != answer.claims["sub"]:
        raise answer.refuse(broken, "userinfo is about somebody else (sub)")
    answer.claims = {**reply.document, **answer.claims}


async def read_person(answer: Answer) -> None:
    """Who that is here: account, address, roles."""
    known = answer.known
    try:
        answer.person = person_of(known.provider, known.settings, known.rule, answer.claims)
    except OverageError:
        raise answer.refuse(
            f"You are in more groups than {known.provider.name} tells, so your rights here are not known.",
            "group overage: let the provider send only the groups assigned to the application",
        ) from None
    except JoseError as error:
        raise answer.refuse("Your account cannot be read.", f"id token: {error}") from None


#: Every check of an answer, in order; the first that is not content ends the sign-in.
STEPS: Sequence[Callable[[Answer], Awaitable[None]]] = (
    check_issuer,  # before anything else of the answer is believed, its errors included
    check_error,
    redeem_code,
    check_id_token,
    read_userinfo,
    read_person,
)


def _line(text: str) -> str:
    """What somebody else said, as a short line of text; the page escapes it."""
    return "".join(each if each.isprintable() else " " for each in text[:_SHOWN]).strip()
