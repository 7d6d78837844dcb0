"""``wardgate login`` and ``wardgate logout``: signing on to a server as a person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wardgate.cli.options import Json
from wardgate.cli.output import print_json, printable

_Server = Annotated[
    str, Parameter(name="--server", help="URL of the control process, such as https://control.example.com.")
]
_Ca = Annotated[
    Path | None, Parameter(name="--ca", help="File of certificate authorities trusted besides the system's.")
]


def login(*, server: _Server, ca: _Ca = None, json_: Json = False) -> None:
    """Sign on to a server, with a browser that may be on another machine.

    What you may do there is what you were granted. Other commands find the sign-on by their --server; it ends when it was
    not used for a week, after a month, or with `wardgate logout`.
    """
    from wardgate.cli.connect import Where, client_for
    from wardgate.cli.signing_on import Prompt, path_of, sign_on

    def tell(prompt: Prompt) -> None:
        print(f"Open {printable(prompt.uri)} and enter the code {printable(prompt.code)}", file=sys.stderr)
        if prompt.complete:
            print(f"or open {printable(prompt.complete)}", file=sys.stderr)

    signed = sign_on(server, ca, tell)
    with client_for(Where(server=server, ca=ca)) as client:
        me = client.show_me()
    if json_:
        print_json({"server": signed.server, "me": me})
        return
    print(f"signed on at {signed.server} as {printable(me['name'])}; kept in {path_of(signed.server)}")
    if not me["permissions"] and not me["projects"]:
        print("you hold no role there; an owner grants one: wardgate operators grant", file=sys.stderr)


def logout(*, server: _Server, ca: _Ca = None, json_: Json = False) -> None:
    """Forget the sign-on to a server; nobody can use it any more."""
    from wardgate.cli.signing_on import sign_out

    was = sign_out(server, ca)
    if json_:
        print_json({"signed_out": was})
    else:
        print("signed out" if was else "nobody was signed on there")
