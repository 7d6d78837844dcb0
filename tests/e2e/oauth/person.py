"""A person without JavaScript, for clients in Python: signs in, agrees, and comes back to the application."""

from __future__ import annotations

import requests
from tests.e2e.oauth.installation import CALLBACK, PASSWORD, Installation
from tests.visitor import Visitor


class Person(Visitor):
    """``user``, who signs in with ``PASSWORD`` when asked, and allows everything."""

    def __init__(self, house: Installation, user: str = "ann") -> None:
        super().__init__()
        self.house = house
        self.user = user
        self.session.verify = str(house.ca_file)

    def authorize(self, url: str) -> str:
        """The address at ``CALLBACK`` that an authorization request ends at."""
        answer = self.open(url)
        for told in ({"name": self.user, "password": PASSWORD}, {"decision": "allow"}):
            if not isinstance(answer, str) and self.asked(answer, told):
                answer = self.submit(answer, **told)
        assert isinstance(answer, str), answer.text
        assert answer.startswith(CALLBACK), answer
        return answer

    def visit(self, path: str) -> requests.Response:
        """A page of the installation, after signing in if need be."""
        answer = self.open(self.house.issuer + path)
        assert not isinstance(answer, str), answer
        if "/oauth2/login" in answer.url:
            answer = self.submit(answer, name=self.user, password=PASSWORD)
            assert not isinstance(answer, str), answer
        return answer
