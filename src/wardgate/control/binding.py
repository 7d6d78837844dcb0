"""Binds an API to an environment: the environment's variables go where the API names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wardgate.control.document.names import HOST
from wardgate.control.document.upstreams import target_problem
from wardgate.control.document.urls import url_problem
from wardgate.control.errors import ControlError
from wardgate.domain.api import Api
from wardgate.domain.codec import decode_api, encode_api
from wardgate.domain.environment import Environment, EnvironmentSettings
from wardgate.domain.template import TemplateError, bound, half_bound

Fill = Callable[[str], str]


class BindingError(ControlError):
    """An API cannot be bound to an environment; the code is ``binding_failed``. ``missing`` is the name it wants."""

    def __init__(self, api: str, place: str, message: str, remedy: str, missing: str = "") -> None:
        super().__init__("binding_failed", f"{api} cannot be bound: at {place}, {message}", remedy)
        self.api = api
        self.place = place
        self.missing = missing


def bind(api: Api, settings: EnvironmentSettings, secret_names: frozenset[str]) -> Api:
    """``api`` as it is served in an environment with these settings and secrets.

    Variables may stand in targets, TLS settings and headers of the upstream, in hosts, in settings of ``oauth2`` and of
    policies; secrets in headers and in settings of policies, where the text keeps them (``domain/template.py``).

    Raises:
        BindingError: a variable or secret is missing, or what came of it cannot be used.
    """
    data = encode_api(api)
    fill = _Filler(api.id, settings, secret_names)
    upstream = data["upstream"]
    for key in ("targets", "tls"):
        upstream[key] = fill.plain(upstream[key], f"upstream.{key}")
    upstream["headers"] = fill.secret(upstream["headers"], "upstream.headers")
    data["hosts"] = fill.plain(data["hosts"], "hosts")
    data["oauth2"] = fill.plain(data["oauth2"], "security.oauth2")
    data["policies"] = fill.secret(data["policies"], "policies")
    for resource in data["resources"]:
        if resource["policies"]:
            place = f"policies of {resource['method']} {resource['path']}"
            resource["policies"] = fill.secret(resource["policies"], place)
    if not fill.changed:
        return api
    result = decode_api(data)
    _check(result)
    return result


def bind_to(api: Api, environment: Environment, secret_names: frozenset[str]) -> Api:
    """The same with an error that names the environment and how to give it what is missing.

    Raises:
        BindingError: see :func:`bind`.
    """
    try:
        return bind(api, environment.settings, secret_names)
    except BindingError as error:
        error.message = f"{error.message} (environment {environment.name})"
        error.args = (error.code, error.message, error.remedy)
        raise


def _check(api: Api) -> None:
    """What variables made is checked as what is written would be."""
    for index, target in enumerate(api.upstream.targets):
        if trouble := target_problem(target):
            raise _unusable(api, f"upstream.targets[{index}]", f"the target cannot be used: {trouble}")
    for name in ("ca", "certificate", "key"):
        file = getattr(api.upstream.tls, name)
        if file is not None and not file.startswith("/"):
            raise _unusable(api, f"upstream.tls.{name}", "the file is not named by an absolute path")
    for index, host in enumerate(api.hosts):
        if not re.fullmatch(HOST, host):
            raise _unusable(api, f"hosts[{index}]", f"{host!r} is no host name in lower case")
    for name, value in api.upstream.headers.items():
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise _unusable(api, f"upstream.headers[{name!r}]", "the value holds control characters")
    oauth2 = api.oauth2
    if oauth2 is None:
        return
    urls = [("security.oauth2.token_endpoint", oauth2.token_endpoint)]
    for index, issuer in enumerate(oauth2.issuers):
        place = f"security.oauth2.issuers[{index}]"
        urls += [
            (f"{place}.issuer", issuer.issuer if issuer.kind != "builtin" else ""),
            (f"{place}.jwks_uri", issuer.jwks_uri),
            (f"{place}.introspection_endpoint", issuer.introspection_endpoint),
        ]
    for place, url in urls:
        if url and (trouble := url_problem(url, query=True)):
            raise _unusable(api, place, f"the URL cannot be used: {trouble}")


def _unusable(api: Api, place: str, message: str) -> BindingError:
    return BindingError(api.id, place, message, "Correct the variable of the environment")


class _Filler:
    """Fills every text of a part of an API in, and says where it could not."""

    def __init__(self, api: str, settings: EnvironmentSettings, secret_names: frozenset[str]) -> None:
        self._api = api
        self._variables = settings.variables
        self._secrets = secret_names
        self.changed = False

    def plain(self, value: Any, place: str) -> Any:
        """With variables alone."""
        return self._filled(value, place, lambda text: bound(text, self._variables))

    def secret(self, value: Any, place: str) -> Any:
        """With variables, and room for secrets."""
        return self._filled(value, place, lambda text: half_bound(text, self._variables, self._secrets))

    def _filled(self, value: Any, place: str, fill: Fill) -> Any:
        if isinstance(value, str):
            if "$" not in value:
                return value
            try:
                filled = fill(value)
            except TemplateError as error:
                raise self._error(error, place) from error
            self.changed = self.changed or filled != value
            return filled
        if isinstance(value, dict):
            return {key: self._filled(item, f"{place}.{key}", fill) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, f"{place}[{index}]", fill) for index, item in enumerate(value)]
        return value

    def _error(self, error: TemplateError, place: str) -> BindingError:
        if not error.name:
            remedy = "Correct the text"
        elif error.secret and "must not" in str(error):
            remedy = "Secrets may stand in upstream.headers and in settings of policies only"
        elif error.secret:
            remedy = f"Set it with `wardgate environments secret set ENVIRONMENT {error.name}`"
        else:
            remedy = f"Set it with `wardgate environments variable set ENVIRONMENT {error.name} VALUE`"
        return BindingError(self._api, place, str(error), remedy, error.name)
