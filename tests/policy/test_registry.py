"""Policies by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.policy.exchanges import Noting

from wardgate.policy.registry import PHASES, Policy, PolicyConfigError, PolicyRegistry


def test_a_policy_is_found_by_its_name() -> None:
    """The very one that was registered."""
    noting = Noting("test.a", "inspect")
    assert isinstance(noting, Policy)
    assert PolicyRegistry([noting]).get("test.a") is noting


def test_an_unknown_name_says_what_is_known() -> None:
    """And how to get what is not."""
    registry = PolicyRegistry([Noting("test.b", "inspect"), Noting("test.a", "limit")])
    with pytest.raises(PolicyConfigError) as failed:
        registry.get("test.c")
    assert (failed.value.path, failed.value.message) == ("use", "unknown policy 'test.c'")
    assert failed.value.remedy == "Install the package that brings it; known here: test.a, test.b"
    with pytest.raises(PolicyConfigError, match="known here: none"):
        PolicyRegistry().get("test.c")


def test_two_policies_of_one_name_are_refused() -> None:
    """Neither silently takes the place of the other."""
    registry = PolicyRegistry([Noting("test.a", "inspect")])
    with pytest.raises(ValueError, match=r"policy 'test\.a' is registered twice"):
        registry.add(Noting("test.a", "limit"))


@pytest.mark.parametrize("phase", ["", "Inspect", "forward", "route"])
def test_a_policy_names_a_phase_there_is(phase: str) -> None:
    """Else it would never run, or at the wrong place."""
    with pytest.raises(ValueError, match=f"names phase '{phase}'; use one of {', '.join(PHASES)}"):
        PolicyRegistry([Noting("test.a", phase)])


def package(folder: Path, body: str, value: str = "added_policy:Added") -> None:
    """Puts a package with one entry point on a path, as an installer would."""
    (folder / "added_policy.py").write_text(body)
    about = folder / "added_policy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: added-policy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[wardgate.policies]\nadded = {value}\n")


def test_installed_policies_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the entry-point group."""
    package(
        tmp_path,
        "class Added:\n"
        "    name = 'test.added'\n"
        "    phase = 'inspect'\n"
        "    def validate(self, config): pass\n"
        "    def compile(self, config, context): return None\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert PolicyRegistry.installed().get("test.added").phase == "inspect"


def test_an_entry_point_that_is_no_policy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name, rather than a request that is not guarded."""
    package(tmp_path, "class Other:\n    name = 'test.other'\n", "added_policy:Other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "added_policy", raising=False)
    with pytest.raises(ValueError, match=r"'added' \(added_policy:Other\).* not a Wardgate policy"):
        PolicyRegistry.installed()
