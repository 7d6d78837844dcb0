"""Makes tokens: access tokens (RFC 9068, or opaque), refresh tokens, id tokens (OIDC core section 2).

Signing may have to write a first key, so it never happens inside a writing transaction, which would wait for itself:
there a token is prepared and, if it is opaque, stored; after the commit :func:`text_of` gives it its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.oauth import Client, Grant, SigningAlgorithm, Token
from wardgate.domain.tokenform import issued_ms, new_jti, new_secret
from wardgate.identity.http import Reply, json_reply
from wardgate.identity.ports import RefreshToken, Transaction
from wardgate.identity.rotation import LONGEST_TOKEN
from wardgate.identity.server import Server
from wardgate.jose.encoding import encode

ACCESS_TYPE = "at+jwt"
ID_TYPE = "JWT"


@dataclass(frozen=True, slots=True)
class Binding:
    """The key a token is bound to: by DPoP (RFC 9449) or by certificate (RFC 8705); empty for a bearer token."""

    jkt: str = ""
    x5t: str = ""

    @property
    def token_type(self) -> str:
        """``token_type`` of the answer."""
        return "DPoP" if self.jkt else "Bearer"


UNBOUND = Binding()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSpec:
    """What an access token is to say. ``subject`` is ``sub`` as it stands there; no ``audiences`` means the whole gateway.

    ``expires_by`` (Unix seconds) ends it before the client's lifetime would; ``actors`` is the chain of RFC 8693, outermost
    first.
    """

    client: Client
    subject: str
    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    grant: str = ""
    roles: tuple[str, ...] = ()
    binding: Binding = UNBOUND
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    actors: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    expires_by: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An access token before it has its text. ``secret`` is empty unless it is opaque."""

    claims: Mapping[str, Any]
    binding: Binding
    expires_in: int
    algorithm: SigningAlgorithm = "ES256"
    secret: str = field(default="", repr=False)


def spec_of(
    client: Client,
    grant: Grant,
    *,
    subject: str,
    scopes: Sequence[str],
    audiences: Sequence[str],
    roles: Sequence[str],
    binding: Binding,
    authorization_details: Sequence[Mapping[str, Any]],
) -> AccessSpec:
    """An access token that follows from what a person let the client do."""
    return AccessSpec(
        client=client,
        subject=subject,
        scopes=tuple(scopes),
        audiences=tuple(audiences),
        grant=grant.id,
        roles=tuple(roles),
        binding=binding,
        acr=grant.acr,
        amr=grant.amr,
        auth_time=grant.auth_time,
        authorization_details=tuple(authorization_details),
    )


def prepare(server: Server, spec: AccessSpec) -> Prepared:
    """The token of ``spec``, issued now. A signed one lives a day at most: so long its key stays published."""
    now, client = server.clock(), spec.client
    issued_at = int(now)
    opaque = client.token_format == "opaque"
    lifetime = client.access_lifetime if opaque else min(client.access_lifetime, LONGEST_TOKEN)
    expires_at = issued_at + lifetime
    if spec.expires_by is not None:
        expires_at = min(expires_at, int(spec.expires_by))
    audiences = spec.audiences or (server.settings.issuer,)
    claims: dict[str, Any] = {
        "iss": server.settings.issuer,
        "sub": spec.subject,
        "aud": audiences[0] if len(audiences) == 1 else list(audiences),
        "exp": expires_at,
        "iat": issued_at,
        "jti": new_jti(now, server.random),
        "client_id": client.id,
    }
    if spec.scopes:
        claims["scope"] = " ".join(spec.scopes)
    if spec.grant:
        claims |= _of_person(spec)
    if spec.binding.jkt or spec.binding.x5t:
        claims["cnf"] = _confirmation(spec.binding)
    if spec.actors:
        claims["act"] = _act(spec.actors)
    if spec.authorization_details:
        claims["authorization_details"] = [dict(each) for each in spec.authorization_details]
    return Prepared(
        claims=claims,
        binding=spec.binding,
        expires_in=max(0, expires_at - issued_at),
        algorithm=client.access_alg,
        secret=new_secret("at", server.random) if opaque else "",
    )


def _of_person(spec: AccessSpec) -> dict[str, Any]:
    claims: dict[str, Any] = {"gid": spec.grant}
    if spec.roles:
        claims["roles"] = list(spec.roles)
    if spec.acr:
        claims["acr"] = spec.acr
    if spec.amr:
        claims["amr"] = list(spec.amr)
    if spec.auth_time is not None:
        claims["auth_time"] = spec.auth_time
    return claims


def _confirmation(binding: Binding) -> dict[str, str]:
    both = {"jkt": binding.jkt, "x5t#S256": binding.x5t}
    return {name: value for name, value in both.items() if value}


def _act(actors: Sequence[str]) -> dict[str, Any]:
    act: dict[str, Any] = {"sub": actors[-1]}
    for actor in reversed(actors[:-1]):
        act = {"sub": actor, "act": act}
    return act


async def keep(server: Server, tx: Transaction, prepared: Prepared) -> None:
    """Stores an opaque token, by digest; a signed one needs no storing."""
    if prepared.secret:
        token = token_said_by(prepared.claims)
        await tx.access_tokens.add(server.digest(prepared.secret), token, server.settings.environment)


def token_said_by(claims: Mapping[str, Any]) -> Token:
    """What a prepared token says, as a gateway reads it."""
    cnf, audience = claims.get("cnf", {}), claims["aud"]
    actors, actor = [], claims.get("act")
    while actor is not None:
        actors.append(actor["sub"])
        actor = actor.get("act")
    return Token(
        id=claims["jti"],
        issuer=claims["iss"],
        client=claims["client_id"],
        subject=claims["sub"],
        grant=claims.get("gid", ""),
        audiences=frozenset((audience,) if isinstance(audience, str) else audience),
        scopes=frozenset(claims.get("scope", "").split()),
        roles=frozenset(claims.get("roles", ())),
        issued_at=claims["iat"],
        expires_at=claims["exp"],
        issued_ms=issued_ms(claims["jti"]),
        jkt=cnf.get("jkt", ""),
        x5t=cnf.get("x5t#S256", ""),
        acr=claims.get("acr", ""),
        auth_time=claims.get("auth_time"),
        actors=tuple(actors),
        authorization_details=tuple(claims.get("authorization_details", ())),
    )


async def text_of(server: Server, prepared: Prepared) -> str:
    """The access token itself. Outside of any writing transaction."""
    return prepared.secret or await server.keys.sign(
        prepared.claims, typ=ACCESS_TYPE, algorithm=prepared.algorithm
    )


async def first_refresh_token(
    server: Server, tx: Transaction, client: Client, grant: Grant, scopes: Sequence[str], binding: Binding
) -> str:
    """A refresh token of a new family, which is called as its grant; stored by digest.

    It is bound to the key only where nothing else proves the client (RFC 9449 section 5, RFC 8705 section 4).
    """
    now, text = server.clock(), new_secret("rt", server.random)
    family_end = min(now + client.refresh_lifetime, grant.expires_at or float("inf"))
    bound = binding if client.public else UNBOUND
    await tx.refresh_tokens.add(
        RefreshToken(
            digest=server.digest(text),
            grant=grant.id,
            client=client.id,
            family=grant.id,
            created_at=now,
            expires_at=min(now + client.refresh_idle_lifetime, family_end),
            family_expires_at=family_end,
            scopes=tuple(scopes),
            jkt=bound.jkt,
            x5t=bound.x5t,
        )
    )
    return text


async def id_token(
    server: Server,
    client: Client,
    grant: Grant,
    *,
    subject: str,
    claims: Mapping[str, Any],
    nonce: str = "",
    access_token: str = "",
    code: str = "",
) -> str:
    """An id token: how and when the person signed in, and ``claims`` about them. Outside of any writing transaction."""
    now = int(server.clock())
    said: dict[str, Any] = {
        **claims,
        "iss": server.settings.issuer,
        "sub": subject,
        "aud": client.id,
        "azp": client.id,
        "exp": now + min(client.id_token_lifetime, LONGEST_TOKEN),
        "iat": now,
        "jti": new_jti(server.clock(), server.random),
        "gid": grant.id,
        "amr": list(grant.amr) or None,
        "acr": grant.acr or None,
        "auth_time": grant.auth_time,
        "sid": grant.session or None,
        "nonce": nonce or None,
        "at_hash": half_hash(access_token, client.id_token_alg) if access_token else None,
        "c_hash": half_hash(code, client.id_token_alg) if code else None,
    }
    present = {name: value for name, value in said.items() if value is not None}
    return await server.keys.sign(present, typ=ID_TYPE, algorithm=client.id_token_alg)


def half_hash(text: str, algorithm: SigningAlgorithm) -> str:
    """``at_hash`` and ``c_hash``: the left half of the hash the signature uses (OIDC core section 3.1.3.6)."""
    digest = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    whole = digest(text.encode()).digest()
    return encode(whole[: len(whole) // 2])


def answer(
    prepared: Prepared,
    text: str,
    *,
    refresh_token: str = "",
    id_token: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Reply:
    """The token response (RFC 6749 section 5.1), never to be stored."""
    document: dict[str, Any] = {
        "access_token": text,
        "token_type": prepared.binding.token_type,
        "expires_in": prepared.expires_in,
    }
    claims = prepared.claims
    if "scope" in claims:
        document["scope"] = claims["scope"]
    if refresh_token:
        document["refresh_token"] = refresh_token
    if id_token:
        document["id_token"] = id_token
    if "authorization_details" in claims:
        document["authorization_details"] = claims["authorization_details"]
    return json_reply(document | dict(extra or {}))
