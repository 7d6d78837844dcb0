"""``wardgate apply``, ``export`` and ``import``."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import ORDERS, Run

from wardgate.storage.layout import database_path

SWAGGER = """
swagger: "2.0"
info: {title: Petstore, version: 2.1.0}
basePath: /api
securityDefinitions:
  token: {type: apiKey, in: header, name: X-Pet-Key}
security: [{token: []}]
paths:
  /pets:
    get: {responses: {"200": {description: ok}}}
  /health:
    get: {security: [], responses: {"200": {description: ok}}}
"""


def test_apply_tells_what_it_changed(run: Run) -> None:
    """The first apply adds all, a second one nothing."""
    first = run("apply", "-f", ORDERS / "wardgate.yaml")
    assert first.status == 0
    assert [line.split(":")[0] for line in first.out.splitlines()] == [
        "+ api orders/v1",
        "+ plan free",
        "+ plan gold",
        "+ application mobile",
    ]
    assert first.err == "development: 4 changes\n"
    second = run("apply", "-f", ORDERS / "wardgate.yaml", "--json")
    assert second.json() == {
        "environment": "development",
        "dry_run": False,
        "changes": [],
        "revisions": {},
        "waiting": [],
        "differences": [],
        "unseen": [],
        "held": [],
    }


def test_a_dry_run_changes_nothing(run: Run, tmp_path: Path) -> None:
    """It shows the same lines and makes not even a store."""
    dry = run("apply", "-f", ORDERS, "--dry-run", "--json").json()
    assert (len(dry["changes"]), dry["dry_run"], dry["revisions"]) == (4, True, {})
    assert not database_path(tmp_path / "data").exists()
    run("apply", "-f", ORDERS)
    changed = tmp_path / "changed.yaml"
    changed.write_text("plans: [{name: gold, limits: [{kind: rate, amount: 1, per: hour}]}]")
    assert "to make (dry run)" in run("apply", "-f", changed, "--dry-run").err
    assert "amount: 5000" in run("export").out


def test_a_wrong_document_changes_nothing_and_is_explained(run: Run, tmp_path: Path) -> None:
    """Every problem is named with file, line, path and remedy; the status is 1."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "plans:\n  - name: free\n    limit: []\n  - {name: x, limits: [{kind: rat, amount: 0}]}\n"
    )
    result = run("apply", "-f", wrong)
    assert result.status == 1
    assert f"{wrong}:3: plans[0].limit: unknown key 'limit'. Did you mean 'limits'?" in result.err
    assert result.err.splitlines()[-1].endswith("problems; nothing was changed")
    problems = run("apply", "-f", wrong, "--json").error()["problems"]
    assert {"file", "line", "path", "message", "remedy"} == set(problems[0])
    assert not database_path(tmp_path / "data").exists()
    assert "does not exist" in run("apply", "-f", tmp_path / "none.yaml").err
    assert run("apply").status == 2


def test_prune_removes_what_is_not_named(applied: Run, tmp_path: Path) -> None:
    """Without --prune the rest stays, with it the rest goes; an unknown environment is refused."""
    only = tmp_path / "only.yaml"
    only.write_text("plans: [{name: silver}]")
    assert applied("apply", "-f", only, "--json").json()["changes"] == ["+ plan silver: no limits"]
    pruned = applied("apply", "-f", only, "--prune", "--json").json()["changes"]
    assert [line.split(":")[0] for line in pruned if line.startswith("- api")] == ["- api orders/v1"]
    assert applied("export", "--json").json()["files"]["wardgate.yaml"].splitlines()[0] == "plans:"
    refused = applied("apply", "-f", only, "--environment", "moon")
    assert (refused.status, "There is no environment 'moon'" in refused.err) == (1, True)


def test_export_gives_back_what_apply_took(applied: Run, tmp_path: Path) -> None:
    """The exported folder applied to another store and exported again is the same."""
    out = tmp_path / "out"
    assert applied("export", "-o", out).err == f"wrote 2 files to {out}\n"
    assert (out / "orders.openapi.yaml").read_text() == (ORDERS / "orders.openapi.yaml").read_text()
    other = ["--data-dir", tmp_path / "other"]
    assert applied("apply", "-f", out, *other).status == 0
    files = applied("export", *other, "--json").json()["files"]
    assert files == {name.name: name.read_text() for name in out.iterdir()}
    blocked = tmp_path / "file"
    blocked.touch()
    assert "cannot be written" in applied("export", "-o", blocked).err


def test_import_makes_a_document_that_applies(run: Run, tmp_path: Path) -> None:
    """The security of a Swagger 2.0 document is taken over per operation, and the result applies as it is."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "pets.yaml").write_text(SWAGGER)
    made = run("import", "specs/pets.yaml", "--upstream", "http://127.0.0.1:9", "-o", "pets.yaml")
    assert made.out == "wrote pets.yaml; apply it with: wardgate apply -f pets.yaml\n"
    text = (tmp_path / "pets.yaml").read_text()
    assert "openapi: ./specs/pets.yaml" in text
    assert "name: X-Pet-Key" in text
    assert "GET /health" in text
    assert run("apply", "-f", "pets.yaml").out == (
        "+ api petstore/v2: 2 resources at /petstore/v2, to http://127.0.0.1:9/api\n"
    )
    printed = run(
        "import", "specs/pets.yaml", "--upstream", "http://127.0.0.1:9", "--name", "pets", "--base-path", "/p"
    )
    assert "name: pets" in printed.out
    assert "base_path: /p" in printed.out


def test_import_refuses_what_is_no_description(run: Run, tmp_path: Path) -> None:
    """A missing file, or one that is no OpenAPI document, is named."""
    assert "none.yaml cannot be read" in run("import", "none.yaml", "--upstream", "http://a").err
    for upstream in ("ftp://a", "a:9000", "http://u:secret@a"):
        wrong = run("import", "specs/pets.yaml", "--upstream", upstream)
        assert (wrong.status, wrong.out) == (1, "")
        assert "the upstream cannot be used" in wrong.err
        assert "secret" not in wrong.err
    (tmp_path / "text.yaml").write_text("hello: world")
    refused = run("import", "text.yaml", "--upstream", "http://a")
    assert refused.status == 1
    assert "text.yaml:1:" in refused.err


def test_nobody_is_shown_the_secret_of_a_new_webhook(run: Run, tmp_path: Path) -> None:
    """What apply writes may be kept where others read it. It names the command that shows a new one, which does."""
    file = tmp_path / "hooks.yaml"
    file.write_text("webhooks: [{ url: https://example.com/hooks, events: [key.leaked] }]\n")
    planned = run("plan", "-f", file)
    assert (planned.status, "whsec_" in planned.out) == (2, False)
    first = run("apply", "-f", file)
    assert "whsec_" not in first.out + first.err
    (webhook,) = [each["id"] for each in run("webhooks", "list", "--json").json()["webhooks"]]
    command = f"wardgate webhooks rotate-secret {webhook}"
    assert (
        f"https://example.com/hooks has a secret that nobody was shown; for one that you know: {command}"
        in first.err
    )
    assert "whsec_" in run(*command.split()[1:]).out
    again = run("apply", "-f", file, "--json").json()
    assert (again["changes"], again["unseen"]) == ([], [])
    exported = run("export").out
    assert "https://example.com/hooks" in exported and "whsec_" not in exported
