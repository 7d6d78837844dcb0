"""Keeps a worker true to the store: reads the change feed, drops or swaps just what changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from wardgate.domain.change import Change
from wardgate.gateway.ports import GatewaySource, LostPlaceError, StoreUnavailableError

log = logging.getLogger("wardgate.gateway")

_INSTANT = frozenset(("credential", "revocation", "application", "client", "subject"))


class Follower(Protocol):
    """What a change does to a worker."""

    def api_changed(self, api_ids: set[str]) -> None:
        """These APIs were deployed anew or removed."""

    def plans_changed(self, names: set[str]) -> None:
        """These plans have other limits now."""

    def credential_changed(self, digest: bytes) -> None:
        """Forget what is known of this digest."""

    def application_changed(self, application_id: str) -> None:
        """Forget every credential of this application."""

    def tokens_revoked(self, pairs: list[tuple[str, str]]) -> None:
        """Tokens of these kinds and keys (``jti``, ``grant``, ``subject``, ``client``, ``application``) were taken back."""

    def subject_changed(self, user_id: str) -> None:
        """This person is in other groups now: forget the tokens of hers."""

    def client_changed(self, client_id: str) -> None:
        """Forget every token of this OAuth 2.0 client."""

    def signing_keys_changed(self) -> None:
        """The keys of assertions or of access tokens are others now."""

    def issuer_changed(self, issuer: str) -> None:
        """The keys of this foreign issuer were read anew."""

    def environment_changed(self) -> None:
        """The environment's own settings or secrets are others now: read them, its plans and its APIs anew."""

    def flush(self) -> None:
        """Forget and reload everything."""

    def propagated(self, seconds: float) -> None:
        """A change took this long from its commit."""


class Feed:
    """The worker's place in the feed. ``read`` after every wake-up and from the timer."""

    def __init__(
        self,
        source: GatewaySource,
        follower: Follower,
        environment: str,
        wall: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._source = source
        self._follower = follower
        self._environment = environment
        self._wall = wall
        self._now = now
        self._position = source.position()
        #: Monotonic time of the last successful read: its age is how stale this worker may be.
        self.read_at = now()
        self._failed = False

    def poll(self) -> None:
        """Reads the feed if any writer committed since the last time; a failure is reported once and retried."""
        try:
            # What a failed reading left undone is still to do, though nobody committed since.
            changed = self._source.changed() or self._failed
        except StoreUnavailableError as error:
            self._fail(error)
            return
        if changed:
            self.read()
        else:
            self.read_at = self._now()

    def read(self) -> None:
        """Acts on everything after the last place; a failure is reported once, and nothing counts as read."""
        try:
            self._read()
        except StoreUnavailableError as error:
            self._fail(error)
        except Exception as error:
            if not self._failed:
                log.error("a change could not be taken over: serving what is known", exc_info=error)
            self._failed = True
        else:
            if self._failed:
                log.info("the store can be read again")
                self._failed = False
            self.read_at = self._now()

    def _fail(self, error: StoreUnavailableError) -> None:
        if not self._failed:
            log.error("the store cannot be read: serving what is known (%s)", error)
        self._failed = True

    def _read(self) -> None:
        """Acts on what is new. The place moves only once all of it is done."""
        try:
            changes = self._source.changes(self._position)
        except LostPlaceError:
            log.warning("lost the place in the change feed: reloading everything")
            position = self._source.position()
            self._follower.flush()
            self._position = position
            return
        if changes:
            self._apply(changes)
            self._position = changes[-1].seq

    def _apply(self, changes: list[Change]) -> None:
        """What takes rights away first: it is instant, and must not wait for a recompilation or for what cannot be read."""
        self._take_away(changes)
        apis: set[str] = set()
        plans: set[str] = set()
        flush = own = False
        follower = self._follower
        for change in changes:
            if change.kind == "signing_key":
                follower.signing_keys_changed()
            elif change.kind == "issuer":
                follower.issuer_changed(change.key)
            elif change.kind == "plan":
                environment, _, name = change.key.partition(" ")
                if environment == self._environment:
                    plans.add(name)
            elif change.kind == "environment":
                own = own or change.key == self._environment
            elif change.kind == "api":
                environment, _, api_id = change.key.partition(" ")
                if environment == self._environment:
                    apis.add(api_id)
            elif change.kind not in _INSTANT:
                flush = True
        if flush:
            follower.flush()
        elif own:
            follower.environment_changed()
        else:
            if plans:
                follower.plans_changed(plans)
            if apis:
                follower.api_changed(apis)
        wall = self._wall()
        for change in changes:
            if change.at:
                follower.propagated(max(0.0, wall - change.at))

    def _take_away(self, changes: list[Change]) -> None:
        follower = self._follower
        revoked: list[tuple[str, str]] = []
        for change in changes:
            if change.kind == "credential":
                follower.credential_changed(bytes.fromhex(change.key))
            elif change.kind == "revocation":
                kind, _, key = change.key.partition(" ")
                revoked.append((kind, key))
            elif change.kind == "application":
                follower.application_changed(change.key)
            elif change.kind == "subject":
                follower.subject_changed(change.key)
            elif change.kind == "client":
                follower.client_changed(change.key)
        if revoked:
            follower.tokens_revoked(revoked)
