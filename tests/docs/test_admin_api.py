"""``docs/admin-api.md``: every command does what the page shows, and so does its Python."""

from __future__ import annotations

from pathlib import Path

from tests.docs.console import ROOT, run_page

PAGE = ROOT / "docs" / "admin-api.md"


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last, against a service of its own."""
    store = "wardgate apply -f examples/orders/wardgate.yaml"
    assert run_page(PAGE, tmp_path, before=store) > 10


def test_the_python_of_the_page_can_be_read(tmp_path: Path) -> None:
    """What the page shows of the client is there."""
    from wardgate.client import Client

    code = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    compile(code, "admin-api.md", "exec")
    for method in ("list_keys", "show_key", "revoke_key"):
        assert f"client.{method}(" in code
        assert callable(getattr(Client, method))
