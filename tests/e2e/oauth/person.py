"""A person without JavaScript, for clients in Python: signs in, agrees, and comes back to the application."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin

import requests
from tests.e2e.oauth.installation import CALLBACK, PASSWORD, Installation


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


class Person:
    """A browser that keeps its cookies. ``user`` signs in with ``PASSWORD`` when asked, and allows everything."""

    def __init__(self, house: Installation, user: str = "ann") -> None:
        self.house = house
        self.user = user
        self.session = requests.Session()
        self.session.verify = str(house.ca_file)
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def authorize(self, url: str) -> str:
        """The address at ``CALLBACK`` that an authorization request ends at."""
        answer = self._follow(self.session.get(url, allow_redirects=False, timeout=20))
        for told in ({"name": self.user, "password": PASSWORD}, {"decision": "allow"}):
            if isinstance(answer, str):
                return answer
            if any(told.keys() <= fields.keys() for _, fields in _Forms(answer.text).found):
                answer = self.submit(answer, **told)
        assert isinstance(answer, str), answer.text
        return answer

    def visit(self, path: str) -> requests.Response:
        """A page of the installation, after signing in if need be."""
        url = self.house.issuer + path
        answer = self._follow(self.session.get(url, allow_redirects=False, timeout=20))
        assert not isinstance(answer, str)
        if "/oauth2/login" in answer.url:
            signed_in = self.submit(answer, name=self.user, password=PASSWORD)
            assert not isinstance(signed_in, str)
            return signed_in
        return answer

    def submit(self, page: requests.Response, **told: str) -> requests.Response | str:
        """Sends the page's first form that has these fields (and these values, where it states any)."""
        for action, fields in _Forms(page.text).found:
            if told.keys() <= fields.keys():
                headers = {"Origin": self.house.issuer}
                body = {**fields, **told}
                sent = self.session.post(
                    urljoin(page.url, action), body, headers=headers, allow_redirects=False, timeout=20
                )
                return self._follow(sent)
        raise AssertionError(f"no form with {sorted(told)} at {page.url}")

    def _follow(self, answer: requests.Response) -> requests.Response | str:
        while answer.is_redirect:
            location = urljoin(answer.url, answer.headers["location"])
            if location.startswith(CALLBACK):
                return location
            answer = self.session.get(location, allow_redirects=False, timeout=20)
        return answer
