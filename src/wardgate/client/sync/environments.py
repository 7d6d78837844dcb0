"""Operations of environments. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Environments(Core):
    """Operations of environments."""

    def list_environments(self, *, limit: int | Unset = UNSET) -> Iterator[models.EnvironmentShown]:
        """Environments in the order of promotion."""
        return self._pages("/environments", {"limit": limit})

    def add_environment(
        self,
        *,
        name: str,
        tag: str | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.EnvironmentShown:
        """Add an environment with nothing in it."""
        found: models.EnvironmentShown = self._ask(
            "POST",
            "/environments",
            body={"name": name, "tag": tag, "note": note},
            idempotency_key=idempotency_key,
        )
        return found

    def show_environment(self, name: str) -> models.EnvironmentShown:
        """One environment."""
        found: models.EnvironmentShown = self._ask("GET", f"/environments/{segment(name)}")
        return found

    def set_environment(
        self,
        name: str,
        *,
        if_match: State,
        hosts: Sequence[str] | Unset | None = UNSET,
        plans: Mapping[str, Sequence[models.LimitSettingsInput]] | Unset | None = UNSET,
        retention: models.RetentionModelInput | Unset | None = UNSET,
        token_endpoint: str | Unset | None = UNSET,
        leaks: Literal["notify", "rotate", "revoke"] | Unset | None = UNSET,
        leak_overlap: int | Unset | None = UNSET,
        note: str | Unset = UNSET,
    ) -> models.EnvironmentShown:
        """Change what belongs to an environment. What weakens something waits for a second person, but in the first one.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.EnvironmentShown = self._ask(
            "PATCH",
            f"/environments/{segment(name)}",
            body={
                "hosts": hosts,
                "plans": plans,
                "retention": retention,
                "token_endpoint": token_endpoint,
                "leaks": leaks,
                "leak_overlap": leak_overlap,
                "note": note,
            },
            if_match=if_match,
        )
        return found

    def remove_environment(self, name: str, *, if_match: State) -> None:
        """Delete an environment that is empty, with its settings, secrets and plans.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        self._ask("DELETE", f"/environments/{segment(name)}", if_match=if_match)

    def order_environments(
        self, *, names: Sequence[str], note: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> models.EnvironmentList:
        """Put the environments in another order."""
        found: models.EnvironmentList = self._ask(
            "POST",
            "/environments:order",
            body={"names": names, "note": note},
            idempotency_key=idempotency_key,
        )
        return found

    def mark_production_environment(
        self, name: str, *, if_match: State, note: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> models.EnvironmentShown:
        """Make this the environment for production.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.EnvironmentShown = self._ask(
            "POST",
            f"/environments/{segment(name)}:production",
            body={"note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def show_environment_variable(self, name: str, variable: str) -> models.VariableShown:
        """One variable."""
        found: models.VariableShown = self._ask(
            "GET", f"/environments/{segment(name)}/variables/{segment(variable)}"
        )
        return found

    def set_environment_variable(
        self, name: str, variable: str, *, value: str, if_match: State | None, note: str | Unset = UNSET
    ) -> models.VariableShown:
        """Set a variable; what is deployed is bound anew at once. What weakens something waits for a second person.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.VariableShown = self._ask(
            "PUT",
            f"/environments/{segment(name)}/variables/{segment(variable)}",
            body={"value": value, "note": note},
            if_match=if_match,
        )
        return found

    def unset_environment_variable(self, name: str, variable: str, *, if_match: State) -> None:
        """Delete a variable that nothing deployed names.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        self._ask("DELETE", f"/environments/{segment(name)}/variables/{segment(variable)}", if_match=if_match)

    def show_environment_secret(self, name: str, secret: str) -> models.SecretShown:
        """One secret, without its value."""
        found: models.SecretShown = self._ask(
            "GET", f"/environments/{segment(name)}/secrets/{segment(secret)}"
        )
        return found

    def set_environment_secret(
        self, name: str, secret: str, *, value: str, if_match: State | None, note: str | Unset = UNSET
    ) -> models.SecretShown:
        """Set a secret. Its value is sealed, and read by gateways alone.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.SecretShown = self._ask(
            "PUT",
            f"/environments/{segment(name)}/secrets/{segment(secret)}",
            body={"value": value, "note": note},
            if_match=if_match,
        )
        return found

    def remove_environment_secret(self, name: str, secret: str, *, if_match: State) -> None:
        """Delete a secret that nothing deployed names.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        self._ask("DELETE", f"/environments/{segment(name)}/secrets/{segment(secret)}", if_match=if_match)

    def list_environment_secrets(
        self, name: str, *, limit: int | Unset = UNSET
    ) -> Iterator[models.SecretShown]:
        """Secrets by name, without their values."""
        return self._pages(f"/environments/{segment(name)}/secrets", {"limit": limit})
