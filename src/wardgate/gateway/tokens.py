"""Access tokens a worker knows: believed once, then found by their digest until they end or the feed says otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Final

from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal
from wardgate.gateway.believing import Ask, Believed, Believer, RefusedTokenError
from wardgate.gateway.ports import IssuerDesk, IssuerUnavailableError, StoreUnavailableError
from wardgate.gateway.twogen import TwoGenerations
from wardgate.policy.exchange import PresentedToken
from wardgate.policy.trusted import Profile

log = logging.getLogger("wardgate.gateway")

#: Seconds a refusal is remembered; what is refused may become right, if only by a change of clocks.
_REFUSED_SECONDS: Final = 10.0
_NOT_REMEMBERED: Final = frozenset({"token_not_yet_valid", "issuer_unavailable", "store_unavailable"})
#: Seconds between two questions for the keys of one issuer, as tokens with unknown key ids cost nothing to make.
_ASK_SECONDS: Final = 5.0
#: Questions under way at once; one more waits for nobody and is told to come again.
_MOST_FLIGHTS: Final = 1000

Answer = Principal | str
RevokedPair = tuple[str, str]


class Tokens:
    """Principals by the digest of their token, and refusals of tokens, both bounded.

    What is remembered was true at the feed position the worker last read. Its end is looked at each time; audience,
    binding and scopes are matters of the request.
    """

    __slots__ = (
        "_asked",
        "_believer",
        "_desk",
        "_flights",
        "_known",
        "_now",
        "_refused",
        "_wall",
        "hits",
        "misses",
    )

    def __init__(
        self,
        believer: Believer,
        desk: IssuerDesk | None,
        wall: Callable[[], float],
        now: Callable[[], float],
        size: int,
        negative_size: int,
    ) -> None:
        self._believer = believer
        self._desk = desk
        self._wall = wall
        self._now = now
        self._known: TwoGenerations[bytes, Believed] = TwoGenerations(size)
        self._refused: TwoGenerations[bytes, tuple[str, float]] = TwoGenerations(negative_size)
        self._flights: dict[bytes, asyncio.Task[Answer]] = {}
        #: Monotonic time of the last question for an issuer's keys.
        self._asked: dict[str, float] = {}
        self.hits = 0
        self.misses = 0

    def find(self, presented: PresentedToken, profile: Profile) -> Answer | Awaitable[Answer]:
        """Whom the token stands for now, or the reason it is refused; an awaitable where its issuer must be asked.

        Raises:
            StoreUnavailableError: nothing is known of it and the store cannot be read.
        """
        key = presented.digest + profile.tag if profile.tag else presented.digest
        known = self._known.young.get(key) or self._known.get(key)
        if known is not None:
            if self._wall() < known.until:
                self.hits += 1
                return known.principal
            self._known.drop(key)
        refused = self._refused.get(key)
        if refused is not None and self._now() < refused[1]:
            self.hits += 1
            return refused[0]
        self.misses += 1
        flight = self._flights.get(key)
        if flight is not None:
            return asyncio.shield(flight)
        return self._believe(key, presented, profile)

    def _believe(self, key: bytes, presented: PresentedToken, profile: Profile) -> Answer | Awaitable[Answer]:
        try:
            return self._keep(key, self._believer.believe(presented, profile))
        except RefusedTokenError as refused:
            return self._refuse(key, refused.reason)
        except Ask as question:
            return self._ask(key, presented, profile, question)

    def _keep(self, key: bytes, believed: Believed) -> Principal:
        self._known.put(key, believed)
        return believed.principal

    def _refuse(self, key: bytes, reason: str) -> str:
        if reason not in _NOT_REMEMBERED:
            self._refused.put(key, (reason, self._now() + _REFUSED_SECONDS))
        return reason

    # -- questions to issuers

    def _ask(
        self, key: bytes, presented: PresentedToken, profile: Profile, question: Ask
    ) -> Answer | Awaitable[Answer]:
        desk = self._desk
        if desk is None or len(self._flights) >= _MOST_FLIGHTS:
            return "issuer_unavailable"
        issuer = question.issuer
        if question.what == "introspection":
            return self._fly(key, self._introspect(desk, key, presented, profile, question))
        since = self._asked.get(issuer.issuer)
        now = self._now()
        if since is not None and now - since < _ASK_SECONDS:
            return self._refuse(key, question.otherwise)
        self._asked[issuer.issuer] = now
        return self._fly(key, self._with_fresh_keys(desk, key, presented, profile, question))

    def _fly(self, key: bytes, question: Coroutine[object, object, Answer]) -> Awaitable[Answer]:
        """One question about a token at a time, whoever waits for it and goes away."""
        task = asyncio.get_running_loop().create_task(question)
        self._flights[key] = task
        task.add_done_callback(lambda _: self._flights.pop(key, None))
        return asyncio.shield(task)

    async def _with_fresh_keys(
        self, desk: IssuerDesk, key: bytes, presented: PresentedToken, profile: Profile, question: Ask
    ) -> Answer:
        try:
            await desk.refresh(question.issuer)
            self.issuer_changed(question.issuer.issuer)
            return self._keep(key, self._believer.believe(presented, profile))
        except IssuerUnavailableError as error:
            log.warning("keys of issuer %s could not be read: %s", question.issuer.issuer, error)
            return question.otherwise
        except StoreUnavailableError:
            return "store_unavailable"
        except RefusedTokenError as refused:
            return self._refuse(key, refused.reason)
        except Ask:
            return self._refuse(key, question.otherwise)

    async def _introspect(
        self, desk: IssuerDesk, key: bytes, presented: PresentedToken, profile: Profile, question: Ask
    ) -> Answer:
        """Asks the issuer, and one after the other where the token does not say whose it is."""
        issuers = (question.issuer,) if presented.text.count(b".") == 2 else profile.introspected
        reason = question.otherwise
        for issuer in issuers:
            try:
                answer = await desk.introspect(issuer, presented.text.decode("ascii"))
                return self._keep(key, self._believer.introspected(issuer, answer, profile))
            except IssuerUnavailableError as error:
                log.warning("issuer %s could not be asked about a token: %s", issuer.issuer, error)
                reason = "issuer_unavailable"
            except StoreUnavailableError:
                return "store_unavailable"
            except RefusedTokenError as refused:
                if reason != "issuer_unavailable":
                    reason = refused.reason
        return self._refuse(key, reason)

    # -- what the feed says

    def revoked(self, pairs: Iterable[RevokedPair]) -> None:
        """Forgets the tokens that revocations of these kinds and keys may cover, in one walk; each is read anew."""
        wanted = frozenset(pairs)
        self._known.drop_where(
            lambda known: covered(known.principal.token, known.principal.application.id, wanted)
        )

    def client_changed(self, client_id: str) -> None:
        """A client of this installation is another now, or gone."""
        self._known.drop_where(
            lambda known: known.principal.token is not None and known.principal.token.client == client_id
        )
        self._refused.clear()

    def subject_changed(self, user_id: str) -> None:
        """A person with an account here is in other groups now; only tokens that these were read for know of it."""
        self._known.drop_where(lambda known: known.user == user_id)

    def application_changed(self, application_id: str) -> None:
        """An application is another now, or has other subscriptions."""
        self._believer.application_changed(application_id)
        self._known.drop_where(lambda known: known.principal.application.id == application_id)
        self._refused.clear()

    def keys_changed(self, own: str) -> None:
        """The signing keys of this installation, whose issuer is ``own``, are others now."""
        self._believer.keys_changed()
        self._known.drop_where(lambda known: known.issuer == own)
        self._refused.clear()

    def issuer_changed(self, issuer: str) -> bool:
        """A foreign issuer's document was read anew: whether its tokens are to be judged anew."""
        changed = self._believer.issuer_changed(issuer)
        if changed:
            self._known.drop_where(lambda known: known.issuer == issuer)
            self._refused.clear()
        return changed

    def clear(self) -> None:
        """Forgets everything."""
        self._believer.clear()
        self._known.clear()
        self._refused.clear()
        self._asked.clear()

    @property
    def sizes(self) -> tuple[int, int]:
        """Tokens believed, and refusals remembered."""
        return len(self._known), len(self._refused)


def covered(token: Token | None, application_id: str, pairs: frozenset[RevokedPair]) -> bool:
    """Whether any of the revocations, by kind and key, may be of this token."""
    return token is not None and (
        ("jti", token.id) in pairs
        or ("grant", token.grant) in pairs
        or ("subject", token.subject) in pairs
        or ("client", token.client) in pairs
        or ("application", application_id) in pairs
    )
