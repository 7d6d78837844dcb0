"""What an answer must be: for a refusal the status, the error, where it stands, and that nothing leaked with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from tests.conformance.exchange import Answer, Request
from tests.identity.token_side import CALLBACK, ISSUER

from wardgate.domain.tokenform import SECRET_PATTERN

#: Anything that has the form of a token or secret of this server, or of a signed token of anybody.
_LEAK = re.compile(rf"{SECRET_PATTERN}|eyJ[A-Za-z0-9_-]{{8,}}")
#: A handle of a request that waits for a person: worth nothing without the browser's cookie.
_HANDLE = re.compile(r"wgot_[A-Za-z0-9_-]{43}")
_SECRET_PARAMETERS = (
    "client_secret",
    "password",
    "code_verifier",
    "client_assertion",
    "assertion",
    "request",
)
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
_CHALLENGE = re.compile(r'([A-Za-z]+) ?((?:[a-z_]+="[^"]*"(?:, ?)?)*)')
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
Check = Callable[[Answer, Request], None]
Accepted = Check


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that refuses. ``text`` says which, for the page."""

    text: str
    check: Check


def nothing_leaked(answer: Answer, request: Request, *, handle: bool = False) -> None:
    """No token, code or secret in status, headers, redirect or body, ours or what was sent."""
    text = unquote(answer.text)
    if handle:
        text = _HANDLE.sub("", text)
    found = _LEAK.search(text)
    assert found is None, f"something like a token leaked: {found[0][:8]}..."
    for name, value in (*request.form, *request.query):
        if name in _SECRET_PARAMETERS and len(value) > 3:
            assert value not in text, f"{name} came back"


def _status(answer: Answer, expected: int) -> None:
    assert answer.status == expected, f"{answer.status}\n{answer.text}"


def json_error(status: int, error: str, *, headers: tuple[str, ...] = ()) -> Refusal:
    """RFC 6749 section 5.2: a JSON document that nobody stores; with a challenge if an Authorization header was sent."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, status)
        _check_document(answer, error)
        nothing_leaked(answer, request)
        if status == 401 and any(name.lower() == "authorization" for name, _ in request.headers):
            scheme = dict(request.headers)["Authorization"].partition(" ")[0].lower()
            offered = {each.partition(" ")[0].lower() for each in answer.all("www-authenticate")}
            assert offered, "401 without WWW-Authenticate"
            assert scheme != "basic" or scheme in offered
        for name in headers:
            # One challenge for each scheme; of any other field one.
            assert answer.all(name) if name == "www-authenticate" else answer.get(name)

    return Refusal(f"{status} `{error}`", check)


def _check_document(answer: Answer, error: str) -> None:
    document = answer.document
    assert document["error"] == error, answer.text
    assert document.keys() <= {"error", "error_description", "error_uri"}
    assert _DESCRIPTION.fullmatch(document["error_description"])
    assert answer.get("cache-control") == "no-store"
    assert answer.get("pragma") == "no-cache"
    assert not answer.location
    assert not answer.cookies


def bad(error: str = "invalid_request") -> Refusal:
    """400."""
    return json_error(400, error)


def unauthorized() -> Refusal:
    """Client authentication failed."""
    return json_error(401, "invalid_client")


def challenges(answer: Answer) -> dict[str, dict[str, str]]:
    """The challenges by scheme, in lower case; no scheme and no parameter stands twice (RFC 6750 section 3)."""
    found: dict[str, dict[str, str]] = {}
    for line in answer.all("www-authenticate"):
        match = _CHALLENGE.fullmatch(line)
        assert match is not None, line
        pairs = _PARAMETER.findall(match[2])
        assert len(dict(pairs)) == len(pairs)
        assert match[1].lower() not in found
        found[match[1].lower()] = dict(pairs)
    return found


def challenged(status: int, error: str, scheme: str = "bearer", **parameters: str) -> Refusal:
    """RFC 6750 section 3: the error in WWW-Authenticate; an empty ``error``: only what is asked for."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, status)
        shown = challenges(answer)
        assert scheme in shown, answer.text
        assert shown[scheme].get("error", "") == error, answer.text
        assert {name: shown[scheme].get(name) for name in parameters} == parameters
        if not error:
            assert not any("error" in each for each in shown.values())
        assert "no-store" in answer.get("cache-control")
        assert not answer.location
        nothing_leaked(answer, request)

    more = "".join(f", `{name}={value}`" for name, value in parameters.items())
    return Refusal(f"{status} `{error or 'no error code'}` in WWW-Authenticate{more}", check)


def redirected(error: str, place: str = "query", *, state: bool = True) -> Refusal:
    """RFC 6749 section 4.1.2.1: at the client's redirect URI, with ``state`` and ``iss``, and nothing besides."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 303)
        assert re.match(re.escape(request.facts.get("callback", CALLBACK)) + r"[?#&]", answer.location)
        carried = answer.carried(place)
        assert carried["error"] == error, carried
        expected = {"iss": ISSUER}
        if "state" in request.facts and state:
            expected["state"] = request.facts["state"]
        assert state or "state" not in carried
        assert {name: carried.get(name) for name in expected} == expected
        assert carried.keys() <= {"error", "error_description", "state", "iss"}
        assert _DESCRIPTION.fullmatch(carried["error_description"])
        assert answer.get("cache-control") == "no-store"
        assert answer.get("referrer-policy") == "no-referrer"
        assert not answer.body
        nothing_leaked(answer, request)

    where = "" if place == "query" else f" in the {place}"
    return Refusal(f"redirect with `{error}`{where}" + ("" if state else ", no `state`"), check)


def posted(error: str) -> Refusal:
    """The error in a form that the browser posts to the client."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 200)
        _check_page(answer, script='<script src="/oauth2/static/form_post.js?')
        assert f'action="{CALLBACK}"' in answer.text
        fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', answer.text))
        assert (fields["error"], fields["iss"], fields["state"]) == (error, ISSUER, request.facts["state"])
        nothing_leaked(answer, request)

    return Refusal(f"form post with `{error}`", check)


def page(status: int = 400, said: str = "") -> Refusal:
    """RFC 6749 section 4.1.2.1: an error page for the person; the browser is sent nowhere and cannot frame it."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, status)
        _check_page(answer)
        assert not answer.location
        assert said in answer.text, answer.text
        nothing_leaked(answer, request)

    return Refusal(f"{status} page" + (f", `{said}`" if said else ""), check)


def _check_page(answer: Answer, *, script: str = "") -> None:
    assert answer.get("content-type").startswith("text/html")
    assert answer.get("cache-control") == "no-store"
    assert answer.get("x-frame-options") == "DENY"
    assert "frame-ancestors 'none'" in answer.get("content-security-policy")
    assert answer.text.count("<script") == (1 if script else 0)
    assert script in answer.text


def asks(path: str) -> Refusal:
    """No code: the person is sent to a page of this server first."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 303)
        assert answer.location.startswith(f"{ISSUER}{path}")
        nothing_leaked(answer, request, handle=True)

    names = {"/oauth2/login": "sign-in page", "/oauth2/authorize": "consent page"}
    return Refusal(f"{names[path]}, no code", check)


def inactive() -> Refusal:
    """RFC 7662 section 2.2: this and nothing more."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 200)
        assert answer.document == {"active": False}
        assert answer.get("cache-control") == "no-store"
        nothing_leaked(answer, request)

    return Refusal("`active` false, nothing else", check)


def done() -> Refusal:
    """RFC 7009 section 2.2: as good as revoked."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 200)
        assert not answer.body
        nothing_leaked(answer, request)

    return Refusal("200, no body", check)


def other_method(allowed: str) -> Refusal:
    """405, with what is allowed."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 405)
        assert answer.get("allow") == allowed
        nothing_leaked(answer, request)

    return Refusal(f"405, `Allow: {allowed}`", check)


def missing() -> Refusal:
    """There is nothing here."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, 404)
        nothing_leaked(answer, request)

    return Refusal("404", check)


def problem(status: int, reason: str) -> Refusal:
    """A refusal of the gateway that is no matter of tokens."""

    def check(answer: Answer, request: Request) -> None:
        _status(answer, status)
        assert answer.document["reason"] == reason
        nothing_leaked(answer, request)

    return Refusal(f"{status} `{reason}`", check)


# -- controls


def tokens(answer: Answer, request: Request) -> None:
    """RFC 6749 section 5.1."""
    _status(answer, 200)
    document = answer.document
    assert document["access_token"]
    assert document["token_type"] in ("Bearer", "DPoP")
    assert document["expires_in"] > 0
    assert answer.get("cache-control") == "no-store"
    assert answer.get("pragma") == "no-cache"


def answered(answer: Answer, request: Request) -> None:
    """Some success, not to be stored where it is of the server."""
    assert answer.status in (200, 201, 204), answer.text


def coded(answer: Answer, request: Request) -> None:
    """RFC 6749 section 4.1.2, RFC 9207: the code, the state as it came, and who it is from."""
    _status(answer, 303)
    carried = answer.carried("query")
    assert answer.location.startswith(request.facts.get("callback", CALLBACK))
    assert carried.keys() == {"code", "state", "iss"} - ({"state"} - request.facts.keys())
    assert carried["iss"] == ISSUER
    assert carried.get("state") == request.facts.get("state")


def tokens_in_fragment(answer: Answer, request: Request) -> None:
    """RFC 6749 section 4.2.2: no refresh token."""
    _status(answer, 303)
    carried = answer.carried("fragment")
    assert {"access_token", "id_token"} & carried.keys()
    assert "refresh_token" not in carried
    assert (carried["state"], carried["iss"]) == (request.facts["state"], ISSUER)


def active(answer: Answer, request: Request) -> None:
    """RFC 7662 section 2.2."""
    _status(answer, 200)
    assert answer.document["active"] is True


def signed_in(answer: Answer, request: Request) -> None:
    """A browser that has a session from now on."""
    _status(answer, 303)
    assert "__Host-wardgate=wgss_" in answer.text
