"""``wardgate clients`` and ``wardgate tokens``."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import cast

import pytest
from tests.cli.conftest import Run

from wardgate.domain.settings import ServerSettings
from wardgate.identity.http import Call, Parameters
from wardgate.identity.ports import Store
from wardgate.identity.token import handle
from wardgate.storage.database import open_store
from wardgate.web.identity_server import build_server

ISSUER = "https://auth.example.com"


def token_for(client_id: str, secret: str) -> str:
    """An access token by client credentials, from the very server that `wardgate serve` runs."""

    async def ask() -> str:
        async with await open_store(Path("data")) as store:
            server = build_server(ServerSettings(data_dir="data", issuer=ISSUER), cast("Store", store))
            form = (
                ("grant_type", "client_credentials"),
                ("client_id", client_id),
                ("client_secret", secret),
            )
            reply = await handle(
                server,
                Call(
                    method="POST",
                    path="/oauth2/token",
                    url=ISSUER + "/oauth2/token",
                    form=Parameters(form),
                    headers=(("content-type", "application/x-www-form-urlencoded"),),
                ),
            )
            return str(json.loads(reply.body)["access_token"])

    return asyncio.run(ask())


def machine(run: Run, *more: str) -> dict[str, str]:
    """A client for client credentials, as JSON with its secret."""
    added = run(
        "clients", "add", "mobile", "--grant", "client_credentials", "--authentication", "client_secret_post",
        "--json", *more,
    )  # fmt: skip
    assert added.status == 0, added.err
    return cast("dict[str, str]", added.json())


def test_a_secret_is_shown_once(applied: Run) -> None:
    """Only the command that made the secret shows it."""
    added = applied("clients", "add", "mobile", "--grant", "client_credentials")
    names = dict(line.split(None, 1) for line in added.out.splitlines())
    secret = names["client_secret"]
    assert secret.startswith("wgcs_")
    assert "cannot be shown again" in added.err
    assert secret not in added.err
    shown = applied("clients", "show", names["client_id"]).out
    listed = applied("clients", "list").out + applied("clients", "list", "--json").out
    assert names["client_id"] in listed
    assert secret not in shown + listed


def test_a_client_takes_every_setting(applied: Run) -> None:
    """Short names of grants, lists, and any other field by --set."""
    shown = applied(
        "clients", "add", "mobile", "--name", "Shop", "--grant", "code", "--grant", "refresh",
        "--redirect-uri", "https://shop.example.com/cb", "--scope", "openid profile", "--authentication", "none",
        "--set", "token_format=opaque", "--set", "require-par=true", "--set", "access_lifetime=120", "--json",
    ).json()  # fmt: skip
    assert shown["grant_types"] == ["authorization_code", "refresh_token"]
    assert shown["scopes"] == ["openid", "profile"]
    assert (shown["token_format"], shown["require_par"], shown["access_lifetime"]) == ("opaque", True, 120)
    assert "client_secret" not in shown
    changed = applied("clients", "update", shown["id"], "--scope", "openid", "--json").json()
    assert changed["scopes"] == ["openid"]
    assert changed["redirect_uris"] == shown["redirect_uris"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--redirect-uri", "http://evil.example.com/cb"), "client_invalid"),
        (("--redirect-uri", "https://shop.example.com/cb#x"), "client_invalid"),
        (("--grant", "mind_reading"), "client_invalid"),
        (("--set", "no_such=1"), "client_invalid"),
        (("--set", "id=mine"), "client_invalid"),
        (("--set", "access_lifetime"), "setting_invalid"),
        (("--jwks-file", "nowhere.json"), "jwks_invalid"),
    ],
)
def test_wrong_settings_store_nothing(applied: Run, options: tuple[str, ...], code: str) -> None:
    """A wrong setting is named, and no client is there afterwards."""
    refused = applied("clients", "add", "mobile", *options, "--json")
    assert refused.status == 1
    assert refused.error()["code"] == code
    assert applied("clients", "list", "--json").json() == {"clients": []}


def test_legacy_grants_are_marked(applied: Run) -> None:
    """Implicit is possible and called legacy wherever it is seen."""
    added = applied(
        "clients", "add", "mobile", "--grant", "implicit", "--authentication", "none",
        "--redirect-uri", "https://a.example.com/cb", "--json",
    )  # fmt: skip
    assert added.json()["legacy_grants"] == ["implicit"]
    assert "legacy" in added.err
    assert "implicit (legacy)" in applied("clients", "list").out


def test_rotation_suspension_and_removal(applied: Run) -> None:
    """Each command says what is true afterwards."""
    client = machine(applied)
    rotated = applied("clients", "rotate", client["id"], "--overlap", "1h", "--json").json()
    assert rotated["client_secret"] != client["client_secret"]
    assert len(rotated["secrets"]) == 2
    assert applied("clients", "suspend", client["id"]).out.strip() == f"{client['id']} is suspended"
    assert applied("clients", "restore", client["id"], "--json").json()["status"] == "active"
    assert applied("clients", "remove", client["id"]).status == 0
    gone = applied("clients", "show", client["id"], "--json")
    assert (gone.status, gone.error()["code"]) == (1, "client_not_found")


def test_a_registration_token_is_written_alone(applied: Run) -> None:
    """The token is all of standard output, for use in a script."""
    made = applied("clients", "registration-token", "--application", "mobile", "--expires-in", "1h")
    assert made.out.startswith("wgot_")
    assert len(made.out.split()) == 1


def test_tokens_are_looked_into_and_taken_back(applied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JWT is known by its signature, read from standard input, and refused once it is revoked."""
    client = machine(applied)
    token = token_for(client["id"], client["client_secret"])
    monkeypatch.setattr("sys.stdin", io.StringIO(token + "\n"))
    shown = applied("tokens", "introspect", "--token", "-", "--json")
    assert shown.status == 0
    assert (shown.json()["state"], shown.json()["client"]) == ("active", client["id"])
    assert applied("tokens", "revoke", "--token", token).out.strip() == "the token is revoked"
    after = applied("tokens", "introspect", "--token", token, "--json")
    assert (after.status, after.json()["state"]) == (1, "revoked")


@pytest.mark.parametrize("option", ["jti", "client", "application"])
def test_tokens_are_revoked_by_what_they_name(applied: Run, option: str) -> None:
    """One option names them all."""
    client = machine(applied)
    token = token_for(client["id"], client["client_secret"])
    seen = applied("tokens", "introspect", "--token", token, "--json").json()
    key = {"jti": seen["jti"], "client": client["id"], "application": "mobile"}[option]
    assert applied("tokens", "revoke", f"--{option}", key).status == 0
    assert applied("tokens", "introspect", "--token", token, "--json").json()["state"] == "revoked"
    assert (
        applied("tokens", "introspect", "--token", token_for(client["id"], client["client_secret"])).status
        == 0
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), "revocation_unclear"),
        (("--jti", "a" * 32, "--client", "x"), "revocation_unclear"),
        (("--jti", "short"), "jti_invalid"),
        (("--client", "cl_none"), "client_not_found"),
        (("--subject", "nobody"), "user_not_found"),
        (("--grant", "none"), "grant_not_found"),
        (("--application", "none"), "application_not_found"),
        (("--token", "eyJ.eyJ.x"), "token_not_found"),
    ],
)
def test_what_is_not_there_cannot_be_revoked(applied: Run, options: tuple[str, ...], code: str) -> None:
    """Each refusal has its code and shows no token."""
    refused = applied("tokens", "revoke", *options, "--json")
    assert (refused.status, refused.error()["code"]) == (1, code)
    assert "eyJ" not in refused.err


def test_a_withdrawn_key_makes_its_tokens_worthless(applied: Run) -> None:
    """Another key signs at once; a token of the old one is none of this environment any more."""
    client = machine(applied)
    token = token_for(client["id"], client["client_secret"])
    [key] = applied("tokens", "keys", "list", "--json").json()["keys"]
    assert (key["algorithm"], key["state"]) == ("ES256", "signs")
    assert applied("tokens", "keys", "withdraw", key["kid"]).out.endswith("tokens it signed are refused\n")
    after = applied("tokens", "introspect", "--token", token, "--json")
    assert (after.status, after.error()["code"]) == (1, "token_not_found")
    [other] = applied("tokens", "keys", "list", "--json").json()["keys"]
    assert (other["kid"] != key["kid"], other["state"]) == (True, "signs")
    assert (
        applied("tokens", "introspect", "--token", token_for(client["id"], client["client_secret"])).status
        == 0
    )
    refused = applied("tokens", "keys", "withdraw", "none", "--json")
    assert (refused.status, refused.error()["code"]) == (1, "key_not_found")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_client_chooses_how_its_access_tokens_are_signed(applied: Run, algorithm: str) -> None:
    """ES256 unless it says otherwise; whatever it is, the token is known here."""
    client = machine(applied, "--set", f"access_alg={algorithm}")
    token = token_for(client["id"], client["client_secret"])
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    assert applied("tokens", "introspect", "--token", token).status == 0
    refused = applied("clients", "update", client["id"], "--set", "access_alg=HS256", "--json")
    assert (refused.status, refused.error()["code"]) == (1, "client_invalid")
