"""Authorizes by groups: those of the application, and with a token those of the person it speaks for."""

from __future__ import annotations

from wardgate.domain.api import Acl
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange

_NOBODY = Rejection.of("acl_denied", note="nobody is known whose groups could be looked at")


class Acls:
    """The step of a resource with ACLs, its API's and its own: the caller passes each of them."""

    __slots__ = ("_allowed", "_denied")

    def __init__(self, acls: tuple[Acl, ...]) -> None:
        self._denied = frozenset(group for acl in acls for group in acl.deny)
        self._allowed = tuple(frozenset(acl.allow) for acl in acls if acl.allow)

    def __call__(self, exchange: Exchange, /) -> Rejection | None:
        principal = exchange.principal
        if principal is None:
            return _NOBODY
        own = principal.application.groups
        token = principal.token
        theirs = token.groups if token is not None else ()
        denied = self._denied
        if denied and not (denied.isdisjoint(own) and denied.isdisjoint(theirs)):
            groups = sorted(denied.intersection((*own, *theirs)))
            return Rejection.of("acl_denied", note=f"in the denied {_listed(groups)}")
        for allowed in self._allowed:
            if allowed.isdisjoint(own) and allowed.isdisjoint(theirs):
                return Rejection.of("acl_denied", note=f"in none of the allowed {_listed(sorted(allowed))}")
        return None


def _listed(groups: list[str]) -> str:
    return f"group{'s' if len(groups) > 1 else ''} {', '.join(groups)}"
