"""Operations of users. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Users(Core):
    """Operations of users."""

    def list_users(self, *, limit: int | Unset = UNSET) -> Iterator[models.User]:
        """People, in the order their accounts were made."""
        return self._pages("/users", {"limit": limit})

    def add_user(
        self,
        *,
        name: str,
        email: str | Unset = UNSET,
        display_name: str | Unset = UNSET,
        roles: Sequence[str] | Unset = UNSET,
        password: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.AddedUser:
        """Add a person: with a password, or else by a link, shown this once, with which they choose one."""
        found: models.AddedUser = self._ask(
            "POST",
            "/users",
            body={
                "name": name,
                "email": email,
                "display_name": display_name,
                "roles": roles,
                "password": password,
            },
            idempotency_key=idempotency_key,
        )
        return found

    def show_user(self, user: str) -> models.Account:
        """One account."""
        found: models.Account = self._ask("GET", f"/users/{segment(user)}")
        return found

    def remove_user(self, user: str, *, if_match: State) -> None:
        """Delete an account; its sessions and tokens are refused at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        self._ask("DELETE", f"/users/{segment(user)}", if_match=if_match)

    def set_user_roles(self, user: str, *, roles: Sequence[str], if_match: State) -> models.Account:
        """Give a person exactly these roles.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Account = self._ask(
            "PUT", f"/users/{segment(user)}/roles", body={"roles": roles}, if_match=if_match
        )
        return found

    def suspend_user(
        self, user: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.Account:
        """Let a person sign in no more; their sessions and tokens are refused at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Account = self._ask(
            "POST", f"/users/{segment(user)}:suspend", if_match=if_match, idempotency_key=idempotency_key
        )
        return found

    def restore_user(
        self, user: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.Account:
        """Let a suspended person sign in again.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Account = self._ask(
            "POST", f"/users/{segment(user)}:restore", if_match=if_match, idempotency_key=idempotency_key
        )
        return found

    def reset_user(
        self,
        user: str,
        *,
        if_match: State,
        factors: bool | Unset = UNSET,
        password: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ResetUser:
        """Let a person in who cannot sign in. Their sessions end, and lock-out is forgotten.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ResetUser = self._ask(
            "POST",
            f"/users/{segment(user)}:reset",
            body={"factors": factors, "password": password},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
