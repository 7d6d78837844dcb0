"""``docs/oauth.md``: every command does what the page shows, and its table of endpoints is whole."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

from tests.docs.console import ROOT, run_page
from tests.docs.person import Ann

from wardgate.control.document import load
from wardgate.identity.routes import all_routes

PAGE = ROOT / "docs" / "oauth.md"


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last, in one shell and against a real service; ann is at a browser."""
    assert run_page(PAGE, tmp_path, Ann().do) > 40


def test_the_settings_of_foreign_issuers_load(tmp_path: Path) -> None:
    """What the page shows of other issuers' tokens is a document that can be applied, with the tour's API and others."""
    text = PAGE.read_text(encoding="utf-8")
    openapi, settings = re.findall(r"<<'END'\n(.*?)\nEND\n", text, re.DOTALL)[:2]
    shown = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(shown) == 1
    (tmp_path / "shop.openapi.yaml").write_text(openapi)
    before, _, after = settings.partition("    security:\n")
    (tmp_path / "wardgate.yaml").write_text(
        before + indent(shown[0], "    ") + "roles:" + after.partition("\nroles:")[2]
    )
    (api,) = load(tmp_path / "wardgate.yaml").apis
    assert api.api.oauth2 is not None
    # Entra has an issuer for each version of its tokens.
    assert len(api.api.oauth2.issuers) == 6


def test_every_endpoint_for_clients_is_in_the_table() -> None:
    """Paths of programs, of documents and those browsers are sent to are listed, and no others."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## Endpoints") :]
    listed = set(re.findall(r"^\| `((?:/oauth2|/\.well-known)[^`]*)`", table, re.MULTILINE))
    named = {route.path for route in all_routes() if route.kind in ("api", "document", "entry")}
    there = {path for path in named if not path.startswith("/oauth2/federation/")}
    there |= {"/oauth2/device", "/oauth2/account", "/.well-known/oauth-protected-resource/BASE/PATH"}
    assert listed == there
