"""Commands that ask a server: over TLS, with a token, through the client alone, and with the same output."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.e2e.certificates import Authority
from tests.web.admin_api.running import Running, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A server over TLS, and the files a client of it needs."""

    server: Running
    data_dir: Path
    ca: Path
    token: Path

    @property
    def options(self) -> tuple[object, ...]:
        """The options that name it."""
        return ("--server", self.server.url, "--token-file", self.token, "--ca", self.ca)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """A running admin API over TLS with an owner and a viewer."""
    folder = tmp_path_factory.mktemp("remote")
    authority = Authority(folder)
    with running(
        folder / "data", roles=("owner", "viewer"), certificate=authority.issue("127.0.0.1")
    ) as server:
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(server.tokens["owner"] + "\n")
        yield Remote(server=server, data_dir=folder / "data", ca=authority.ca_file, token=token)


def test_the_life_of_a_key_on_a_server(run: Run, remote: Remote) -> None:
    """Issue, list, rotate and revoke, as on this machine."""
    issued = run("keys", "issue", "shop", "--name", "remote", *remote.options, "--json")
    assert issued.status == 0, issued.err
    key = issued.json()
    assert key["key"].startswith("wg_dev_")
    rotated = run("keys", "rotate", key["id"], "--overlap", "1h", *remote.options)
    assert rotated.out.startswith("wg_dev_")
    revoked = run("keys", "revoke", key["id"], *remote.options)
    assert (revoked.status, revoked.out) == (0, f"{key['id']} of shop is revoked\n")
    verdict = run("keys", "verify", "--key", key["key"], *remote.options)
    assert (verdict.status, verdict.out.split(" (")[0]) == (1, "refused in development: key_revoked")


def test_the_output_is_that_of_the_local_command(run: Run, remote: Remote) -> None:
    """The same words for the same state, whoever is asked."""
    for command in (
        ("keys", "list"),
        ("keys", "list", "--json"),
        ("users", "list", "--json"),
        ("users", "roles", "list"),
        ("clients", "list"),
        ("idp", "list", "--json"),
        ("top", "--json"),
        ("export",),
        ("apps", "list", "--json"),
    ):
        here = run(*command, "--data-dir", remote.data_dir)
        there = run(*command, *remote.options)
        assert there.status == here.status == 0, (command, there.err, here.err)
        if command[0] != "top":
            assert there.out == here.out, command


def test_documents_are_applied_on_a_server(run: Run, remote: Remote, tmp_path: Path) -> None:
    """Planned, applied and exported with the files they refer to; what is wrong is said with file and line."""
    orders = Path(__file__).parents[2] / "examples" / "orders" / "wardgate.yaml"
    planned = run("plan", "-f", orders, *remote.options)
    assert planned.status in (2, 3), planned.err
    applied = run("apply", "-f", orders, *remote.options, "--json")
    assert applied.status == 0, applied.err
    assert applied.json()["changes"]
    exported = run("export", "-o", tmp_path / "out", *remote.options)
    assert exported.status == 0, exported.err
    assert (tmp_path / "out" / "wardgate.yaml").exists()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("applications:\n  - nam: shop\n")
    refused = run("apply", "-f", wrong, *remote.options)
    assert refused.status == 1
    assert "wrong.yaml:2" in refused.err


def test_what_a_server_refuses_is_said(run: Run, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission that is missing, and what is not there, with exit status 1."""
    monkeypatch.setenv("WARDGATE_TOKEN", remote.server.tokens["viewer"])
    server = ("--server", remote.server.url, "--ca", remote.ca)
    refused = run("keys", "issue", "shop", *server, "--json")
    assert (refused.status, refused.error()["code"]) == (1, "forbidden")
    assert "keys.issue" in refused.error()["message"]
    missing = run("keys", "show", "key_0", *server)
    assert (missing.status, missing.out) == (1, "")
    assert missing.err.startswith("error: There is no key 'key_0'.")


def test_an_unknown_certificate_is_never_accepted(run: Run, remote: Remote) -> None:
    """Without --ca the server of an unknown authority gets no token."""
    refused = run(*("keys", "list", "--server", remote.server.url, "--token-file", remote.token, "--json"))
    assert (refused.status, refused.error()["code"]) == (1, "server_unreachable")


def test_a_token_goes_to_nobody_in_the_clear(run: Run, remote: Remote) -> None:
    """Plain http to another machine is refused before anything is sent."""
    refused = run(
        *("keys", "list", "--server", "http://control.example.com", "--token-file", remote.token, "--json")
    )
    assert (refused.status, refused.error()["code"]) == (1, "server_insecure")


def test_a_token_file_is_for_its_owner_alone(run: Run, remote: Remote, tmp_path: Path) -> None:
    """A file that others can read, or that holds nothing, is not used."""
    exposed, empty = tmp_path / "exposed", tmp_path / "empty"
    exposed.write_text("wgop_x")
    exposed.chmod(0o644)
    empty.touch(mode=0o600)
    for path, code in (
        (exposed, "token_exposed"),
        (empty, "token_missing"),
        (tmp_path / "no", "token_unreadable"),
    ):
        refused = run("keys", "list", "--server", remote.server.url, "--token-file", path, "--json")
        assert (refused.status, refused.error()["code"]) == (1, code)


def test_a_remote_command_needs_the_client_alone(remote: Remote) -> None:
    """Neither the store nor the framework is imported to ask a server."""
    code = (
        "import sys\n"
        "from wardgate.cli.main import main\n"
        "status = main(sys.argv[1:])\n"
        "rooms = ('wardgate.storage.database', 'wardgate.web', 'wardgate.identity', 'sqlalchemy', 'fastapi')\n"
        "print([name for name in sys.modules if name.startswith(rooms)], status)\n"
    )
    command = [sys.executable, "-c", code, "keys", "list", "--json", *map(str, remote.options)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.endswith("[] 0\n"), done.stdout[-500:] + done.stderr
