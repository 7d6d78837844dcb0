"""Ann, who does at a browser what a page says she does. She needs no JavaScript."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from tests.docs.console import Shell

PASSWORD = "correct horse battery staple"


class _Forms(HTMLParser):
    """The forms of a page: where each goes, and its fields with their values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told: dict[str, Any] = dict(attrs)
        if tag == "form":
            self.found.append((told["action"], {}))
        elif tag in ("input", "button") and "name" in told and self.found:
            self.found[-1][1].setdefault(told["name"], told.get("value") or "")


class Ann:
    """A browser with its cookies. It stops where an address is not the installation's: that is an application's."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def do(self, shell: Shell, words: str) -> str:
        """Does what the comment says; the command that tells the shell what came of it."""
        opened = re.search(r"opens (\S+)", words)
        assert opened is not None, words
        url = shell.run(f"echo {opened[1].rstrip(',')}").strip()
        if "types" in words:
            self._go(url, {"user_code": shell.run('echo "$TYPED"').strip()}, {"decision": "allow"})
            return ":"
        if "takes" in words:
            self._go(url, {"client": shell.run('echo "$SHOP"').strip()})
            return ":"
        back = self._go(url, {"decision": "allow"})
        found = re.search(r"[?&]code=([\w-]+)", back)
        assert found is not None, back
        return f"CODE={found[1]}"

    def _go(self, url: str, *answers: dict[str, str]) -> str:
        """Follows ``url``, signs in where asked, fills in each answer in turn; where it ended."""
        page = self._follow(self._session.get(url, allow_redirects=False, timeout=20), url)
        for answer in ({"name": "ann", "password": PASSWORD}, *answers):
            if isinstance(page, str):
                return page
            fitting = [form for form in _Forms(page.text).found if answer.keys() <= form[1].keys()]
            assert fitting or "name" in answer or "decision" in answer, page.text
            if fitting:
                action, fields = fitting[0]
                parts = urlsplit(page.url)
                sent = self._session.post(
                    urljoin(page.url, action),
                    {**fields, **answer},
                    headers={"Origin": f"{parts.scheme}://{parts.netloc}"},
                    allow_redirects=False,
                    timeout=20,
                )
                page = self._follow(sent, url)
        if isinstance(page, str):
            return page
        assert page.status_code == 200, page.text
        return page.url

    def _follow(self, answer: requests.Response, url: str) -> requests.Response | str:
        while answer.is_redirect:
            location = urljoin(answer.url, answer.headers["location"])
            if urlsplit(location).netloc != urlsplit(url).netloc:
                return location
            answer = self._session.get(location, allow_redirects=False, timeout=20)
        return answer
