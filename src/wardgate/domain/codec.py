"""Domain data to JSON-able dicts and back, strictly: what ``encode`` writes is all that ``decode`` accepts.

Encoding writes every field, defaults included, so that a stored revision keeps its meaning when a default changes
later. Decoding refuses unknown keys, missing keys and wrong types (a ``bool`` is no ``int``) and names the place.
Coders are compiled once per class from its type hints, which keeps 10,000 resources well under 0.3 s.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from wardgate.domain.api import Api
from wardgate.domain.limit import Plan

T = TypeVar("T")
Coder = Callable[[Any], Any]


class CodecError(ValueError):
    """Stored data does not have the form its class asks for; ``path`` is where (``resources[3].method``)."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path

    def below(self, step: str) -> CodecError:
        """The same error seen from one level further out; ``step`` is a field name or ``[index]``."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return CodecError(self.message, f"{step}{joint}{self.path}")


def encode_api(api: Api) -> dict[str, Any]:
    """``api`` as a JSON-able dict from which :func:`decode_api` makes an equal one."""
    return _encoded_object(api)


def decode_api(data: Any) -> Api:
    """The API :func:`encode_api` wrote. Raises CodecError."""
    return decode(Api, data)


def encode_plan(plan: Plan) -> dict[str, Any]:
    """``plan`` as a JSON-able dict from which :func:`decode_plan` makes an equal one."""
    return _encoded_object(plan)


def decode_plan(data: Any) -> Plan:
    """The plan :func:`encode_plan` wrote. Raises CodecError."""
    return decode(Plan, data)


def encode(value: Any) -> Any:
    """Any domain dataclass (or a field's value) as JSON-able data; tuples and sets become lists.

    Raises:
        CodecError: a value has no JSON form.
    """
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool or kind is float:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return _encoded_object(value)
    if isinstance(value, Mapping):
        return {_text(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(_text(item) for item in value)
    raise CodecError(f"a {kind.__name__} has no JSON form")


def decode(cls: type[T], data: Any) -> T:
    """An instance of the dataclass ``cls`` from what :func:`encode` made of one.

    Raises:
        CodecError: an unknown or missing key, or a value of the wrong type.
    """
    hint: Any = cls
    value: T = _decoder(hint)(data)
    return value


def _encoded_object(value: Any) -> dict[str, Any]:
    cls: Any = type(value)
    return {name: encode(getattr(value, name)) for name in _field_names(cls)}


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(item.name for item in _stored(cls))


def _stored(cls: type) -> list[Field[Any]]:
    """The fields that are written and read; one with ``stored`` false in its metadata is no part of the stored form, nor
    is one that follows from others."""
    return [item for item in fields(cls) if item.init and item.metadata.get("stored", True)]


@cache
def _decoder(hint: Any) -> Coder:
    """The decoder of one type hint."""
    origin = get_origin(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is Any:
        return encode
    if origin is Literal:
        return _literal(get_args(hint))
    if origin in (Union, types.UnionType):
        return _optional(get_args(hint))
    if origin is tuple and get_args(hint)[1:] == (...,):
        return _sequence(_decoder(get_args(hint)[0]))
    if hint == frozenset[str]:
        return _text_set
    if isinstance(origin, type) and issubclass(origin, Mapping) and get_args(hint)[0] is str:
        return _mapping(_decoder(get_args(hint)[1]))
    raise TypeError(f"the codec knows no form for the type {hint!r}")


def _dataclass(cls: type) -> Coder:
    hints = get_type_hints(cls)
    plan = tuple((item.name, _decoder(hints[item.name])) for item in _stored(cls))
    names = frozenset(name for name, _ in plan)
    required = frozenset(
        item.name for item in _stored(cls) if item.default is MISSING and item.default_factory is MISSING
    )

    def coder(data: Any) -> Any:
        if type(data) is not dict:
            raise CodecError(f"expected the fields of {cls.__name__}, found {_described(data)}")
        if not names >= data.keys():
            raise CodecError(f"unknown field {min(data.keys() - names, key=str)!r} of {cls.__name__}")
        if not data.keys() >= required:
            raise CodecError(f"missing field {min(required - data.keys())!r} of {cls.__name__}")
        values = {}
        for name, inner in plan:
            if name in data:
                try:
                    values[name] = inner(data[name])
                except CodecError as error:
                    raise error.below(name) from None
        return cls(**values)

    return coder


def _optional(options: tuple[Any, ...]) -> Coder:
    inner = [_decoder(option) for option in options if option is not type(None)]
    if len(inner) != 1 or len(options) != 2:
        raise TypeError(f"the codec knows optional types only, not a union of {options!r}")
    (only,) = inner
    return lambda data: None if data is None else only(data)


def _sequence(inner: Coder) -> Coder:
    def coder(data: Any) -> Any:
        if type(data) is not list:
            raise CodecError(f"expected a list, found {_described(data)}")
        try:
            return tuple([inner(item) for item in data])
        except CodecError:
            pass
        # The slow way round, taken on errors only, knows the index.
        for index, item in enumerate(data):
            try:
                inner(item)
            except CodecError as error:
                raise error.below(f"[{index}]") from None
        raise CodecError("the list changed while it was read")

    return coder


def _text_set(data: Any) -> frozenset[str]:
    values: tuple[str, ...] = _sequence(_text)(data)
    if list(values) != sorted(set(values)):
        raise CodecError("expected texts in order, each once")
    return frozenset(values)


def _mapping(inner: Coder) -> Coder:
    def coder(data: Any) -> Any:
        if type(data) is not dict:
            raise CodecError(f"expected a mapping, found {_described(data)}")
        values = {}
        for key, item in data.items():
            try:
                values[_text(key)] = inner(item)
            except CodecError as error:
                raise error.below(f"[{key!r}]") from None
        return values

    return coder


def _literal(options: tuple[Any, ...]) -> Coder:
    allowed = {(type(option), option) for option in options}

    def coder(data: Any) -> Any:
        if isinstance(data, (str, int)) and (type(data), data) in allowed:
            return data
        raise CodecError(f"expected one of {', '.join(map(repr, options))}, found {_described(data)}")

    return coder


def _text(data: Any) -> str:
    if type(data) is str:
        return data
    raise CodecError(f"expected text, found {_described(data)}")


def _integer(data: Any) -> int:
    if type(data) is int:
        return data
    raise CodecError(f"expected a whole number, found {_described(data)}")


def _number(data: Any) -> float:
    if type(data) is float or type(data) is int:
        return float(data)
    raise CodecError(f"expected a number, found {_described(data)}")


def _flag(data: Any) -> bool:
    if type(data) is bool:
        return data
    raise CodecError(f"expected true or false, found {_described(data)}")


def _described(data: Any) -> str:
    """The type alone, as a value may be confidential."""
    return "nothing" if data is None else f"a {type(data).__name__}"


_SCALARS: dict[Any, Coder] = {str: _text, int: _integer, float: _number, bool: _flag}
