"""A browser without JavaScript, for tests at real sockets: it keeps cookies, fills in forms, and stays on one site."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

_SECONDS = 20


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


class Visitor:
    """What it opens or sends ends at a page, or at the first address of another site: that is an application's."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def open(self, url: str) -> requests.Response | str:
        """Goes to ``url`` and wherever it leads."""
        return self._follow(self.session.get(url, allow_redirects=False, timeout=_SECONDS))

    def asked(self, page: requests.Response, told: dict[str, str]) -> bool:
        """Whether the page has a form with these fields."""
        return _fitting(page, told) is not None

    def submit(self, page: requests.Response, **told: str) -> requests.Response | str:
        """Sends the page's first form that has these fields, filled in so."""
        form = _fitting(page, told)
        assert form is not None, f"no form with {sorted(told)} at {page.url}: {page.text}"
        action, fields = form
        parts = urlsplit(page.url)
        sent = self.session.post(
            urljoin(page.url, action),
            {**fields, **told},
            headers={"Origin": f"{parts.scheme}://{parts.netloc}"},
            allow_redirects=False,
            timeout=_SECONDS,
        )
        return self._follow(sent)

    def _follow(self, answer: requests.Response) -> requests.Response | str:
        while answer.is_redirect:
            location = urljoin(answer.url, answer.headers["location"])
            if urlsplit(location).netloc != urlsplit(answer.url).netloc:
                return location
            answer = self.session.get(location, allow_redirects=False, timeout=_SECONDS)
        return answer


def _fitting(page: requests.Response, told: dict[str, str]) -> tuple[str, dict[str, str]] | None:
    return next((form for form in _Forms(page.text).found if told.keys() <= form[1].keys()), None)
