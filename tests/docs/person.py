"""Ann, who does at a browser what a page says she does. She needs no JavaScript."""

from __future__ import annotations

import re

from tests.docs.console import Shell
from tests.visitor import Visitor

PASSWORD = "correct horse battery staple"


class Ann(Visitor):
    """Her browser, told by the comments of a page what to do."""

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
        page = self.open(url)
        for answer in ({"name": "ann", "password": PASSWORD}, *answers):
            if isinstance(page, str):
                return page
            # She may be signed in, and may have agreed before.
            if self.asked(page, answer) or not {"name", "decision"} & answer.keys():
                page = self.submit(page, **answer)
        if isinstance(page, str):
            return page
        assert page.status_code == 200, page.text
        return page.url
