"""The successful authorization response: a code, or tokens for clients that opted in to the implicit grant."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.control.ids import new_id
from wardgate.domain.oauth import Client, Grant
from wardgate.domain.tokenform import new_secret
from wardgate.identity import issue
from wardgate.identity.authorize_request import Draft
from wardgate.identity.claims import claims_for
from wardgate.identity.grants.code_document import CodeDocument
from wardgate.identity.http import Reply
from wardgate.identity.interaction import Person
from wardgate.identity.issue import UNBOUND, Prepared
from wardgate.identity.ports import Transaction
from wardgate.identity.redirects import respond
from wardgate.identity.subjects import subject_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What was stored in the transaction; :func:`response` makes the answer of it after the commit."""

    grant: Grant
    person: Person
    code: str = ""
    access: Prepared | None = None


def new_grant(draft: Draft, person: Person, *, kind: str, client: Client, expires_at: float | None) -> Grant:
    """What the person lets the client do by this request. Every authorization has a grant of its own."""
    now = draft.server.clock()
    session = person.session
    return Grant(
        id=new_id("gr", now),
        environment=draft.server.settings.environment,
        client=client.id,
        subject=person.user.id,
        scopes=person.scopes,
        kind=kind,
        created_at=now,
        expires_at=expires_at,
        resources=draft.resources,
        authorization_details=draft.details,
        claims={name: dict(asked) for name, asked in person.claims.items()},
        session=session.id,
        auth_time=int(session.auth_time),
        acr=session.acr,
        amr=session.amr,
        jkt=draft.dpop_jkt,
    )


async def grant_code(draft: Draft, tx: Transaction, person: Person) -> Granted:
    """Stores the grant and a code for it."""
    server, client = draft.server, draft.known.client
    now = server.clock()
    lives = server.settings.code_lifetime + client.access_lifetime
    lives += client.refresh_lifetime if "refresh_token" in client.grant_types else 0
    grant = new_grant(draft, person, kind="authorization_code", client=client, expires_at=now + lives)
    code = new_secret("ac", server.random)
    document = CodeDocument(
        client=client.id,
        grant=grant.id,
        redirect_uri=draft.redirect_sent,
        code_challenge=draft.code_challenge,
        nonce=draft.nonce,
        dpop_jkt=draft.dpop_jkt,
    )
    await tx.grants.add(grant)
    await tx.once.put(
        "code", server.digest(code), document.to_document(), now + server.settings.code_lifetime
    )
    return Granted(grant=grant, person=person, code=code)


async def grant_tokens(draft: Draft, tx: Transaction, person: Person) -> Granted:
    """Stores the grant of an implicit request, and its access token if it has an opaque one (RFC 6749 section 4.2)."""
    server, client = draft.server, draft.known.client
    grant = new_grant(
        draft, person, kind="implicit", client=client, expires_at=server.clock() + client.access_lifetime
    )
    await tx.grants.add(grant)
    if "token" not in draft.words:
        return Granted(grant=grant, person=person)
    spec = issue.spec_of(
        client,
        grant,
        subject=subject_of(server, client, person.user.id),
        scopes=person.scopes,
        audiences=draft.resources,
        roles=person.roles,
        binding=UNBOUND,
        authorization_details=draft.details,
    )
    access = issue.prepare(server, spec)
    await issue.keep(server, tx, access)
    return Granted(grant=grant, person=person, access=access)


async def response(draft: Draft, granted: Granted) -> Reply:
    """The response at the client's redirect URI. Outside of any writing transaction, as it may sign."""
    if granted.code:
        return respond(draft.sure_target, [("code", granted.code)])
    server, client = draft.server, draft.known.client
    fields: list[tuple[str, str]] = []
    text = ""
    if granted.access is not None:
        text = await issue.text_of(server, granted.access)
        fields += [
            ("access_token", text),
            ("token_type", granted.access.binding.token_type),
            ("expires_in", str(granted.access.expires_in)),
            ("scope", " ".join(granted.person.scopes)),
        ]
    if "id_token" in draft.words:
        fields.append(("id_token", await _id_token(draft, client, granted, text)))
    return respond(draft.sure_target, fields)


async def _id_token(draft: Draft, client: Client, granted: Granted, access_token: str) -> str:
    """Without an access token nobody can ask for userinfo, so the scopes' claims are inside (OIDC core 5.4)."""
    server, user = draft.server, granted.person.user
    inside = () if access_token else granted.person.scopes
    return await issue.id_token(
        server,
        client,
        granted.grant,
        subject=subject_of(server, client, user.id),
        claims=claims_for(user, inside, granted.grant.claims.get("id_token")),
        nonce=draft.nonce,
        access_token=access_token,
    )
