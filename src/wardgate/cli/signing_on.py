"""Signing on to a server's control plane as a person: the device grant (RFC 8628), and the tokens it gives, kept and renewed
in a file that nobody else can read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from wardgate.cli.errors import CommandError

#: Seconds before its end from which a token is renewed.
_EARLY = 30.0
_TIMEOUT = 30.0
_LONGEST_ANSWER = 64 * 1024
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOn:
    """What is kept of one sign-on. ``expires_at`` is when the access token ends, in Unix seconds."""

    server: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str
    expires_at: float
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a person has to do elsewhere: open ``uri`` and enter ``code``, or open ``complete`` which holds it."""

    uri: str
    complete: str
    code: str


def sign_on(
    server: str,
    ca: Path | None,
    tell: Callable[[Prompt], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> SignedOn:
    """Afterwards the tokens of whoever followed what ``tell`` was told are kept for ``server``.

    Raises:
        CommandError: nobody can sign on there, or nobody did.
    """
    server = _checked(server)
    plane = _get(f"{server}/.well-known/oauth-protected-resource/admin", ca)
    if plane is None:
        raise CommandError(
            "sign_on_unavailable",
            f"Nobody can sign on at {server}",
            "An owner enables it there: wardgate operators enable-sign-on; or use an access token",
        )
    client_id, resource = _text(plane, "wardgate_client_id"), _text(plane, "resource")
    issuer = _text({"issuer": next(iter(plane.get("authorization_servers") or ()), None)}, "issuer")
    found = _get(f"{_checked(issuer)}/.well-known/oauth-authorization-server", ca) or {}
    if found.get("issuer") != issuer:
        raise CommandError(
            "issuer_wrong", f"{issuer} is not who it says it is", "Look at --issuer of `wardgate serve`"
        )
    token_endpoint = _checked(_text(found, "token_endpoint"))
    begun = _asked(
        _post(
            _checked(_text(found, "device_authorization_endpoint")),
            {"client_id": client_id, "scope": "wardgate:admin", "resource": resource},
            ca,
        )
    )
    tell(
        Prompt(
            uri=_text(begun, "verification_uri"),
            complete=str(begun.get("verification_uri_complete") or ""),
            code=_text(begun, "user_code"),
        )
    )
    form = {"grant_type": _DEVICE_CODE, "device_code": _text(begun, "device_code"), "client_id": client_id}
    tokens = _wait(token_endpoint, form, begun, ca, sleep, clock)
    signed = SignedOn(
        server=server,
        client_id=client_id,
        token_endpoint=token_endpoint,
        revocation_endpoint=_checked(_text(found, "revocation_endpoint")),
        expires_at=clock() + float(tokens.get("expires_in") or 0),
        access_token=_text(tokens, "access_token"),
        refresh_token=_text(tokens, "refresh_token"),
    )
    with _locked(server):
        _keep(signed)
    return signed


def signed_on_token(server: str, ca: Path | None, *, clock: Callable[[], float] = time.time) -> str:
    """An access token of whoever signed on at ``server``, renewed if it is about to end; empty where nobody did, or where
    the sign-on has ended.

    Raises:
        CommandError: what is kept cannot be used, or the server does not answer.
    """
    server = _checked(server)
    if _read(server) is None:
        return ""
    with _locked(server):  # a refresh token is used once: not by two commands at a time
        signed = _read(server)
        if signed is None or clock() < signed.expires_at - _EARLY:
            return "" if signed is None else signed.access_token
        status, tokens = _post(
            signed.token_endpoint,
            {
                "grant_type": "refresh_token",
                "refresh_token": signed.refresh_token,
                "client_id": signed.client_id,
            },
            ca,
        )
        if status != 200:
            if tokens.get("error") in ("invalid_grant", "invalid_client", "unauthorized_client"):
                path_of(server).unlink(missing_ok=True)
                return ""
            raise _refused(tokens)
        signed = replace(
            signed,
            expires_at=clock() + float(tokens.get("expires_in") or 0),
            access_token=_text(tokens, "access_token"),
            refresh_token=str(tokens.get("refresh_token") or signed.refresh_token),
        )
        _keep(signed)
        return signed.access_token


def sign_out(server: str, ca: Path | None) -> bool:
    """Afterwards nothing is kept for ``server``, and the server takes what was kept no more; whether there was anything.

    Raises:
        CommandError: the server did not take it back; what was kept is gone nevertheless.
    """
    server = _checked(server)
    with _locked(server):
        signed = _read(server)
        if signed is None:
            return False
        path_of(server).unlink(missing_ok=True)
        form = {"token": signed.refresh_token, "client_id": signed.client_id}
        status, said = _post(signed.revocation_endpoint, form, ca)
    if status != 200:
        raise _refused(said)
    return True


def path_of(server: str) -> Path:
    """Where the sign-on at ``server`` is kept: below XDG_CONFIG_HOME, by default ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(base) if base and Path(base).is_absolute() else Path.home() / ".config"
    name = hashlib.blake2b(server.encode(), digest_size=12).hexdigest()
    return config / "wardgate" / f"sign-on-{name}.json"


def _read(server: str) -> SignedOn | None:
    path = path_of(server)
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = json.load(file)
        if mode & 0o077:
            raise CommandError(
                "token_exposed", f"Others can read {path}, which holds a token", f"Run: chmod 600 {path}"
            )
        if not isinstance(data, dict) or data.keys() != {each.name for each in fields(SignedOn)}:
            raise ValueError("it is none of ours")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandError(
            "sign_on_unreadable", f"The sign-on kept in {path} cannot be read ({error})", f"Remove {path}"
        ) from error
    return SignedOn(**data) if data["server"] == server else None


def _keep(signed: SignedOn) -> None:
    """Written whole beside the old one and put in its place, so that a crash leaves one of the two."""
    path = path_of(signed.server)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(signed), file)
    new.replace(path)


@contextmanager
def _locked(server: str) -> Iterator[None]:
    path = path_of(server)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(
            "sign_on_unwritable", f"Nothing can be kept in {path.parent} ({error})", "Set XDG_CONFIG_HOME"
        ) from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _wait(
    endpoint: str,
    form: Mapping[str, str],
    begun: Mapping[str, Any],
    ca: Path | None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> Mapping[str, Any]:
    """Asks until the person has answered (RFC 8628 section 3.5)."""
    interval = min(float(begun.get("interval") or 5), _LONGEST_WAIT)
    until = clock() + float(begun.get("expires_in") or 600)
    while clock() < until:
        sleep(interval)
        status, said = _post(endpoint, form, ca)
        if status == 200:
            return said
        if said.get("error") == "slow_down":
            interval = min(interval + 5, _LONGEST_WAIT)
        elif said.get("error") != "authorization_pending":
            raise _refused(said)
    raise CommandError("sign_on_expired", "Nobody confirmed the code in time", "Begin again")


def _get(url: str, ca: Path | None) -> Mapping[str, Any] | None:
    """The document at ``url``; ``None``: there is none."""
    status, document = _exchange("GET", url, None, ca)
    if status == 404:
        return None
    if status != 200:
        raise CommandError("server_refused", f"{url} answers {status}", "Is it the control process's URL?")
    return document


def _post(url: str, form: Mapping[str, str], ca: Path | None) -> tuple[int, Mapping[str, Any]]:
    return _exchange("POST", url, form, ca)


def _exchange(
    method: str, url: str, form: Mapping[str, str] | None, ca: Path | None
) -> tuple[int, Mapping[str, Any]]:
    import httpx2

    from wardgate.client import wire
    from wardgate.client.errors import ClientError

    try:
        verify = wire.context(url, ca)
        with httpx2.Client(
            verify=verify if verify is not None else False,
            timeout=_TIMEOUT,
            trust_env=verify is not None,
            follow_redirects=False,
        ) as client:
            answer = client.request(method, url, data=form, headers={"Accept": "application/json"})
    except ClientError as error:
        raise CommandError(error.code, error.message, error.remedy) from None
    except httpx2.HTTPError as error:
        raise CommandError(
            "server_unreachable",
            f"{url} does not answer ({type(error).__name__})",
            "Check the URL, and that the server runs",
        ) from error
    try:
        document = answer.json() if 0 < len(answer.content) <= _LONGEST_ANSWER else {}
    except ValueError:
        document = {}
    return answer.status_code, document if isinstance(document, dict) else {}


def _checked(url: str) -> str:
    """``url``, safe to send a token to. Raises CommandError."""
    from wardgate.client.errors import ClientError
    from wardgate.client.wire import checked_server

    try:
        return checked_server(url)
    except ClientError as error:
        raise CommandError(error.code, error.message, error.remedy) from None


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise CommandError("server_wrong", f"The server does not say its {name}", "Is it a Wardgate server?")
    return value


def _asked(answer: tuple[int, Mapping[str, Any]]) -> Mapping[str, Any]:
    if answer[0] != 200:
        raise _refused(answer[1])
    return answer[1]


def _refused(said: Mapping[str, Any]) -> CommandError:
    error = str(said.get("error") or "no reason")
    what = "You refused" if error == "access_denied" else f"The server refused ({error})"
    return CommandError("sign_on_refused", what, str(said.get("error_description") or "Begin again"))
