"""Brings the OAuth 2.0 clients of an environment to what a document says, by the use cases that operators have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from wardgate.control import ports as control
from wardgate.control.authority import require
from wardgate.control.clients import PutClients
from wardgate.domain.document import Unseen
from wardgate.domain.oauth import Client
from wardgate.identity.client_metadata import MetadataError, check_client
from wardgate.identity.manage_clients import (
    EDITABLE,
    add_in,
    client_with_id,
    remove_in,
    update_in,
)
from wardgate.identity.ports import Store, Transaction

#: What documents call a setting that RFC 7591 calls otherwise.
_KEYS = {
    "client_name": "name",
    "token_endpoint_auth_method": "authentication",
    "scope": "scopes",
    "tls_client_auth_subject_dn": "tls_subject_dn",
    "id_token_signed_response_alg": "id_token_alg",
    "userinfo_signed_response_alg": "userinfo_alg",
    "introspection_signed_response_alg": "introspection_alg",
    "token_endpoint_auth_signing_alg": "assertion_alg",
    "request_object_signing_alg": "request_alg",
}


def client_problem(client: Client) -> tuple[str, str] | None:
    """The key of a document, and what is wrong with it: the first rule that ``client`` does not keep, if any."""
    try:
        check_client(client)
    except MetadataError as error:
        return _KEYS.get(error.setting, error.setting), error.problem
    return None


class DeclaredClients:
    """What ``control.clients.Registrar`` asks for, of one installation's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(
        self,
        tx: control.Transaction,
        environment: str,
        before: Sequence[Client],
        after: Sequence[Client],
        now: float,
    ) -> PutClients:
        """Afterwards the environment has the clients of ``after``, and of those it had before no other."""
        require(tx.actor, "clients.edit")
        mine = cast("Transaction", tx)
        old = {each.id: each for each in before}
        new = {each.id for each in after}
        for each in before:
            if each.id not in new:
                await remove_in(mine, await client_with_id(mine, each.id), now)
        unseen: list[Unseen] = []
        held: list[str] = []
        for each in after:
            if each == old.get(each.id):
                continue
            settings = _settings(each)
            if each.id not in old:
                client, secret = await add_in(
                    self._store,
                    mine,
                    application=each.application,
                    environment=environment,
                    settings=settings,
                    now=now,
                    id_=each.id,
                )
            else:
                client, secret = await update_in(self._store, mine, each.id, settings, now)
            if secret is not None:
                unseen.append(Unseen(kind="client", id=each.id, name=each.id))
            if client.held_by:
                held.append(client.id)
        return PutClients(unseen=tuple(unseen), held=tuple(held))


def _settings(client: Client) -> dict[str, Any]:
    return {name: getattr(client, name) for name in EDITABLE}
