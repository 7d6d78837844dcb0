"""``wardgate``: the command line. Each command lives in its own module, imported when it runs."""

from __future__ import annotations

import gc
import sys

from cyclopts import App
from cyclopts.config import Env

import wardgate

app = App(
    name="wardgate",
    help="An API security gateway: protects real APIs from their OpenAPI documents.",
    version=wardgate.__version__,
    config=Env("WARDGATE_", command=False),
)

#: Objects made before the collector looks among them. A command is short and mostly imports: the default (700) has it
#: look through modules again and again, an eighth of the time that a command takes.
_MANY = 50_000
_START = "Run"
_CONFIGURE = "Configure"
_OPERATE = "Operate"
_LOOK = "Look"

app.command(
    "wardgate.cli.serve:serve",
    help="Run the gateway, its control process and their supervisor.",
    group=_START,
)
app.command("wardgate.cli.document:plan", help="Say what applying a document would change.", group=_CONFIGURE)
app.command("wardgate.cli.document:apply", help="Bring the store to what a document says.", group=_CONFIGURE)
app.command(
    "wardgate.cli.document:export", help="Write the store's configuration as a document.", group=_CONFIGURE
)
app.command(
    "wardgate.cli.importing:import_document",
    name="import",
    help="Make a document from an OpenAPI 3.x or Swagger 2.0 description.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.places:app",
    name="environments",
    help="List, add, order and remove environments; set their hosts, variables and secrets.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.apis:app",
    name="apis",
    help="List APIs, publish, deprecate, retire and describe them, switch them off and on.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.revisions:app",
    name="revisions",
    help="List, show and verify revisions of APIs.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.keys:app",
    name="keys",
    help="Issue, list, rotate, revoke and verify API keys.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.apps:app",
    name="apps",
    alias="applications",
    help="List, add, change, suspend, throttle and restore applications.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.access:app",
    name="access",
    help="Ask for access, and grant or refuse it.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.subscriptions:app",
    name="subscriptions",
    help="See and control what applications may call.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.groups:app",
    name="groups",
    help="Say who is in which group, and which roles it gives.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.webhooks:app",
    name="webhooks",
    help="Tell other programs of what happens.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.clients:app",
    name="clients",
    help="Add, change, rotate, suspend and remove OAuth 2.0 clients.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.tokens:app",
    name="tokens",
    help="Look into tokens and take them back.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.users:app",
    name="users",
    help="Add, invite, suspend and remove people, and say what they may do.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.idp:app",
    name="idp",
    help="Add, check, suspend and remove foreign OpenID providers that people sign in with.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.operators:app",
    name="operators",
    help="Grant and withdraw roles of operators, and let operators sign on.",
    group=_OPERATE,
)
app.command(
    "wardgate.cli.projects:app",
    name="projects",
    help="List, show, set and remove projects, in which operators may hold roles.",
    group=_OPERATE,
)
app.command(
    "wardgate.cli.service_accounts:app",
    name="service-accounts",
    help="Add, suspend and remove programs that act at the control plane.",
    group=_OPERATE,
)
app.command(
    "wardgate.cli.admin_tokens:app",
    name="admin-tokens",
    help="Issue, list and revoke access tokens of the control plane.",
    group=_OPERATE,
)
app.command(
    "wardgate.cli.audit:app",
    name="audit",
    help="List, verify and export the audit trail.",
    group=_LOOK,
)
app.command(
    "wardgate.cli.leaks:app",
    name="leaks",
    help="List credentials that were found in public.",
    group=_LOOK,
)
app.command("wardgate.cli.scan:scan", help="Find Wardgate keys and tokens in files.", group=_LOOK)
app.command(
    "wardgate.cli.backup:backup",
    help="Write all that the store holds to an archive, while the service runs.",
    group=_OPERATE,
)
app.command(
    "wardgate.cli.backup:restore",
    help="Put what an archive holds in the place of what the store does.",
    group=_OPERATE,
)
app.command("wardgate.cli.login:login", help="Sign on to a server, with a browser.", group=_OPERATE)
app.command("wardgate.cli.login:logout", help="Forget the sign-on to a server.", group=_OPERATE)
app.command(
    "wardgate.cli.promotions:promote", help="Bring a revision to the next environment.", group=_CONFIGURE
)
app.command(
    "wardgate.cli.promotions:app",
    name="promotions",
    help="List, show, approve, reject and cancel promotions.",
    group=_CONFIGURE,
)
app.command(
    "wardgate.cli.promotions:rollback", help="Put a revision back in force that was before.", group=_CONFIGURE
)
app.command("wardgate.cli.promotions:withdraw", help="Take an API out of an environment.", group=_CONFIGURE)
app.command(
    "wardgate.cli.promotions:diff", help="Compare revisions and environments by meaning.", group=_LOOK
)
app.command(
    "wardgate.cli.promotions:drift", help="Check that what is served is what was promoted.", group=_LOOK
)
app.command("wardgate.cli.explain:explain", help="Show which step decides a request, and why.", group=_LOOK)
app.command(
    "wardgate.cli.top:top", help="Show the most trafficked resources and heaviest callers.", group=_LOOK
)
app.command("wardgate.cli.version:version", help="Show the version.", group=_LOOK)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command line; the exit status: 0 done, 1 refused or invalid, 2 not understood."""
    if arguments is None:
        gc.set_threshold(_MANY)
    from wardgate.cli.errors import explained

    return explained(app, sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
