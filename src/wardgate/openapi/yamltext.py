"""Plain data as YAML text that YAML 1.1 and 1.2 readers read alike."""

from __future__ import annotations

from typing import Any

import yaml

from wardgate.openapi.scalars import reads_as_text

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would not read as text, and writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # A backslash escape keeps what a quoted scalar would fold or a reader would refuse.
    style = None
    if not text.isprintable():
        style = '"'
    elif not reads_as_text(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number(dumper: _Dumper, value: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", _float_text(value))


def _float_text(value: float) -> str:
    text = repr(value)
    # YAML 1.1 wants a dot before an exponent.
    return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


def dump_yaml(data: Any) -> str:
    """``data`` (dicts, lists, text, numbers, true, false, null) as YAML; keys keep their order.

    Raises:
        yaml.representer.RepresenterError: a value has no YAML form here.
    """
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=_WIDTH
    )
