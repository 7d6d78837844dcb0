"""Who does something at the control plane, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wardgate.domain.permission import PERMISSIONS, Permission

#: ``local``: whoever may read the master key on the machine itself; ``system``: the installation on its own account
#: (a scheduled promotion, a leaked key found); ``anonymous``: nobody known, as in a failed login.
ActorKind = Literal["user", "service", "local", "system", "anonymous"]

_ALL: frozenset[Permission] = frozenset(PERMISSIONS)
#: What ids of local operators begin with; those of others hold no colon.
_LOCAL = "local:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who acts. ``id`` never changes (a user's or service account's id); ``name`` is for people.

    ``permissions`` hold everywhere, ``projects`` gives those that hold in one project only. ``address`` is where the
    request came from, empty for none; ``token`` the id of the access token used, empty for none.
    """

    kind: ActorKind
    id: str
    name: str
    address: str = ""
    token: str = ""
    permissions: frozenset[Permission] = frozenset()
    projects: Mapping[str, frozenset[Permission]] = field(default_factory=dict)

    def may(self, permission: Permission, project: str | None = None) -> bool:
        """Whether the actor holds ``permission``: everywhere, or in ``project``."""
        return permission in self.permissions or (
            project is not None and permission in self.projects.get(project, ())
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether the actor holds ``permission`` everywhere or in at least one project."""
        return permission in self.permissions or any(permission in held for held in self.projects.values())


#: The installation itself.
SYSTEM = Actor(kind="system", id="system", name="wardgate", permissions=_ALL)


def local_actor(name: str) -> Actor:
    """The operator called ``name`` at the machine's own command line: who may read the master key may do everything."""
    return Actor(kind="local", id=f"{_LOCAL}{name}", name=name, permissions=_ALL)


def is_local(actor_id: str) -> bool:
    """Whether this is the id of a :func:`local_actor`."""
    return actor_id.startswith(_LOCAL)
