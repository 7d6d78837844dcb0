"""``environments[].identity_providers``: where else people of an environment may sign in. No secret has a place here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of
from typing import Any, get_args

from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.limit_text import shown
from wardgate.control.document.names import LINE, NAME, NAME_WORDS, TITLE, TITLE_WORDS
from wardgate.domain.provider import (
    AUTHENTICATIONS,
    MANY_TENANTS,
    ON_OVERAGE,
    PRESET_ISSUERS,
    PROVIDER_ID,
    PROVIDER_SCOPE,
    RESERVED_IDS,
    TENANT_ID,
    PresetName,
    ProviderEntry,
    ProviderSettings,
    whole_issuer,
)
from wardgate.domain.template import NAME as VARIABLE
from wardgate.jose.keys import ALGORITHMS
from wardgate.openapi.tree import Node, Path, Scalar

_SECRET = re.compile(rf"\$\{{secret:({VARIABLE})\}}")
_PRESETS: tuple[PresetName, ...] = get_args(PresetName)
#: What means something to the provider alone.
_ANY = r"(?s:.*)"
_URL = r"[\x21-\x7e]{1,2048}"
_TEXTS = {
    "tenants": (LINE, "the id of a directory, as 8-4-4-4-12 hexadecimal digits"),
    "domains": (_ANY, "a domain such as example.com"),
    "scopes": (PROVIDER_SCOPE.pattern, "a scope without spaces"),
    "algorithms": (LINE, "a signature algorithm such as RS256"),
    "assertion_clients": (_ANY, "a client_id"),
}
_MAPPED = {
    "roles": (NAME, NAME_WORDS),
    "groups": (NAME, NAME_WORDS),
    "operators": (
        r"[a-z0-9][a-z0-9._-]{0,63}(?:@(?:[a-z0-9][a-z0-9._-]{0,63})?)?",
        "a role of operators, as ROLE or ROLE@PROJECT",
    ),
}
_CLAIMS = ("groups_claim", "roles_claim", "name_claim")
_KEYS = (
    *("id", "name", "preset", "issuer", "client_id", "client_secret", "authentication", "tenant"),
    *("create", "on_overage", *_TEXTS, *_MAPPED, *_CLAIMS),
)


def read_providers(fields: Fields) -> tuple[ProviderEntry, ...] | None:
    """The providers of an environment, ``None`` where it names none; what is wrong with them is noted."""
    if "identity_providers" not in fields:
        return None
    found: dict[str, ProviderEntry] = {}
    for node, path in fields.items("identity_providers"):
        entry = _provider(fields.report, node, path)
        if entry.id and entry.id in found:
            message = f"the provider {entry.id!r} is declared twice"
            fields.report.add(node.line, path, message, "Merge the two, or give one another id")
        found[entry.id] = entry
    return tuple(found.values())


def provider_data(entry: ProviderEntry) -> dict[str, Any]:
    """The keys that :func:`read_providers` reads as an equal entry: never a secret."""
    data: dict[str, Any] = {"id": entry.id, "name": entry.name, "preset": entry.preset}
    if entry.issuer != whole_issuer(entry.preset, "", entry.settings.tenant):
        data["issuer"] = entry.issuer
    data["client_id"] = entry.client_id
    if entry.client_secret:
        data["client_secret"] = f"${{secret:{entry.client_secret}}}"
    return data | entry.settings.document()


def provider_text(entry: ProviderEntry) -> str:
    """A provider in a few words."""
    mapped = [f"{kind} {_pairs(each)}" for kind in _MAPPED if (each := getattr(entry.settings, kind))]
    return ", ".join([f"{entry.preset}, {entry.issuer}, client {shown(entry.client_id)}", *mapped])


def provider_changes(old: ProviderEntry, new: ProviderEntry) -> Iterator[str]:
    """What differs between two states of a provider."""
    for name in ("name", "preset", "issuer", "client_id"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {shown(getattr(old, name))} -> {shown(getattr(new, name))}"
    if old.client_secret != new.client_secret:
        yield f"client_secret: {_named(old.client_secret)} -> {_named(new.client_secret)}"
    elif old.stale and not new.stale:
        yield f"client_secret: {_named(new.client_secret)}, which was set anew"
    for item in fields_of(ProviderSettings):
        before, after = getattr(old.settings, item.name), getattr(new.settings, item.name)
        if before == after:
            continue
        if isinstance(before, Mapping):
            yield from _mapping_changes(item.name, before, after)
        else:
            yield f"{item.name}: {_value(before)} -> {_value(after)}"


def _mapping_changes(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for group in sorted(before.keys() | after.keys()):
        for name in before.get(group, ()):
            if name not in after.get(group, ()):
                yield f"- {kind} {shown(group)}: {name}"
        for name in after.get(group, ()):
            if name not in before.get(group, ()):
                yield f"+ {kind} {shown(group)}: {name}"


def _pairs(mapped: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{shown(group)}: {', '.join(names)}" for group, names in mapped.items())


def _value(value: Any) -> str:
    return ", ".join(value) or "as usual" if isinstance(value, tuple) else shown(value)


def _named(secret: str) -> str:
    return f"${{secret:{secret}}}" if secret else "given by itself"


def _provider(report: Report, node: Node, path: Path) -> ProviderEntry:
    fields = Fields(report, node, path, _KEYS)
    id_ = fields.required(
        "id", PROVIDER_ID.pattern, "1 to 40 small letters, digits and hyphens, such as okta"
    )
    if id_ in RESERVED_IDS:
        fields.problem("id", f"the id {id_!r} has another meaning", "Give the provider another id")
    name = fields.required("name", TITLE, f"what people know it by, such as Okta: {TITLE_WORDS}")
    if "preset" not in fields:
        fields.problem(None, "the key 'preset' is missing", f"Add it: {', '.join(_PRESETS)}")
    preset = fields.choice("preset", _PRESETS, None)
    settings = _settings(fields)
    if preset is not None:
        _check_tenants(fields, preset, settings)
    issuer = _issuer(fields, preset, settings)
    client_id = fields.required("client_id", r"[\x20-\x7e]{1,500}", "what the provider calls this client")
    entry = ProviderEntry(
        id=id_,
        name=name,
        preset=preset or "generic",
        issuer=issuer,
        client_id=client_id,
        client_secret=_secret(fields, settings),
        settings=settings,
    )
    report.providers.append((entry, fields))
    return entry


def _secret(fields: Fields, settings: ProviderSettings) -> str:
    """The name of the secret that is meant. What may be the secret itself is never repeated."""
    node = fields.entries.get("client_secret")
    if node is None:
        return ""
    value = node.value if isinstance(node, Scalar) else None
    match = _SECRET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        fields.problem(
            "client_secret",
            "a client secret has no place in a document",
            "Set it with `wardgate environments secret set ENVIRONMENT NAME`, and write ${secret:NAME}",
        )
        return ""
    if settings.authentication == "private_key_jwt":
        fields.problem(
            "client_secret",
            "with private_key_jwt the provider is shown a key, which is no secret of an environment",
            "Leave it out, and give the key with `wardgate idp secret ID --client-secret-stdin`",
        )
    return match[1]


def _issuer(fields: Fields, preset: PresetName | None, settings: ProviderSettings) -> str:
    url = fields.text("issuer", "", _URL, "a URL such as https://id.example.com")
    if preset is None:
        return url
    if not url and "issuer" not in fields and not PRESET_ISSUERS[preset]:
        message = f"the key 'issuer' is missing, as {preset} has no issuer of its own"
        fields.problem(
            None, message, "Add it, exactly as the provider writes it, such as https://id.example.com"
        )
    return whole_issuer(preset, url, settings.tenant)


def _settings(fields: Fields) -> ProviderSettings:
    usual = ProviderSettings()
    given: dict[str, Any] = {key: fields.texts(key, *form) for key, form in _TEXTS.items()}
    given |= {key: _mapped(fields, key, *form) for key, form in _MAPPED.items()}
    given |= {key: fields.text(key, getattr(usual, key), empty=True) for key in _CLAIMS}
    for key in ("tenants", "domains"):
        given[key] = tuple(each.lower() for each in given[key])
    settings = ProviderSettings(
        tenant=fields.text("tenant", "", LINE, "the id of a directory, or organizations or common").lower(),
        on_overage=fields.choice("on_overage", ON_OVERAGE, usual.on_overage),
        create=fields.flag("create", False),
        authentication=fields.choice("authentication", AUTHENTICATIONS, usual.authentication),
        **given,
    )
    fields.unknown(
        "algorithms",
        settings.algorithms,
        ALGORITHMS,
        "{} is no signature that id tokens are verified with",
        "algorithms",
        lambda value: f"Choose among {', '.join(sorted(ALGORITHMS))}",
    )
    return settings


def _mapped(fields: Fields, key: str, pattern: str, words: str) -> dict[str, tuple[str, ...]]:
    inner = fields.child(key, ())
    return {} if inner is None else {group: inner.texts(group, pattern, words) for group in inner.entries}


def _check_tenants(fields: Fields, preset: PresetName, settings: ProviderSettings) -> None:
    many = settings.tenant in MANY_TENANTS
    if preset != "google" and settings.domains:
        fields.problem("domains", "only google has hosted domains", "Remove it")
    if preset != "entra":
        for key in ("tenant", "tenants"):
            if key in fields:
                fields.problem(key, "only entra has directories", "Remove it")
        return
    if "tenant" not in fields:
        remedy = "Add `tenant:` with the id of the directory, or organizations or common"
        fields.problem(None, "the key 'tenant' is missing", remedy)
    elif settings.tenant and not many and not TENANT_ID.fullmatch(settings.tenant):
        remedy = "Write 8-4-4-4-12 hexadecimal digits, or organizations or common"
        fields.problem("tenant", f"{settings.tenant!r} is no id of a directory", remedy)
    if many and not settings.tenants:
        message = f"the tenant {settings.tenant!r} lets in whoever makes a directory"
        fields.problem("tenant", message, "Add `tenants:` with those whose people may come")
    if settings.tenants and not many:
        fields.problem(
            "tenants", "one directory has no list of them", "Remove it, or write `tenant: organizations`"
        )
    for item, place in fields.items("tenants"):
        value = str(item.value).lower() if isinstance(item, Scalar) else ""
        if value in settings.tenants and not TENANT_ID.fullmatch(value):
            message = f"{value!r} is no id of a directory"
            fields.report.add(item.line, place, message, "Write 8-4-4-4-12 hexadecimal digits")
