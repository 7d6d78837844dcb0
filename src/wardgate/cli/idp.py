"""``wardgate idp``: foreign OpenID providers that people may sign in with."""

from __future__ import annotations

import sys
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.idpviews import PROVIDER_HEAD, provider_fields, provider_json, provider_row
from wardgate.cli.options import ENVIRONMENT, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table, printable

if TYPE_CHECKING:
    from wardgate.client import models

app = App(
    name="idp", help="Add, check, suspend and remove foreign OpenID providers that people sign in with."
)

_LONGEST_SECRET = 16 * 1024

_Id = Annotated[str, Parameter(help="The provider's id, as `wardgate idp list` shows it.")]
_List = list[str] | None


@app.command
def add(
    preset: Annotated[
        Literal["okta", "entra", "google", "generic"],
        Parameter(help="The kind of provider; generic for any other that has OpenID Connect discovery."),
    ],
    /,
    *,
    name: Annotated[str, Parameter(help="What people know it by; the sign-in page shows it.")],
    client_id: Annotated[str, Parameter(help="What the provider calls this installation.")],
    client_secret_stdin: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Read the client secret from standard input: its first line, or a whole key in PEM.",
        ),
    ] = False,
    issuer: Annotated[
        str,
        Parameter(
            help="The issuer, exactly as the provider writes it, such as https://example.okta.com. Not needed for "
            "google and entra; for a national cloud of entra its authority."
        ),
    ] = "",
    tenant: Annotated[
        str, Parameter(help="Entra: the directory (tenant) ID, or organizations or common for several.")
    ] = "",
    allow_tenant: Annotated[
        _List,
        Parameter(
            negative=(),
            help="Entra, with organizations or common: a directory whose people may come; may be given again.",
        ),
    ] = None,
    domain: Annotated[
        _List,
        Parameter(
            negative=(),
            help="Google: a hosted domain whose people alone may come, such as example.com; may be given again.",
        ),
    ] = None,
    role: Annotated[
        _List,
        Parameter(
            negative=(),
            help="GROUP=ROLE: whoever is in that group (or has that role) at the provider has the role here; may be "
            "given again.",
        ),
    ] = None,
    group: Annotated[
        _List,
        Parameter(
            negative=(),
            help="GROUP=NAME: whoever is in that group at the provider is in the group NAME here; may be given again.",
        ),
    ] = None,
    operator: Annotated[
        _List,
        Parameter(
            negative=(),
            help="GROUP=ROLE or GROUP=ROLE@PROJECT: whoever is in that group at the provider is an operator with that "
            "role, everywhere or in one project; may be given again.",
        ),
    ] = None,
    create: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Make an account for everybody who signs in with it and has none; by default nobody.",
        ),
    ] = False,
    on_overage: Annotated[
        Literal["refuse", "ignore"],
        Parameter(
            help="What becomes of people in more groups than the provider tells: no sign-in, or no groups."
        ),
    ] = "refuse",
    authentication: Annotated[
        Literal["client_secret_basic", "client_secret_post", "private_key_jwt"],
        Parameter(help="How this installation proves who it is to the provider."),
    ] = "client_secret_basic",
    scope: Annotated[
        _List, Parameter(negative=(), help="Scope to ask for instead of the usual ones; may be given again.")
    ] = None,
    algorithm: Annotated[
        _List,
        Parameter(
            negative=(), help="Signature accepted on id tokens instead of the usual ones; may be given again."
        ),
    ] = None,
    groups_claim: Annotated[
        str, Parameter(help="The claim that holds the groups; dots lead into it, as in realm_access.roles.")
    ] = "groups",
    assertion_client: Annotated[
        _List,
        Parameter(
            negative=(),
            help="Client (by client_id) that may trade the provider's assertions about linked people for tokens (RFC "
            "7523); may be given again; by default none.",
        ),
    ] = None,
    id_: Annotated[
        str,
        Parameter(name="--id", help="Its id, a part of the redirect URI; by default made of the name."),
    ] = "",
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Add a provider that people may sign in with.

    Register the redirect URI at the provider: the issuer of this installation with /oauth2/federation/ID/callback. But in
    the first environment it waits, suspended, until another person restores it: status 3.
    """
    settings: dict[str, Any] = {
        "tenant": tenant,
        "tenants": allow_tenant or [],
        "domains": domain or [],
        "roles": _roles("--role", role or []),
        "groups": _roles("--group", group or []),
        "operators": _roles("--operator", operator or []),
        "create": create,
        "on_overage": on_overage,
        "authentication": authentication,
        "scopes": scope or [],
        "algorithms": algorithm or [],
        "groups_claim": groups_claim,
        "assertion_clients": assertion_client or [],
    }
    secret = _secret() if client_secret_stdin else ""

    with client_for(where, environment=environment) as client:
        provider = client.add_provider(
            preset=preset,
            name=name,
            client_id=client_id,
            secret=secret,
            issuer=issuer,
            id_=id_,
            environment=environment,
            settings=cast("models.ProviderSettings", settings),
        )
    _show(provider, json_=json_)
    if not provider["held"]:
        return DONE
    print(
        f"people sign in by it; another person agrees with: wardgate idp restore {provider['id']} --reason WHY",
        file=sys.stderr,
    )
    return 3


@app.command(name="list")
def list_(
    *,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List providers, never their secrets."""
    with client_for(where) as client:
        found = list(client.list_providers(environment=environment, limit=MOST))
    if json_:
        print_json({"providers": [provider_json(each) for each in found]})
    elif found:
        print_table(PROVIDER_HEAD, [provider_row(each) for each in found])
    else:
        print("no providers; add one with: wardgate idp add okta|entra|google|generic", file=sys.stderr)


@app.command
def show(provider_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show all that is set of a provider, with the public key to register at it if it has one."""
    with client_for(where) as client:
        provider = client.show_provider(provider_id)
    _show(provider, json_=json_)


@app.command
def test(
    provider_id: _Id,
    /,
    *,
    outbound_allow: Annotated[
        _List,
        Parameter(
            negative=(),
            help="Network (CIDR) that is not public and may be called, as for `wardgate serve`; may be given again.",
        ),
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Read a provider's metadata and keys, and say what is wrong; the status is 0 if nothing is, else 1."""
    _check_networks(where, outbound_allow or [])
    with client_for(where, outbound_allow=tuple(outbound_allow or ())) as client:
        found = client.check_provider(provider_id)
    findings = found["findings"]
    if json_:
        print_json({"id": provider_id, "right": found["right"], "findings": findings})
    else:
        print_table(
            ("CHECK", "", "FOUND"),
            [(each["what"], "ok" if each["right"] else "WRONG", each["detail"]) for each in findings],
        )
    return DONE if found["right"] else REFUSED


@app.command
def secret(
    provider_id: _Id,
    /,
    *,
    client_secret_stdin: Annotated[
        bool, Parameter(negative=(), help="Read the new one from standard input, as `wardgate idp add` does.")
    ],
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Replace the client secret, or key, that is shown to a provider."""
    if not client_secret_stdin:
        raise CommandError("secret_missing", "There is no new secret", "Add --client-secret-stdin")
    new = _secret()
    with client_for(where) as client:
        state = client.show_provider(provider_id)
        _changed(
            client.set_provider_secret(provider_id, secret=new, if_match=state),
            "has a new secret",
            json_=json_,
        )


@app.command
def suspend(provider_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Let nobody sign in with a provider until it is restored; who is signed in stays so."""
    with client_for(where) as client:
        changed = client.suspend_provider(provider_id, if_match=client.show_provider(provider_id))
    _changed(changed, "is suspended", json_=json_)


@app.command
def restore(
    provider_id: _Id,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; needed for one that is held.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Let people sign in with a suspended provider again. One that is held takes another person than who made it so."""
    with client_for(where) as client:
        found = client.show_provider(provider_id)
        changed = client.restore_provider(provider_id, if_match=found, reason=reason)
    _changed(changed, "is active", json_=json_)


@app.command
def remove(provider_id: _Id, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete a provider with all links to it, and the roles its groups gave."""
    with client_for(where) as client:
        provider = client.show_provider(provider_id)
        client.remove_provider(provider_id, if_match=provider)
    _changed(provider, "is removed", json_=json_)


def _check_networks(where: Where, networks: list[str]) -> None:
    """Raises CommandError for what is no network, or is not for this command to say."""
    if where.server and networks:
        raise CommandError(
            "network_refused",
            "Which networks a server calls is for its own operator to say",
            "Leave --outbound-allow out, and give it to `wardgate serve`",
        )
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise CommandError(
                "network_invalid", f"--outbound-allow: {error}", "Write a network such as 10.0.0.0/8"
            ) from error


def _roles(option: str, pairs: list[str]) -> dict[str, list[str]]:
    """What groups are mapped to, by group. The last ``=`` divides: groups may hold one. Raises CommandError."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        group, equals, role = pair.rpartition("=")
        if not equals or not group or not role:
            raise CommandError(
                "role_invalid", f"{option} {pair!r} names no group and role", "Write GROUP=ROLE"
            )
        found.setdefault(group, []).append(role)
    return found


def _secret() -> str:
    """The secret on standard input. Raises CommandError: there is none."""
    text = sys.stdin.read(_LONGEST_SECRET + 1)
    if not text.lstrip().startswith("-----BEGIN "):
        text = text.partition("\n")[0].strip()
    if not text:
        raise CommandError(
            "secret_missing", "Standard input holds no client secret", "Write it there, as in: ... < file"
        )
    return text


def _show(provider: models.Provider, *, json_: bool) -> None:
    if json_:
        shown = {"links": provider["links"], "public_key": provider["public_key"]}
        print_json({**provider_json(provider), **shown})
    else:
        print_fields(provider_fields(provider))


def _changed(provider: models.Provider, what: str, *, json_: bool) -> None:
    if json_:
        print_json(provider_json(provider))
    else:
        print(f"{provider['id']} ({printable(provider['name'])}) {what}")
