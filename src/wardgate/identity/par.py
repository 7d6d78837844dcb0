"""Pushed authorization requests (RFC 9126): the client hands them in directly, and sends a reference by the browser."""

from __future__ import annotations

from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity.authorize_request import CHECKS, Draft, check
from wardgate.identity.client_auth import authenticate
from wardgate.identity.dpop import nonce_header, proven_key
from wardgate.identity.errors import OAuthError
from wardgate.identity.form import check_form
from wardgate.identity.http import Call, Parameters, Reply, json_reply
from wardgate.identity.intake import admit
from wardgate.identity.jar import read_request_object
from wardgate.identity.ports import KnownClient
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

PREFIX = "urn:ietf:params:oauth:request_uri:"
#: What proves the client and is no part of the request.
_CREDENTIALS = frozenset(("client_secret", "client_assertion", "client_assertion_type"))


async def push(server: Server, call: Call) -> Reply:
    """Stores a request that is sound and answers with its reference. Raises OAuthError."""
    check_form(call)
    if call.form.get("request_uri") is not None:
        raise OAuthError("invalid_request", "request_uri is not sent here (RFC 9126 section 2.1)")
    known = await authenticate(server, call)
    admit(server, call, known)
    draft = await _draft(server, call, known)
    await _bind_key(draft, call)
    await check(draft, CHECKS)
    secret = new_secret("pr", server.random)
    lifetime = server.settings.pushed_lifetime
    document = {
        "client": known.client.id,
        "pairs": draft.kept,
        "hinted": draft.hinted,
        "signed": draft.signed,
    }
    async with server.store.writing() as tx:
        await tx.once.put("request", server.digest(secret), document, server.clock() + lifetime)
    nonce = nonce_header(server) if call.header("dpop") is not None else ()
    return json_reply({"request_uri": PREFIX + secret, "expires_in": lifetime}, 201, *nonce)


async def _draft(server: Server, call: Call, known: KnownClient) -> Draft:
    """The request, from the form or from a request object in it (section 3)."""
    token = call.form.get("request")
    if token is not None:
        parameters = await read_request_object(server, known.client, token)
    else:
        kept = tuple(pair for pair in call.form.pairs if pair[0] not in _CREDENTIALS)
        parameters = Parameters(kept)
        if parameters.get("client_id") not in (None, known.client.id):
            raise OAuthError("invalid_request", "client_id is another than the client that authenticated")
    return Draft(server=server, known=known, parameters=parameters, pushed=True, signed=token is not None)


async def _bind_key(draft: Draft, call: Call) -> None:
    """A proof that comes with the request stands for ``dpop_jkt`` (RFC 9449 section 10.1)."""
    jkt = await proven_key(draft.server, call)
    if not jkt:
        return
    named = draft.parameters.get("dpop_jkt")
    if named is None:
        draft.parameters = Parameters((*draft.parameters.pairs, ("dpop_jkt", jkt)))
    elif named != jkt:
        raise OAuthError("invalid_dpop_proof", "dpop_jkt is another key than that of the DPoP proof")


async def load_pushed(draft: Draft) -> None:
    """Takes the parameters of a pushed request, which is used up, and none from outside (RFC 9126 section 4).

    Raises:
        OAuthError: ``invalid_request_uri``, ``request_uri_not_supported`` or ``invalid_request``.
    """
    references = draft.parameters.all("request_uri")
    if not references:
        return
    if len(references) > 1 or draft.parameters.get("request") is not None:
        raise OAuthError("invalid_request", "More than one request")
    if not references[0].startswith(PREFIX):
        raise OAuthError("request_uri_not_supported", "request_uri is one that was pushed here, or none")
    server = draft.server
    secret = references[0].removeprefix(PREFIX)
    digest = server.digest(secret)
    document = None
    if is_secret(secret, "pr"):
        async with server.store.writing() as tx:
            record = await tx.once.look("request", digest)
            if record is not None and record.document["client"] == draft.known.client.id:
                document = await tx.once.take("request", digest, server.clock())
    if document is None:
        raise OAuthError(
            "invalid_request_uri", "The pushed request is unknown, expired, used or another client's"
        )
    draft.parameters = Parameters(tuple((name, value) for name, value in document["pairs"]))
    draft.pushed, draft.signed = True, document["signed"]
    draft.hinted = document.get("hinted", "")


ROUTES = (Route(("POST",), "/oauth2/par", push),)
