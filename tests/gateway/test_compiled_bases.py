"""Nothing that stays interpreted derives from a compiled class: mypyc refuses that, and only the compiled wheel shows it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOT: tuple[str, ...] = import_module("tools.compile_modules").HOT
#: What a compiled class is decorated with that may be derived from (mypyc's `allow_interpreted_subclasses`).
OPEN = "allow_interpreted_subclasses"


@dataclass(slots=True)
class Module:
    """What is said at the top level of one module, and every class in it with its bases."""

    #: What a name stands for: of another module (empty: the module itself), or another name of this one.
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Classes of the top level, and whether one may be derived from although it is compiled.
    classes: dict[str, bool] = field(default_factory=dict)
    #: Line, class and base of every class, wherever in the module it stands.
    bases: list[tuple[int, str, str]] = field(default_factory=list)


def read(text: str, name: str, *, package: bool = False) -> Module:
    """The module called ``name`` with that source."""
    module = Module()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for each in node.names:
                whole = each.name if each.asname else each.name.partition(".")[0]
                module.names[each.asname or whole] = (whole, "")
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".")
            above = parts[: len(parts) - node.level + package] if node.level else []
            source = ".".join((*above, *filter(None, [node.module])))
            for each in node.names:
                module.names[each.asname or each.name] = (source, each.name)
        elif isinstance(node, ast.ClassDef):
            bases = (each.value if isinstance(each, ast.Subscript) else each for each in node.bases)
            module.bases += [(node.lineno, node.name, ast.unparse(each)) for each in bases]
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript)
            and isinstance(node.targets[0], ast.Name)
        ):
            value = node.value.value if isinstance(node.value, ast.Subscript) else node.value
            module.names.setdefault(node.targets[0].id, (name, ast.unparse(value)))
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            module.classes[node.name] = any(OPEN in ast.unparse(each) for each in node.decorator_list)
    return module


def derived(modules: Mapping[str, Module], compiled: Collection[str]) -> Iterator[str]:
    """Every class of a module that stays interpreted with a base of one that is compiled, in words."""
    for name, module in modules.items():
        if name in compiled:
            continue
        for line, class_, base in module.bases:
            home, found = meant(modules, name, base)
            if home in compiled and not modules[home].classes.get(found, False):
                yield f"{name}:{line}: {class_} derives from {home}.{found}"


def meant(modules: Mapping[str, Module], home: str, text: str) -> tuple[str, str]:
    """The module and the name in it that ``text`` stands for in ``home``; as far as it can be told."""
    seen: set[tuple[str, str]] = set()
    while (home, text) not in seen:
        seen.add((home, text))
        if home in modules and text in modules[home].classes:
            break
        first, _, rest = text.partition(".")
        if home in modules and first in modules[home].names:
            home, known = modules[home].names[first]
            text = ".".join(filter(None, (known, rest)))
            continue
        if f"{home}.{first}" in modules and rest:  # a package and what is below it
            home, text = f"{home}.{first}", rest
    return home, text


def found(folder: Path) -> dict[str, Module]:
    """Every module below ``folder``, by its whole name."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        modules[name] = read(path.read_text(encoding="utf-8"), name, package=package)
    return modules


COMPILED = frozenset(f"wardgate.{each.replace('/', '.')}" for each in HOT)


def test_no_interpreted_class_derives_from_a_compiled_one() -> None:
    """Of the product, and of the examples: what third parties write is interpreted too."""
    modules = found(ROOT / "src")
    assert modules.keys() >= COMPILED
    examples = {f"examples.{name}": each for name, each in found(ROOT / "examples").items()}
    policies = found(ROOT / "examples" / "policies" / "src")
    assert any(each.classes for each in policies.values())
    problems = list(derived({**modules, **examples, **policies}, COMPILED))
    assert not problems, (
        f"{problems}: in the compiled wheel these fail when they are imported; move the class "
        "to the module of its base, hold an object instead of being one, or take the base out of tools/compile_modules.py"
    )


CLASS = "from typing import Protocol\nclass Port(Protocol): ...\nclass Thing: ...\n"


@pytest.mark.parametrize(
    "text",
    [
        "from wardgate.hot import Thing\nclass Mine(Thing): ...",
        "from wardgate.hot import Port\nclass Mine(Port): ...",
        "from wardgate.hot import Thing as Other\nclass Mine(object, Other): ...",
        "from . import hot\nclass Mine(hot.Thing): ...",
        "from .hot import Thing\nclass Mine(Thing[int]): ...",
        "import wardgate.hot\nclass Mine(wardgate.hot.Thing): ...",
        "import wardgate.hot as heated\nclass Mine(heated.Port): ...",
        "from wardgate import shared\nclass Mine(shared.Thing): ...",
        "from wardgate.shared import Again\nclass Mine(Again): ...",
        "from wardgate.hot import Thing\nBase = Thing\nclass Mine(Base): ...",
        "def make():\n    from wardgate.hot import Thing\n    class Mine(Thing): ...",
    ],
)
def test_a_class_that_derives_from_a_compiled_one_is_named(text: str) -> None:
    """However it came by the name of its base, protocols too."""
    shared = "from wardgate.hot import Thing\nfrom wardgate.hot import Thing as Again"
    modules = {
        "wardgate": read("", "wardgate", package=True),
        "wardgate.hot": read(CLASS, "wardgate.hot"),
        "wardgate.shared": read(shared, "wardgate.shared"),
        "wardgate.cold": read(text, "wardgate.cold"),
    }
    assert [each.partition(": ")[2] for each in derived(modules, {"wardgate.hot"})] in (
        ["Mine derives from wardgate.hot.Thing"],
        ["Mine derives from wardgate.hot.Port"],
    )


def test_what_may_derive_is_not_named() -> None:
    """Among compiled modules, from a class of one's own that has the same name, and from one that says it may."""
    hot = f"{CLASS}@mypyc_attr({OPEN}=True)\nclass Open: ..."
    modules = {
        "wardgate.hot": read(hot, "wardgate.hot"),
        "wardgate.warm": read("from wardgate.hot import Thing\nclass Mine(Thing): ...", "wardgate.warm"),
        "wardgate.cold": read("class Thing: ...\nclass Mine(Thing): ...", "wardgate.cold"),
        "wardgate.open": read("from wardgate.hot import Open\nclass Mine(Open): ...", "wardgate.open"),
    }
    assert list(derived(modules, {"wardgate.hot", "wardgate.warm"})) == []
