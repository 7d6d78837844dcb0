"""Whom a command asks: a server (``--server``), or this machine's store in-process, as whoever runs the command.

Either way through the client of the admin API, so that a command has one implementation::

    @app.command
    def revoke(key_id: _KeyId, /, *, where: Where = HERE, json_: Json = False) -> None:
        with client_for(where) as client:
            key = client.revoke_key(key_id, if_match=client.show_key(key_id))

Refusals leave the block as :class:`CommandError`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from wardgate.cli.acting import local
from wardgate.cli.errors import CommandError
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir

if TYPE_CHECKING:
    from wardgate.client import Client

TOKEN_VARIABLE = "WARDGATE_TOKEN"
_GROUP = Group("Where", help="Which installation is asked: this machine's store, or a server.")
_LONGEST = 16 * 1024
#: Entries of a page when all of a list is wanted.
MOST = 200


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, kw_only=True)
class Where:
    """Which installation is asked, and with what token."""

    data_dir: DataDir = DATA_DIR
    server: Annotated[
        str, Parameter(help="URL of the control process to ask, such as https://control.example.com.")
    ] = ""
    token_file: Annotated[
        Path | None,
        Parameter(
            help="File with the access token for --server; else WARDGATE_TOKEN, or what `wardgate login` keeps."
        ),
    ] = None
    ca: Annotated[
        Path | None, Parameter(help="File of certificate authorities trusted besides the system's.")
    ] = None


HERE = Where()


@contextmanager
def client_for(
    where: Where = HERE,
    *,
    environment: str = ENVIRONMENT,
    issuer: str = "",
    outbound_allow: tuple[str, ...] = (),
    create: bool = False,
) -> Iterator[Client]:
    """A client of the installation, closed with the block.

    ``environment`` and ``issuer`` say as which authorization server the local store answers, ``outbound_allow`` which
    networks that are not public it may call; ``create`` makes a local store that is not there.

    Raises:
        CommandError: there is no store or no token, or the installation refused.
    """
    from wardgate.client.errors import ClientError, ProblemError
    from wardgate.domain.document import Problem

    try:
        with (
            _remote(where)
            if where.server
            else _local(where.data_dir, environment, issuer, outbound_allow, create=create) as client
        ):
            yield client
    except ProblemError as error:
        raise CommandError(
            error.code,
            error.message,
            error.remedy,
            [Problem(each.file, each.line, each.at, each.message, each.remedy) for each in error.errors],
        ) from None
    except ClientError as error:
        raise CommandError(error.code, error.message, error.remedy) from None


def _remote(where: Where) -> Client:
    from wardgate.client import Client

    return Client(where.server, token=_token(where), ca=where.ca)


def _local(
    data_dir: Path, environment: str, issuer: str, outbound_allow: tuple[str, ...], *, create: bool
) -> Client:
    from wardgate.cli.local_transport import LOCAL, LocalTransport
    from wardgate.cli.store import require_store
    from wardgate.client import Client

    if not create:
        require_store(data_dir)
    transport = LocalTransport(data_dir, environment, issuer, outbound_allow, local())
    return Client(LOCAL, transport=transport)


def _token(where: Where) -> str:
    from wardgate.cli.signing_on import signed_on_token

    if where.token_file is not None:
        return _read_token(where.token_file)
    token = os.environ.get(TOKEN_VARIABLE, "").strip() or signed_on_token(where.server, where.ca)
    if token:
        return token
    raise CommandError(
        "token_missing",
        f"There is no access token for {where.server}",
        f"Name a file with --token-file, set {TOKEN_VARIABLE}, or sign in with `wardgate login --server {where.server}`",
    )


def _read_token(path: Path) -> str:
    """The token in a file that nobody else can read. Raises CommandError."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST + 1).strip()
    except (OSError, UnicodeError) as error:
        raise CommandError(
            "token_unreadable", f"The token in {path} cannot be read ({error})", "Name another file"
        ) from error
    if stat.S_ISREG(mode) and mode & 0o077:
        raise CommandError(
            "token_exposed", f"Others can read {path}, which holds a token", f"Run: chmod 600 {path}"
        )
    if not text or len(text) > _LONGEST:
        raise CommandError("token_missing", f"{path} holds no token", "Write one line with the token to it")
    return text
