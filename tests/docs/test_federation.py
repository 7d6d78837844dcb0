"""``docs/federation.md``: every command of its examples does what the page says."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.cli.conftest import ORDERS, Result

from wardgate.cli import main as cli

TEXT = (Path(__file__).parents[2] / "docs" / "federation.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if not line.startswith("wardgate idp test")  # it calls the provider; tests/cli/test_idp_command.py
]


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the page's order, on a fresh store with the orders example: all succeed, and no secret is shown."""
    monkeypatch.setenv("WARDGATE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def run(line: str) -> Result:
        words, _, file = line.partition(" < ")
        secret = pem if file.endswith(".pem") else f"the-secret-of-{file}\n"
        monkeypatch.setattr("sys.stdin", io.StringIO(secret if file else ""))
        status = cli.main(shlex.split(words)[1:])
        captured = capsys.readouterr()
        return Result(status=status, out=captured.out, err=captured.err)

    assert run(f"wardgate apply -f {ORDERS / 'wardgate.yaml'}").status == 0
    (document,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "providers.yaml").write_text(document)
    for line in COMMANDS:
        done = run(line)
        # What the document says is of staging, and waits for another person.
        assert done.status == (3 if line == "wardgate apply -f providers.yaml" else 0), (line, done.err)
        assert "the-secret-of" not in done.out + done.err
        assert "PRIVATE KEY" not in done.out + done.err
    listed = run("wardgate idp list --json")
    ids = {"okta", "microsoft", "partners", "google", "keycloak", "okta-with-a-key"}
    assert {each["id"] for each in json.loads(listed.out)["providers"]} == ids
