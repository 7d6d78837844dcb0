"""What a fuzzer that knows the OpenAPI document finds: no server error, no status and no form that is not documented.

The bound is on time: WARDGATE_SCHEMATHESIS_SECONDS for a long run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.web.admin_api.running import running

SECONDS = int(os.environ.get("WARDGATE_SCHEMATHESIS_SECONDS", "30"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method,allow_header_conformance"
)
#: Who does these things may take away what the run itself lives on.
ENDING = ("withdraw_role", "revoke_admin_token", "suspend_service_account", "remove_service_account")


@pytest.mark.takes_long
@pytest.mark.timeout(SECONDS * 3 + 60)
@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing,stateful"])
def test_the_admin_api_does_what_it_documents(tmp_path: Path, phases: str) -> None:
    """Against a running server on a real store, with an owner's token."""
    with running(tmp_path / "data") as server:
        # Made for whoever asks first, which on a busy machine takes longer than schemathesis waits.
        document = httpx2.get(
            f"{server.url}/admin/v1/openapi.json",
            headers={"Authorization": f"Bearer {server.tokens['owner']}"},
            timeout=60,
        )
        assert document.status_code == 200
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/admin/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {server.tokens['owner']}"),
            *("--checks", CHECKS, "--phases", phases, "--max-time", str(SECONDS)),
            *("--continue-on-failure", "--no-color", "--request-timeout", "30", "--warnings", "off"),
            *(word for operation in ENDING for word in ("--exclude-operation-id", operation)),
        ]
        environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    report = done.stdout.replace(server.tokens["owner"], "...")
    assert done.returncode == 0, report[-20000:]
    assert "Tested:" in report
