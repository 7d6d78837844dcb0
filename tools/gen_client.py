"""Writes ``src/wardgate/client`` from the admin API's OpenAPI document; ``--check`` only compares.

Run by ``make client``. A test runs the comparison and fails when something is stale.
"""

from __future__ import annotations

import builtins
import keyword
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "src" / "wardgate" / "client"
NOTE = '"""{what}. Made by tools/gen_client.py (make client); change the operations instead."""\n\n'
FUTURE = "from __future__ import annotations\n\n"
JSON = "application/json"
_TAKEN = {*keyword.kwlist, *dir(builtins), "self", "if_match", "idempotency_key"}

Schema = dict[str, Any]


class Types:
    """Python's words for schemas."""

    def of(self, schema: Schema, *, sent: bool = False) -> str:
        """The annotation of ``schema``; what is ``sent`` may be any sequence or mapping."""
        if "$ref" in schema:
            return f"models.{_model(schema['$ref'].rpartition('/')[2])}"
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "enum" in schema:
            return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self.of(each, sent=sent) for each in schema["anyOf"]))
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.of(schema["allOf"][0], sent=sent)
        kind = schema.get("type")
        if kind == "array":
            return f"{'Sequence' if sent else 'list'}[{self.of(schema.get('items', {}), sent=sent)}]"
        if kind == "object":
            inner = schema.get("additionalProperties")
            what = self.of(inner, sent=sent) if isinstance(inner, dict) else "Any"
            return f"{'Mapping' if sent else 'dict'}[str, {what}]"
        known = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
        return known.get(str(kind), "Any")


def main(arguments: list[str]) -> int:
    """Writes or checks the generated modules; the exit status."""
    from wardgate.web.admin_api.app import whole_document

    files = formatted(generated(whole_document()))
    stale = 0
    present = {
        path for folder in ("models", "sync", "asynchronous") for path in (CLIENT / folder).glob("*.py")
    }
    for path in sorted(present - files.keys()):
        stale = _differs(path, None, "--check" in arguments) or stale
    for path, text in files.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale = _differs(path, text, "--check" in arguments) or stale
    return stale


def _differs(path: Path, text: str | None, check: bool) -> int:
    shown = path.relative_to(ROOT)
    if check:
        print(f"{shown} is stale: run `make client` and commit the result", file=sys.stderr)
        return 1
    if text is None:
        path.unlink()
        print(f"removed {shown}")
        return 0
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {shown}")
    return 0


def generated(document: Schema) -> dict[Path, str]:
    """Every generated module by its path, not yet formatted."""
    operations: dict[str, list[tuple[str, str, Schema]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append((method.upper(), path, operation))
    schemas = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name not in ("Problem", "FieldProblem") and not name.endswith("Page")
    }
    files = {CLIENT / "models" / "__init__.py": _models(schemas)}
    for tag, found in operations.items():
        room = tag.replace("-", "_")
        files[CLIENT / "sync" / f"{room}.py"] = _room(tag, found, schemas, sync=True)
        files[CLIENT / "asynchronous" / f"{room}.py"] = _room(tag, found, schemas, sync=False)
    for sync, folder in ((True, "sync"), (False, "asynchronous")):
        files[CLIENT / folder / "__init__.py"] = _whole(sorted(operations), sync=sync)
    return _split(files)


def _split(files: dict[Path, str]) -> dict[Path, str]:
    """Models in several modules, so that none grows too long."""
    whole = files.pop(CLIENT / "models" / "__init__.py")
    head, *classes = whole.split("\nclass ")
    groups: dict[str, list[str]] = defaultdict(list)
    for text in classes:
        groups[text[0].lower()].append("class " + text)
    names = []
    for letter, found in sorted(groups.items()):
        module = f"of_{letter}"
        names.append((module, [re.match(r"class (\w+)", text).group(1) for text in found]))  # type: ignore[union-attr]
        files[CLIENT / "models" / f"{module}.py"] = head + "\n" + "\n\n".join(found)
    text = NOTE.format(what="What the admin API is sent and answers") + FUTURE
    text += "".join(
        f"from wardgate.client.models.{module} import {', '.join(each)}\n" for module, each in names
    )
    text += f"\n__all__ = [{', '.join(repr(name) for _, each in names for name in sorted(each))}]\n"
    files[CLIENT / "models" / "__init__.py"] = text
    return files


def _models(schemas: dict[str, Schema]) -> str:
    text = NOTE.format(what="What the admin API is sent and answers") + FUTURE
    text += "from collections.abc import Mapping, Sequence\n"
    text += "from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict\n\n"
    text += "if TYPE_CHECKING:\n    from wardgate.client import models\n\n"
    for name, schema in sorted(schemas.items()):
        types = Types()
        name = _model(name)
        if "properties" not in schema:
            text += f"\nclass {name}(TypedDict):\n    {_doc(schema.get('description', name))}\n\n"
            continue
        text += f"\nclass {name}(TypedDict):\n    {_doc(schema.get('description', name))}\n\n"
        needed = set(schema.get("required", ()))
        for field, inner in schema["properties"].items():
            said = types.of(inner, sent=field not in needed)
            text += f"    {field}: {said if field in needed else f'NotRequired[{said}]'}\n"
        text += "\n"
    return text


def _room(
    tag: str, operations: list[tuple[str, str, Schema]], schemas: dict[str, Schema], *, sync: bool
) -> str:
    core = "Core" if sync else "AsyncCore"
    module = "sync_core" if sync else "async_core"
    iterator = "Iterator" if sync else "AsyncIterator"
    text = NOTE.format(what=f"Operations of {tag}") + FUTURE
    text += f"from collections.abc import {iterator}, Mapping, Sequence\n"
    text += "from typing import TYPE_CHECKING, Any, Literal\n\n"
    text += f"from wardgate.client.{module} import {core}\n"
    text += "from wardgate.client.wire import UNSET, State, Unset, segment\n\n"
    text += "if TYPE_CHECKING:\n    from wardgate.client import models\n\n"
    text += f'\nclass {_class(tag)}({core}):\n    """Operations of {tag}."""\n\n'
    for method, path, operation in operations:
        text += _method(method, path, operation, schemas, sync=sync)
    return text


def _method(method: str, path: str, operation: Schema, schemas: dict[str, Schema], *, sync: bool) -> str:
    types = Types()
    parameters = operation.get("parameters", [])
    named = {(each["in"], each["name"]): each for each in parameters}
    variables = re.findall(r"\{(\w+)\}", path)
    answer, paged = _answer(operation, types)
    query = [each for each in parameters if each["in"] == "query" and each["name"] != "cursor"]
    body, body_schema = _body(operation, schemas)
    arguments = ["self", *(f"{name}: str" for name in variables), "*"]
    call = [repr(method), _path(path)]
    fields = []
    for field, inner, needed in body:
        name = _argument(field, {*variables, *(each["name"] for each in query)})
        said = types.of(inner, sent=True)
        arguments.append(f"{name}: {said}" if needed else f"{name}: {_optional(said)} = UNSET")
        fields.append(f"{field!r}: {name}")
    if body_schema is not None:
        arguments.append(f"body: {types.of(body_schema, sent=True)}")
        call.append("body=body")
    elif operation.get("requestBody"):
        call.append(f"body={{{', '.join(fields)}}}")
    asked = []
    for each in query:
        said = types.of(each["schema"], sent=True)
        name = _argument(each["name"], set(variables))
        arguments.append(f"{name}: {said}" if each.get("required") else f"{name}: {_optional(said)} = UNSET")
        asked.append(f"{each['name']!r}: {name}")
    if ("header", "If-Match") in named:
        if named["header", "If-Match"].get("required"):
            arguments.append("if_match: State")
        else:
            arguments.append("if_match: State | None")
        call.append("if_match=if_match")
    if ("header", "Idempotency-Key") in named:
        arguments.append("idempotency_key: str | None = None")
        call.append("idempotency_key=idempotency_key")
    if arguments[-1] == "*":
        arguments.pop()
    needed_first = [*arguments]
    if "*" in needed_first:
        star = needed_first.index("*")
        rest = sorted(needed_first[star + 1 :], key=lambda text: " = " in text)
        needed_first = [*needed_first[: star + 1], *rest]
    doc = _doc(_told(operation, named))
    signature = ", ".join(needed_first)
    if paged:
        iterator = "Iterator" if sync else "AsyncIterator"
        return (
            f"    def {operation['operationId']}({signature}) -> {iterator}[{answer}]:\n        {doc}\n"
            f"        return self._pages({_path(path)}, {{{', '.join(asked)}}})\n\n"
        )
    if asked:
        call.append(f"query={{{', '.join(asked)}}}")
    define, wait = ("def", "") if sync else ("async def", "await ")
    text = f"    {define} {operation['operationId']}({signature}) -> {answer}:\n        {doc}\n"
    if answer == "None":
        return text + f"        {wait}self._ask({', '.join(call)})\n\n"
    return text + f"        found: {answer} = {wait}self._ask({', '.join(call)})\n        return found\n\n"


def _told(operation: Schema, named: dict[tuple[str, str], Schema]) -> str:
    text: str = operation.get("description") or operation["summary"]
    if ("header", "If-Match") in named:
        new = "" if named["header", "If-Match"].get("required") else ", ``None`` to add it"
        text += f"\n\n``if_match``: the thing as it was read, its entity tag, or ``*`` for any state{new}."
    return text


def _answer(operation: Schema, types: Types) -> tuple[str, bool]:
    """What a method returns, and whether it is a page's entries."""
    for status, response in sorted(operation["responses"].items()):
        if not status.startswith("2"):
            continue
        content = response.get("content", {})
        if JSON not in content:
            return ("str" if content else "None"), False
        schema = content[JSON]["schema"]
        name = schema.get("$ref", "").rpartition("/")[2]
        if name.endswith("Page"):
            return f"models.{name.removesuffix('Page')}", True
        return types.of(schema), False
    return "None", False


def _body(
    operation: Schema, schemas: dict[str, Schema]
) -> tuple[list[tuple[str, Schema, bool]], Schema | None]:
    """The fields of an object that is sent, each with whether it is needed; or the schema of anything else."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content is None:
        return [], None
    schema = content["schema"]
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if "properties" not in named and named.get("additionalProperties", True) is not False:
        return [], schema
    needed = set(named.get("required", ()))
    return [(field, inner, field in needed) for field, inner in named.get("properties", {}).items()], None


def _whole(tags: list[str], *, sync: bool) -> str:
    folder, name = ("sync", "Client") if sync else ("asynchronous", "AsyncClient")
    text = NOTE.format(what="Every operation of the admin API") + FUTURE
    for tag in tags:
        room = tag.replace("-", "_")
        text += f"from wardgate.client.{folder}.{room} import {_class(tag)}\n"
    text += f"\n\nclass {name}({', '.join(_class(tag) for tag in tags)}):\n"
    text += (
        '    """A client of the admin API: one method an operation, named as in its OpenAPI document."""\n'
    )
    return text


def _path(path: str) -> str:
    return "f" * ("{" in path) + repr(re.sub(r"\{(\w+)\}", r"{segment(\1)}", path))


def _optional(said: str) -> str:
    """``said``, or nothing given; ``None`` stands last."""
    return f"{said.removesuffix(' | None')} | Unset{' | None' if said.endswith(' | None') else ''}"


def _model(name: str) -> str:
    """What the model of a schema is called: one that is sent and answered has two forms."""
    return name.replace("-Output", "").replace("-Input", "Input")


def _class(tag: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[-_ ]", tag))


def _argument(name: str, taken: set[str]) -> str:
    return f"{name}_" if name in taken | _TAKEN else name


def _doc(text: str) -> str:
    body = text.strip().replace("\\", "\\\\").replace('"""', "'''").replace("\n", "\n        ")
    return f'"""{body}{" " if body.endswith(chr(34)) else ""}"""'


def formatted(files: dict[Path, str]) -> dict[Path, str]:
    """The modules as ruff writes them, without imports that nothing uses."""
    found = {}
    for path, text in files.items():
        for command in (
            [
                "check",
                "--fix-only",
                "--quiet",
                "--select",
                "F401,I,RUF022",
                "--isolated",
                "--line-length",
                "110",
            ],
            ["format", "--quiet"],
        ):
            ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
            text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
        found[path] = text
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
