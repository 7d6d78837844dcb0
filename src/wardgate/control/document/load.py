"""A document read from its files: every part checked, then everything that refers to something else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from wardgate.control.document.apis import read_api
from wardgate.control.document.applications import ReadApplication, read_application
from wardgate.control.document.clients import read_client
from wardgate.control.document.environments import read_environment
from wardgate.control.document.fields import Fields, Report, suggestion
from wardgate.control.document.groups import check_group_roles, read_group
from wardgate.control.document.opener import Opener
from wardgate.control.document.operating import read_operator_role, read_project
from wardgate.control.document.plans import read_plan
from wardgate.control.document.policies import check_policies
from wardgate.control.document.roles import check_role_scopes, read_role
from wardgate.control.document.server import read_server
from wardgate.control.document.sources import File, read_files
from wardgate.control.document.webhooks import read_webhook, shown_url
from wardgate.domain.access import Group
from wardgate.domain.document import (
    ApiEntry,
    AuthorizationServer,
    Document,
    DocumentError,
    EnvironmentEntry,
    Problem,
    WebhookEntry,
)
from wardgate.domain.limit import Plan
from wardgate.domain.oauth import OIDC_SCOPES, Client
from wardgate.domain.operator import OperatorRole, Project
from wardgate.domain.people import Role
from wardgate.domain.provider import ProviderEntry
from wardgate.domain.reserved import reserved, token_places
from wardgate.domain.versioning import Versioning, conflict_among
from wardgate.domain.webhook import MOST_WEBHOOKS
from wardgate.openapi.tree import path_text
from wardgate.policy.registry import PolicyLoadError, PolicyRegistry

_KNOWN = (
    "environments",
    "projects",
    "operator_roles",
    "apis",
    "plans",
    "roles",
    "groups",
    "applications",
    "authorization_server",
    "webhooks",
    "clients",
)


#: What rule of the authorization server a client does not keep: the key that is wrong, and how.
ClientProblem = Callable[[Client], tuple[str, str] | None]


#: Likewise of an identity provider.
ProviderProblem = Callable[[ProviderEntry], tuple[str, str] | None]


def no_problem(thing: object) -> tuple[str, str] | None:
    """Finds none."""
    return None


def load(
    path: Path,
    policies: PolicyRegistry | None = None,
    *,
    within: Path | None = None,
    client_problem: ClientProblem = no_problem,
    provider_problem: ProviderProblem = no_problem,
) -> Document:
    """The document at ``path``, a YAML file or a folder of them, with every reference in it resolved.

    ``policies`` are those it may use: by default all that the installed packages offer. With ``within`` no reference
    leads out of that folder. ``client_problem`` judges clients, and ``provider_problem`` identity providers; without them
    they are judged when the document is applied.

    Raises:
        DocumentError: something is wrong with it; holds every problem that could be found.
    """
    loader = _Loader(policies, Opener(within), client_problem, provider_problem)
    for file in read_files(path):
        loader.take(file)
    return loader.finish()


class _Loader:
    """Collects the parts of all files, then checks what they say of each other."""

    def __init__(
        self,
        policies: PolicyRegistry | None,
        opener: Opener,
        client_problem: ClientProblem,
        provider_problem: ProviderProblem,
    ) -> None:
        self._registry = policies
        self._client_problem = client_problem
        self._provider_problem = provider_problem
        self._opener = opener
        self._problems: list[Problem] = []
        self._reports: list[Report] = []
        self._apis: list[tuple[ApiEntry, Fields]] = []
        self._unread: set[str] = set()
        self._names_apis = False
        self._environments: list[tuple[EnvironmentEntry, Fields]] = []
        self._plans: list[tuple[Plan, Fields]] = []
        self._roles: list[tuple[Role, Fields]] = []
        self._groups: list[tuple[Group, Fields]] = []
        self._projects: list[tuple[Project, Fields]] = []
        self._operator_roles: list[tuple[OperatorRole, Fields]] = []
        self._applications: list[ReadApplication] = []
        self._webhooks: list[tuple[WebhookEntry, Fields]] | None = None
        self._clients: list[tuple[Client, Fields]] | None = None
        self._server: tuple[AuthorizationServer, Fields] | None = None

    def take(self, file: File) -> None:
        """Reads one file's plans, roles, applications, APIs and authorization server."""
        self._problems.extend(file.problems)
        report = Report(file.name)
        self._reports.append(report)
        root = Fields(report, file.tree, (), _KNOWN)
        self._names_apis = self._names_apis or "apis" in root
        for node, path in root.items("environments"):
            self._environments.append(read_environment(report, node, path))
        for node, path in root.items("projects"):
            self._projects.append(read_project(report, node, path))
        for node, path in root.items("operator_roles"):
            self._operator_roles.append(read_operator_role(report, node, path))
        for node, path in root.items("plans"):
            self._plans.append(read_plan(report, node, path))
        for node, path in root.items("roles"):
            self._roles.append(read_role(report, node, path))
        for node, path in root.items("groups"):
            self._groups.append(read_group(report, node, path))
        if "webhooks" in root:
            found = [read_webhook(report, node, path) for node, path in root.items("webhooks")]
            self._webhooks = [*(self._webhooks or ()), *found]
        if "clients" in root:
            read = [read_client(report, node, path) for node, path in root.items("clients")]
            self._clients = [*(self._clients or ()), *read]
        for node, path in root.items("applications"):
            self._applications.append(read_application(report, node, path))
        for node, path in root.items("apis"):
            api = read_api(report, node, path, file.folder, self._opener)
            if api.entry is None:
                self._unread.add(api.id)
            else:
                self._apis.append((api.entry, api.fields))
        server = read_server(root)
        if server is not None and self._server is not None:
            message = f"the authorization server is also named at {_place(self._server[1])}"
            root.problem("authorization_server", message, "Remove one of them")
        elif server is not None:
            self._server = (server, root)

    def finish(self) -> Document:
        """The whole document. Raises DocumentError with the problems of all files."""
        self._check_environments()
        self._check_providers()
        self._check_apis()
        self._check_token_places()
        self._check_issuers()
        self._check_plans()
        _check_different("project", ((each.name, fields) for each, fields in self._projects))
        _check_different("role of operators", ((each.name, fields) for each, fields in self._operator_roles))
        self._check_webhooks()
        self._check_clients()
        self._check_roles()
        self._check_groups()
        self._check_applications()
        self._check_policies()
        self._problems.extend(problem for report in self._reports for problem in report.problems)
        if self._problems:
            raise DocumentError(tuple(dict.fromkeys(self._problems)))
        return Document(
            apis=tuple(entry for entry, _ in self._apis),
            plans=tuple(plan for plan, _ in self._plans),
            roles=tuple(role for role, _ in self._roles),
            groups=tuple(sorted((group for group, _ in self._groups), key=lambda group: group.name)),
            projects=tuple(project for project, _ in self._projects),
            operator_roles=tuple(role for role, _ in self._operator_roles),
            applications=tuple(application.entry for application in self._applications),
            authorization_server=self._server[0] if self._server is not None else None,
            environments=tuple(entry for entry, _ in self._environments),
            webhooks=None if self._webhooks is None else tuple(entry for entry, _ in self._webhooks),
            clients=None if self._clients is None else tuple(client for client, _ in self._clients),
        )

    def _check_webhooks(self) -> None:
        read = self._webhooks or ()
        urls = ((each.url, fields) for each, fields in read)
        _check_different("webhook", urls, key="url", shown=shown_url, remedy="Merge the two")
        for _, fields in read[MOST_WEBHOOKS : MOST_WEBHOOKS + 1]:
            message = f"there may be {MOST_WEBHOOKS} webhooks, and these are {len(read)}"
            fields.problem(None, message, "Take out what is not needed")

    def _check_clients(self) -> None:
        read = self._clients or ()
        _check_different("client", ((each.id, fields) for each, fields in read), key="id")
        for client, fields in read:
            found = self._client_problem(client) if client.id and client.application else None
            if found is not None and not fields.wrong:
                key, message = found
                fields.problem(
                    key if key in fields else None, f"{key}: {message}", "Correct it, as docs/oauth.md says"
                )

    def _check_providers(self) -> None:
        """Each is of one environment. Two of one were told already."""
        homes: dict[str, tuple[str, Fields]] = {}
        for report in self._reports:
            for provider, fields in report.providers:
                home = path_text(fields.path[:2])
                known, first = homes.setdefault(provider.id, (f"{report.file} {home}", fields))
                if provider.id and known != f"{report.file} {home}":
                    message = f"the provider {provider.id!r} is also declared at {_place(first)}"
                    fields.problem("id", message, "Give one another id: each is of one environment")
                found = None if fields.wrong else self._provider_problem(provider)
                if found is not None:
                    fields.problem(
                        found[0], f"{found[0]}: {found[1]}", "Correct it, as docs/federation.md says"
                    )

    def _check_environments(self) -> None:
        names: dict[str, Fields] = {}
        tags: dict[str, tuple[str, Fields]] = {}
        production: dict[bool, Fields] = {}
        for entry, fields in self._environments:
            if entry.name and (first := names.setdefault(entry.name, fields)) is not fields:
                message = f"the environment {entry.name!r} is also declared at {_place(first)}"
                fields.problem("name", message, "Merge the two")
            other, first = (
                tags.setdefault(entry.tag, (entry.name, fields)) if entry.tag else (entry.name, fields)
            )
            if other != entry.name:
                message = f"the tag {entry.tag!r} is also that of {other!r}, at {_place(first)}"
                fields.problem("tag", message, "Give one of them another tag")
            if entry.production and (first := production.setdefault(True, fields)) is not fields:
                message = f"the environment for production is also declared at {_place(first)}"
                fields.problem("production", message, "Mark one of them")

    def _check_apis(self) -> None:
        ids: dict[str, Fields] = {}
        mounts: dict[tuple[str, str], list[tuple[str, Versioning | None]]] = {}
        plans = {plan.name for plan, _ in self._plans}
        for entry, fields in self._apis:
            api = entry.api
            if (first := ids.setdefault(api.id, fields)) is not fields:
                message = f"the API {api.id!r} is also declared at {_place(first)}"
                fields.problem("name", message, "Give one of them another name or version")
                continue
            for host in api.hosts or ("",):
                known = mounts.setdefault((host, api.base_path), [])
                other, why = conflict_among(known, api.versioning)
                known.append((api.id, api.versioning))
                if other:
                    where = f"on the host {host}" if host else "on every host"
                    message = f"the base path {api.base_path or '/'!r} {where} is also that of {other!r}"
                    remedy = "Give one of them another base path or other hosts"
                    key = "base_path" if "base_path" in fields else None
                    if api.versioning is not None:
                        key, message = "versioning", f"{message}, and they {why}"
                        remedy = (
                            "Tell them apart by the same header, or by media types, each with its own value"
                        )
                    fields.problem(key, message, remedy)
            fields.unknown("plans", api.plans, plans, "there is no plan {}", "plans")

    def _check_plans(self) -> None:
        names: dict[str, Fields] = {}
        for plan, fields in self._plans:
            if plan.name and (first := names.setdefault(plan.name, fields)) is not fields:
                fields.problem(
                    "name", f"the plan {plan.name!r} is also declared at {_place(first)}", "Rename one"
                )

    def _check_token_places(self) -> None:
        """Where an API's tokens are asked for, nothing else may be."""
        taken = {
            (host, entry.api.base_path): entry.api.id
            for entry, _ in self._apis
            for host in entry.api.hosts or ("",)
        }
        for entry, fields in self._apis:
            api = entry.api
            for host, path in token_places(api):
                where = f"{path!r} {f'on the host {host}' if host else 'on every host'}"
                other = taken.setdefault((host, path), f"{api.id} (token endpoint)")
                if not host and reserved(path):
                    message = f"the token endpoint at {where} is the gateway's own"
                    remedy = "Write `authorization_server: { token_endpoint: URL }` at the top, or give the API hosts"
                    fields.problem_below(("security", "oauth2", "token_endpoint"), message, remedy)
                elif other != f"{api.id} (token endpoint)":
                    message = f"the token endpoint at {where} is taken by {other}"
                    remedy = "Give one of them another base path or other hosts"
                    fields.problem_below(("security", "oauth2", "token_endpoint"), message, remedy)
                for resource in api.resources:
                    if f"{api.base_path}{resource.path}" == path:
                        message = f"{resource.name} cannot be reached: the token endpoint stands there"
                        fields.problem_below(
                            ("security", "oauth2", "token_endpoint"), message, "Remove one of the two"
                        )

    def _check_issuers(self) -> None:
        """Keys are kept by issuer, so all APIs find them at one place."""
        places: dict[str, tuple[str, str]] = {}
        for entry, fields in self._apis:
            for issuer in entry.api.oauth2.issuers if entry.api.oauth2 is not None else ():
                if issuer.kind != "jwks":
                    continue
                known, first = places.setdefault(issuer.issuer, (issuer.jwks_uri, entry.api.id))
                if known != issuer.jwks_uri:
                    message = f"the issuer {issuer.issuer!r} has another jwks_uri at {first}"
                    fields.problem_below(
                        ("security", "oauth2", "issuers"), message, "Write the same for both"
                    )

    def _check_roles(self) -> None:
        names: dict[str, Fields] = {}
        known = {*OIDC_SCOPES, *(scope for entry, _ in self._apis for scope in entry.api.scopes)}
        for role, fields in self._roles:
            if role.name and (first := names.setdefault(role.name, fields)) is not fields:
                fields.problem(
                    "name", f"the role {role.name!r} is also declared at {_place(first)}", "Merge the two"
                )
            if not self._unread:
                check_role_scopes(role, fields, known)

    def _check_policies(self) -> None:
        uses = [use for report in self._reports for use in report.policies]
        if not uses:
            return
        try:
            apis = [entry.api for entry, _ in self._apis]
            check_policies(uses, apis, self._registry or PolicyRegistry.installed())
        except PolicyLoadError as error:
            use, fields = uses[0]
            fields.problem("use", f"the policy {use.name!r} cannot be checked", str(error))

    def _check_groups(self) -> None:
        names: dict[str, Fields] = {}
        roles = {role.name for role, _ in self._roles}
        for group, fields in self._groups:
            if group.name and (first := names.setdefault(group.name, fields)) is not fields:
                message = f"the group {group.name!r} is also declared at {_place(first)}"
                fields.problem("name", message, "Merge the two, or rename one")
            check_group_roles(group, fields, roles)

    def _check_applications(self) -> None:
        names: dict[str, Fields] = {}
        apis = {entry.api.id: entry.api.plans for entry, _ in self._apis}
        # A document of consumers alone is for where APIs come by promotion: they are known when it is applied.
        elsewhere = not apis and not self._unread and not self._names_apis
        for application in self._applications:
            name, fields = application.entry.name, application.fields
            if name and (first := names.setdefault(name, fields)) is not fields:
                message = f"the application {name!r} is also declared at {_place(first)}"
                fields.problem("name", message, "Merge the two, or rename one")
            for subscription, inner in zip(
                application.entry.subscriptions, application.subscriptions, strict=True
            ):
                if not subscription.api or subscription.api in self._unread or elsewhere:
                    continue
                if subscription.api not in apis:
                    remedy = suggestion(subscription.api, apis, "APIs")
                    inner.problem("api", f"there is no API {subscription.api!r}", remedy)
                    continue
                _check_plan(inner, subscription.api, subscription.plan, apis[subscription.api])


def _check_different(
    what: str,
    found: Iterable[tuple[str, Fields]],
    *,
    key: str = "name",
    shown: Callable[[str], str] = str,
    remedy: str = "Merge the two, or rename one",
) -> None:
    names: dict[str, Fields] = {}
    for name, fields in found:
        if name and (first := names.setdefault(name, fields)) is not fields:
            message = f"the {what} {shown(name)!r} is also declared at {_place(first)}"
            fields.problem(key, message, remedy)


def _check_plan(fields: Fields, api: str, plan: str | None, offered: tuple[str, ...]) -> None:
    if plan is None:
        if offered and "plan" not in fields:
            message = f"the subscription to {api!r} names no plan"
            fields.problem(None, message, f"Add `plan:` with one of {', '.join(offered)}")
    elif plan not in offered:
        remedy = (
            suggestion(plan, offered, "plans") if offered else "Remove `plan:`, or add `plans:` to the API"
        )
        fields.problem("plan", f"{api!r} does not offer the plan {plan!r}", remedy)


def _place(fields: Fields) -> str:
    return f"{fields.report.file}:{fields.line}"
