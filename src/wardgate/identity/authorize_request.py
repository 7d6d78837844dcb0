"""An authorization request while it is checked, and the checks that any such request passes, pushed or not.

Each step leaves something certain behind; the table :data:`CHECKS` says in which order. Until a step has set
``target``, nothing may be sent to a redirect URI.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wardgate.identity import oidc, pkce, rar, resource, scopes
from wardgate.identity.client_metadata import RESPONSE_TYPES
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Parameters
from wardgate.identity.issue import ID_TYPE
from wardgate.identity.oidc import Assurance
from wardgate.identity.ports import KnownClient
from wardgate.identity.redirects import RESPONSE_MODES, ResponseMode, Target, is_registered
from wardgate.identity.server import Server

_JKT = re.compile(r"[A-Za-z0-9_-]{43}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_STATE = 2048
_MAX_NONCE = 512
_MAX_HINT = 256
#: What, if it stands twice, leaves in doubt who asks and where an answer would go.
_IDENTITY = ("client_id", "redirect_uri", "state", "response_type", "response_mode", "request", "request_uri")
_MAY_REPEAT = frozenset(("resource",))
#: A token, so never stored: what it says is, once it is verified.
_NOT_KEPT = frozenset(("id_token_hint",))
#: What this server reads of a request; only this is kept while it waits, without ``_NOT_KEPT``.
KNOWN = frozenset(
    (
        *_IDENTITY,
        "scope",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "nonce",
        "resource",
        "authorization_details",
        "prompt",
        "max_age",
        "claims",
        "acr_values",
        "login_hint",
        "id_token_hint",
        "registration",
    )
)


@dataclass(slots=True)
class Draft:
    """One request. ``parameters`` are those that count: of a pushed or signed request only its own.

    ``asked_at`` is set while the request waits for a person; see :func:`wardgate.identity.oidc.is_fresh`.
    """

    server: Server
    known: KnownClient
    parameters: Parameters
    pushed: bool = False
    signed: bool = False
    asked_at: float | None = None
    #: Set once client and redirect URI are sure: from then on errors go there.
    target: Target | None = None
    redirect_sent: str = ""
    response_type: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    code_challenge: str = ""
    dpop_jkt: str = ""
    nonce: str = ""
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    assurance: Assurance = field(default_factory=Assurance)
    login_hint: str = ""
    #: ``sub`` of the id token that came as ``id_token_hint``, once that is verified; of a request that waited it is all.
    hinted: str = ""
    #: The subjects the client expects one of, as it knows them; empty: anybody.
    subjects: frozenset[str] = frozenset()

    @property
    def kept(self) -> list[list[str]]:
        """The parameters as they are stored: those that mean something here (others are ignored, RFC 6749 section 3.1),
        and no token: ``hinted`` stands for it."""
        return [[name, value] for name, value in self.parameters.pairs if name in KNOWN - _NOT_KEPT]

    @property
    def words(self) -> frozenset[str]:
        """The words of the response type."""
        return frozenset(self.response_type.split())

    @property
    def sure_target(self) -> Target:
        """Where the response goes. Raises RuntimeError before that is sure."""
        if self.target is None:
            raise RuntimeError("a response was about to leave before its redirect URI was checked")
        return self.target


Step = Callable[[Draft], Awaitable[None] | None]


async def check(draft: Draft, steps: Sequence[Step]) -> None:
    """Runs ``steps`` in order. Raises OAuthError where one of them is not content."""
    for step in steps:
        pending = step(draft)
        if pending is not None:
            await pending


def check_identity_once(draft: Draft) -> None:
    """What says who asks and where the answer goes stands once (RFC 6749 section 3.1)."""
    for name in _IDENTITY:
        if sum(key == name for key, _ in draft.parameters.pairs) > 1:
            raise OAuthError("invalid_request", f"{name} stands more than once")


def check_redirect_uri(draft: Draft) -> None:
    """The response has a place that is the client's own (RFC 9700 section 4.1.3). From here on errors go there.

    It may be left out only where the client has one alone and OpenID Connect is not spoken (OIDC core section 3.1.2.1).
    """
    client = draft.known.client
    sent = draft.parameters.get("redirect_uri") or ""
    openid = "openid" in (draft.parameters.get("scope") or "").split()
    if not sent and (openid or len(client.redirect_uris) != 1):
        raise OAuthError("invalid_request", "redirect_uri is missing")
    if sent and not is_registered(sent, client.redirect_uris):
        raise OAuthError("invalid_request", "redirect_uri is not one the client registered")
    state = draft.parameters.get("state")
    if state is not None and (len(state) > _MAX_STATE or _CONTROL.search(state)):
        state = None
    draft.redirect_sent = sent
    draft.target = Target(
        redirect_uri=sent or client.redirect_uris[0],
        mode=_mode(draft.parameters),
        state=state,
        issuer=draft.server.settings.issuer,
    )


def check_form(draft: Draft) -> None:
    """No parameter stands twice but ``resource``; ``state`` is of characters that can be given back."""
    if draft.parameters.repeated(_MAY_REPEAT) is not None:
        raise OAuthError("invalid_request", "A parameter stands more than once")
    if draft.parameters.get("state") is not None and draft.sure_target.state is None:
        raise OAuthError(
            "invalid_request", f"state holds control characters or more than {_MAX_STATE} others"
        )
    if draft.parameters.get("registration") is not None:
        raise OAuthError("registration_not_supported", "The parameter registration is not accepted")


def check_client(draft: Draft) -> None:
    """The client may ask at this endpoint at all, and asks in the way it is bound to (RFC 9126 section 6, RFC 9101)."""
    client = draft.known.client
    if {"authorization_code", "implicit"}.isdisjoint(client.grant_types):
        raise OAuthError("unauthorized_client", "The client is not registered for authorization requests")
    if client.require_par and not draft.pushed:
        raise OAuthError("invalid_request", "This client must push its authorization requests (RFC 9126)")
    if client.require_signed_request and not draft.signed:
        raise OAuthError("invalid_request", "This client must sign its authorization requests (RFC 9101)")


def check_response_type(draft: Draft) -> None:
    """A response type that there is and that the client registered; the order of its words is none."""
    text = draft.parameters.get("response_type")
    if text is None:
        raise OAuthError("invalid_request", "response_type is missing")
    response_type = _normal(text)
    if response_type not in RESPONSE_TYPES:
        raise OAuthError("unsupported_response_type", f"Response types are {', '.join(RESPONSE_TYPES)}")
    client = draft.known.client
    grant = "authorization_code" if response_type == "code" else "implicit"
    if response_type not in client.response_types or grant not in client.grant_types:
        raise OAuthError("unauthorized_client", "The client is not registered for this response type")
    draft.response_type = response_type


def check_response_mode(draft: Draft) -> None:
    """Query, fragment or form_post; tokens never travel in a query (OAuth 2.0 Multiple Response Types section 5)."""
    mode = draft.parameters.get("response_mode")
    if mode is not None and mode not in RESPONSE_MODES:
        raise OAuthError("invalid_request", f"Response modes are {', '.join(RESPONSE_MODES)}")
    if mode == "query" and draft.response_type != "code":
        raise OAuthError("invalid_request", "Tokens are not sent in a query")


def check_pkce(draft: Draft) -> None:
    """A code is bound to its request by S256, for every client (RFC 7636, RFC 9700 section 2.1.1)."""
    challenge = draft.parameters.get("code_challenge")
    method = draft.parameters.get("code_challenge_method")
    if draft.response_type != "code":
        return
    if challenge is None:
        raise OAuthError("invalid_request", "code_challenge is missing: PKCE is required")
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not pkce.is_challenge(challenge):
        raise OAuthError("invalid_request", "code_challenge is no S256 challenge")
    draft.code_challenge = challenge


def check_binding(draft: Draft) -> None:
    """``dpop_jkt`` is a thumbprint (RFC 9449 section 10); tokens that must be bound do not travel by the browser."""
    jkt = draft.parameters.get("dpop_jkt") or ""
    if jkt and _JKT.fullmatch(jkt) is None:
        raise OAuthError("invalid_request", "dpop_jkt is no SHA-256 thumbprint")
    client = draft.known.client
    if "token" in draft.words and (jkt or client.require_dpop or client.certificate_bound):
        raise OAuthError("invalid_request", "A token that is bound to a key is not sent through the browser")
    draft.dpop_jkt = jkt


def check_scope(draft: Draft) -> None:
    """Scopes the client may have. ``offline_access`` is dropped where no refresh token can follow (OIDC core 11)."""
    client = draft.known.client
    found = scopes.for_client(client, draft.parameters.get("scope"))
    if draft.response_type != "code" or "refresh_token" not in client.grant_types:
        found = tuple(scope for scope in found if scope != "offline_access")
    if "id_token" in draft.words and "openid" not in found:
        raise OAuthError("invalid_scope", "An id token needs the scope openid")
    draft.scopes = found


def check_nonce(draft: Draft) -> None:
    """What comes through the browser is bound to the request by a nonce (OIDC core section 3.2.2.1)."""
    nonce = draft.parameters.get("nonce") or ""
    if len(nonce) > _MAX_NONCE or _CONTROL.search(nonce):
        raise OAuthError(
            "invalid_request", f"nonce holds control characters or more than {_MAX_NONCE} others"
        )
    if "id_token" in draft.words and not nonce:
        raise OAuthError("invalid_request", "nonce is missing")
    draft.nonce = nonce


async def check_resources(draft: Draft) -> None:
    """Resources the client may ask tokens for (RFC 8707 section 2.1)."""
    draft.resources = await resource.targets(draft.server, draft.known, draft.parameters.all("resource"))


def check_details(draft: Draft) -> None:
    """Details of the types the client registered (RFC 9396 section 5)."""
    draft.details = rar.parse(draft.known.client, draft.parameters.get("authorization_details"))


def check_openid(draft: Draft) -> None:
    """``prompt``, ``max_age``, ``claims``, ``acr_values``, ``login_hint``: well-formed, and possible to meet.

    ``display`` and ``ui_locales`` change nothing here: the pages are one size and one language.
    """
    client, parameters = draft.known.client, draft.parameters
    draft.prompts = oidc.read_prompt(parameters.get("prompt"))
    draft.max_age = oidc.read_max_age(parameters.get("max_age"), client.default_max_age)
    draft.claims = oidc.read_claims(parameters.get("claims")) if "openid" in draft.scopes else {}
    draft.assurance = oidc.required_assurance(
        parameters.get("acr_values"), draft.claims, client.default_acr_values
    )
    if not draft.assurance.possible:
        raise OAuthError(
            "unmet_authentication_requirements", "None of the authentication contexts asked for exists here"
        )
    hint = parameters.get("login_hint") or ""
    draft.login_hint = "" if len(hint) > _MAX_HINT or _CONTROL.search(hint) else hint


async def check_hint(draft: Draft) -> None:
    """Whom the client expects: by an id token of ours, old or not, or by ``sub`` in ``claims``; not one and another."""
    expected: list[frozenset[str]] = []
    hint = draft.parameters.get("id_token_hint")
    if hint is not None:
        draft.hinted = await hinted_subject(draft.server, draft.known.client.id, hint)
    if draft.hinted:
        expected.append(frozenset((draft.hinted,)))
    for destination in ("id_token", "userinfo"):
        wished = oidc.wished_values(draft.claims, destination, "sub")
        if wished:
            expected.append(frozenset(each for each in wished if isinstance(each, str)))
    if expected:
        draft.subjects = frozenset.intersection(*expected)
        if not draft.subjects:
            raise OAuthError("invalid_request", "No person is all that id_token_hint and claims ask for")


async def hinted_subject(server: Server, client_id: str, hint: str) -> str:
    """``sub`` of an id token this server once gave the client. Raises OAuthError ``invalid_request``."""
    claims = await hinted_claims(server, hint)
    if claims is None or claims["aud"] != client_id:
        raise OAuthError("invalid_request", "id_token_hint is no id token of this server for this client")
    return str(claims["sub"])


async def hinted_claims(server: Server, hint: str) -> Mapping[str, Any] | None:
    """The claims of an id token of this server, old or not; ``None`` for anything else it may have signed."""
    claims = await server.keys.claims_of(hint, ID_TYPE)
    if claims is None or claims.get("iss") != server.settings.issuer:
        return None
    return claims if {"aud", "sub", "exp", "iat"} <= claims.keys() else None


def _mode(parameters: Parameters) -> ResponseMode:
    """The mode errors travel in, before it is known whether the request is sound."""
    words = (parameters.get("response_type") or "").split()
    through_browser = "token" in words or "id_token" in words
    asked = next((each for each in RESPONSE_MODES if each == parameters.get("response_mode")), None)
    if asked is not None and not (asked == "query" and through_browser):
        return asked
    return "fragment" if through_browser else "query"


def _normal(response_type: str) -> str:
    return " ".join(sorted(response_type.split(" ")))


#: In this order: who asks and where the answer goes; whether the client may; each parameter by itself.
CHECKS: tuple[Step, ...] = (
    check_identity_once,
    check_redirect_uri,
    check_form,
    check_client,
    check_response_type,
    check_response_mode,
    check_pkce,
    check_binding,
    check_scope,
    check_nonce,
    check_resources,
    check_details,
    check_openid,
    check_hint,
)
