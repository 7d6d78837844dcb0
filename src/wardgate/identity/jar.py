"""Request objects (RFC 9101): authorization requests the client signed. By value only; what is outside does not count.

A request object is a document of its own kind: it names this server and this client, ends soon, and holds no other
request. A client's assertion about itself is signed with the same keys and is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wardgate.domain.oauth import Client
from wardgate.identity.authorize_request import KNOWN
from wardgate.identity.client_assertion import keys_of
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Parameters
from wardgate.identity.ports import FetchError
from wardgate.identity.server import Server
from wardgate.jose import claims as read
from wardgate.jose import jws
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import DEFAULT_ALGORITHMS, narrowed

#: ``request_object_signing_alg_values_supported``.
ALGORITHMS = DEFAULT_ALGORITHMS
#: Section 10.8 recommends the first; objects of before that RFC have one of the others.
TYPES = frozenset(("oauth-authz-req+jwt", "jwt", ""))
#: Seconds a request object lives at most.
LONGEST = 3600

_LONGEST_NAME = 64
_ABOUT_THE_TOKEN = frozenset(("iss", "aud", "exp", "nbf", "iat", "jti", "sub"))
_FORBIDDEN = ("request", "request_uri")


async def read_request_object(server: Server, client: Client, token: str) -> Parameters:
    """The parameters inside a request object that ``client`` signed for this server, just now, with the algorithm it
    registered, if it did (OIDC registration section 2).

    Raises:
        OAuthError: ``invalid_request_object``.
    """
    if token.count(".") == 4:
        raise _refused("encrypted request objects are not accepted: send a signed one")
    try:
        found = jws.read(token)
        kid = found.header.get("kid")
        keys = await keys_of(server, client, kid if isinstance(kid, str) else None)
        found.verify(keys, algorithms=narrowed(ALGORITHMS, client.request_alg), types=TYPES)
        claims = found.claims
        read.check_times(claims, now=server.clock(), skew=server.settings.skew, max_lifetime=LONGEST)
        audiences = read.audiences_of(claims)
    except JoseError as error:
        raise _refused(f"the request object is not accepted ({error.reason})") from None
    except FetchError as error:
        raise OAuthError(
            "invalid_request_object", "The keys of the client cannot be read", note=str(error)
        ) from None
    _check_parties(claims, audiences, client, server.settings.issuer)
    return Parameters(tuple(_pairs(claims)))


def _check_parties(claims: Mapping[str, Any], audiences: frozenset[str], client: Client, issuer: str) -> None:
    """Sections 4, 5.2.1 and 10.8: from this client, to this server (RFC 7519 section 4.1.3), and no other kind of token."""
    if claims.get("client_id") != client.id:
        raise _refused("client_id inside the request object is not the client")
    if claims.get("iss", client.id) != client.id:
        raise _refused("iss of the request object is not the client")
    if issuer not in audiences:
        raise _refused("aud of the request object is not this issuer")
    if claims.get("sub") == client.id:
        raise _refused("sub of the request object is the client, as in a client assertion")
    if any(name in claims for name in _FORBIDDEN):
        raise _refused("a request object holds no other request")


def _pairs(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters as they would stand in a query: texts as they are, numbers in digits, JSON as JSON. Of those that
    mean nothing here the type means nothing either (RFC 6749 section 3.1)."""
    pairs: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name in _ABOUT_THE_TOKEN or name not in KNOWN or value is None:
            continue
        if name == "resource" and isinstance(value, list):
            pairs.extend((name, _text(name, item)) for item in value)
        elif isinstance(value, dict | list):
            pairs.append((name, json.dumps(value, separators=(",", ":"))))
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs.append((name, str(value)))
        else:
            pairs.append((name, _text(name, value)))
    return pairs


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        shown = f" {name}" if name.isascii() and name.isidentifier() and len(name) < _LONGEST_NAME else ""
        raise _refused(f"the parameter{shown} in the request object has the wrong type")
    return value


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_request_object", why[:1].upper() + why[1:])
