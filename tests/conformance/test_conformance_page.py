"""The table as a whole, and the page that shows it."""

from __future__ import annotations

from tests.conformance.table import DOCUMENTS
from tools import oauth_conformance_page


def test_the_table_is_large_and_without_repetition() -> None:
    """At least two hundred rows, each with an id of its own, in the document it is of."""
    every = [row for document in DOCUMENTS for row in document.rows]
    assert len({row.id for row in every}) == len(every) >= 200
    for document in DOCUMENTS:
        prefix = document.name.lower().replace(" ", "").replace("openidconnect", "oidc")
        assert {row.id.partition("-")[0] for row in document.rows} <= {prefix, *document.also}


def test_the_page_about_the_table_is_up_to_date() -> None:
    """docs/security/oauth-conformance.md says what is tested here; ``make docs`` writes it anew."""
    assert oauth_conformance_page.PAGE.read_text(encoding="utf-8") == oauth_conformance_page.render()
