"""People, their browsers and a server on a real store: pages are called through the whole mount, as over a socket."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pyotp
from tests.identity.front import Clock, Web, make_server

from wardgate.control.ids import new_id
from wardgate.domain.people import Mail, Session, User
from wardgate.identity.http import Call
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.people.credentials import set_password
from wardgate.identity.people.passwords import HashParameters, Passwords
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore
from wardgate.web.calls import hop_secret
from wardgate.web.identity import IdentityApp

PASSWORD = "purple violin cactus river"
CHEAP = HashParameters(time_cost=1, memory_kib=8, parallelism=1)
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_FIELD = re.compile(r"<(?:input|button)\b([^>]*)>")
_LINK = re.compile(r"https?://\S+")


class CountingPasswords(Passwords):
    """Counts how often a password is hashed for a check, known or not."""

    def __init__(self, parameters: HashParameters = CHEAP, **settings: Any) -> None:
        super().__init__(parameters, **settings)
        self.checks = 0

    def _verify(self, known: str, text: bytes) -> bool:
        self.checks += 1
        return super()._verify(known, text)


@dataclass
class House:
    """A server with a clock to turn, its mount, and what tests need of the store."""

    server: Server
    app: IdentityApp
    clock: Clock
    passwords: CountingPasswords
    web: Web

    async def user(self, name: str = "ada", password: str | None = PASSWORD, **settings: Any) -> User:
        """An active user with a verified address, and a password unless told otherwise."""
        now = self.clock()
        known = {"name": name, "email": f"{name}@example.com", "email_verified": True, "created_at": now}
        user = User(**{"id": new_id("usr", now), **known, **settings})
        async with self.server.store.writing() as tx:
            await tx.users.add(user)
            if password is not None:
                await set_password(self.server, tx, user, await self.passwords.hash(password))
        return user

    async def reload(self, user: User) -> User:
        """The user as stored now."""
        async with self.server.store.reading() as tx:
            found = await tx.users.get(user.id)
        assert found is not None
        return found

    async def sessions(self, user: User) -> list[Session]:
        """The user's sessions that are not over."""
        async with self.server.store.reading() as tx:
            return await tx.sessions.of_user(user.id, self.clock())

    async def mails(self) -> list[Mail]:
        """What waits to be sent, oldest first."""
        async with self.server.store.reading() as tx:
            return await tx.outbox.due(float("inf"), 100)

    async def link(self, number: int = -1) -> str:
        """The link in a mail: its path and query."""
        parts = urlsplit(_LINK.findall((await self.mails())[number].body)[0])
        return f"{parts.path}?{parts.query}"

    def code(self, secret: str, steps: int = 0) -> str:
        """What an app shows now, or so many steps later."""
        return pyotp.HOTP(secret).at(int(self.clock() // 30) + steps)

    def browser(self, address: str = "192.0.2.1") -> Browser:
        """A fresh browser at an address."""
        return Browser(self, address)

    def call(self, address: str = "192.0.2.1", cookies: Mapping[str, str] | None = None) -> Call:
        """A bare call, for what needs no page."""
        return Call(method="POST", path="/", url="", address=address, cookies=dict(cookies or {}))


def make_house(store: SqlStore, **settings: Any) -> House:
    """A house on ``store``, with argon2 at its cheapest."""
    clock, web, passwords = Clock(), Web(), CountingPasswords()
    made = make_server(store, clock, web=web, **settings)
    server = replace(made, store=store.overlapping, passwords=passwords)
    return House(server=server, app=IdentityApp(server), clock=clock, passwords=passwords, web=web)


class Browser:
    """Keeps cookies, sends Origin with forms as browsers do, and follows no redirect by itself."""

    def __init__(self, house: House, address: str) -> None:
        self._house = house
        hop = {"X-Wardgate-Hop": hop_secret(house.server.store.master_key()), "X-Forwarded-For": address}
        self._http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=house.app),
            base_url=house.server.settings.issuer,
            headers={**hop, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"},
        )

    @property
    def cookies(self) -> dict[str, str]:
        """What it keeps, by name."""
        return dict(self._http.cookies)

    @property
    def session(self) -> str:
        """The secret of its session; empty without one."""
        return self.cookies.get(cookie_name(self._house.server.settings), "")

    def plant(self, name: str, value: str) -> None:
        """Has a cookie put by somebody else."""
        host = urlsplit(self._house.server.settings.issuer).hostname or ""
        self._http.cookies.set(name, value, domain=host, path="/")

    async def get(self, path: str) -> httpx2.Response:
        """Opens a page."""
        return await self._http.get(path.removeprefix(self._house.server.settings.issuer))

    async def post(
        self, path: str, form: Mapping[str, str] | Sequence[tuple[str, str]] = (), *, origin: str | None = ""
    ) -> httpx2.Response:
        """Sends a form from a page of the server, or from a page at ``origin``; ``None``: without saying from where."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if origin is not None:
            headers["Origin"] = origin or self._house.server.settings.origin
        return await self._http.post(path, content=urlencode(form), headers=headers)

    async def sign_in(self, name: str = "ada", password: str = PASSWORD, **more: str) -> httpx2.Response:
        """Fills the sign-in page in."""
        return await self.post("/oauth2/login", {"name": name, "password": password, **more})


def location(answer: httpx2.Response) -> str:
    """Where a redirect leads, as a path with its query; it must be one, to this server."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}" == f"{answer.request.url.scheme}://{answer.request.url.host}"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def alert(answer: httpx2.Response) -> str:
    """What a page announces as wrong, in plain text."""
    found = re.findall(r'role="alert"[^>]*>(.*?)</(?:div|p)>', answer.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", " ".join(found))).strip()


def forms(answer: httpx2.Response) -> dict[str, dict[str, str]]:
    """The fields of each form of a page with their values, by where it is sent."""
    found: dict[str, dict[str, str]] = {}
    for attributes, content in _FORM.findall(answer.text):
        action = dict(_ATTRIBUTE.findall(attributes))["action"]
        fields = [dict(_ATTRIBUTE.findall(each)) for each in _FIELD.findall(content)]
        values = {each["name"]: html.unescape(each.get("value", "")) for each in fields if "name" in each}
        found.setdefault(action, values)
    return found


def options_of(answer: httpx2.Response) -> str:
    """The passkey options of a page, as JSON."""
    return html.unescape(re.findall(r'data-options="([^"]*)"', answer.text)[0])
