"""Which target takes the next request, which ones are out, and how many retries are affordable. No I/O, no clock.

A target is out while its circuit is open or its active health check says so. With every target out there is none to
choose: the gateway answers 503 rather than sending requests where they will fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wardgate.domain.upstream import CircuitBreaker, HealthCheck

_BUDGET_SECONDS = 10.0


class TargetState:
    """The health and load of one target.

    Every request counted by :meth:`Balancer.choose` or :meth:`begin` ends in exactly one of :meth:`success`,
    :meth:`failure` or :meth:`cancel`. Times are seconds of any one steady clock.
    """

    __slots__ = (
        "_bad",
        "_breaker",
        "_down",
        "_good",
        "_health",
        "_open",
        "failures",
        "in_flight",
        "name",
        "open_until",
        "out",
        "trial",
    )

    def __init__(self, name: str, breaker: CircuitBreaker, health: HealthCheck) -> None:
        self.name = name
        self.in_flight = 0
        #: Failures since the last success.
        self.failures = 0
        #: No request but a trial may go to this target.
        self.out = False
        #: While the circuit is open: when the next trial may start, and whether one is under way.
        self.open_until = 0.0
        self.trial = False
        self._breaker = breaker
        self._health = health
        self._open = False
        self._down = False
        self._good = 0
        self._bad = 0

    def begin(self) -> None:
        """Counts a request that goes to this target without having been chosen for it."""
        self.in_flight += 1

    def success(self) -> None:
        """The target answered. Ends a trial and closes the circuit; an older request does not close an open one."""
        self.in_flight -= 1
        self.failures = 0
        if self.trial:
            self.trial = self._open = False
            self.out = self._down

    def failure(self, now: float) -> None:
        """The target could not be reached or broke off. Opens the circuit after enough of them, or after a trial."""
        self.in_flight -= 1
        self.failures += 1
        if self.trial or (not self._open and self.failures >= self._breaker.failures):
            self.trial = False
            self._open = self.out = True
            self.open_until = now + self._breaker.open_seconds

    def cancel(self) -> None:
        """The request ended without a word on the target's health, as when the client left. A trial may be repeated."""
        self.in_flight -= 1
        if self.trial:
            self.trial = False
            self.open_until = 0.0

    def probe(self, ok: bool) -> None:
        """Takes the result of an active check; enough of one kind in a row turn the target off or on."""
        if ok:
            self._good, self._bad = self._good + 1, 0
            if self._down and self._good >= self._health.healthy:
                self._down = False
                self.out = self._open
        else:
            self._good, self._bad = 0, self._bad + 1
            if self._bad >= self._health.unhealthy:
                self._down = self.out = True

    def try_again(self, now: float) -> bool:
        """Whether an open circuit lets its one trial through now, and if so starts it.

        A trial that has not ended within ``open_seconds`` (a stream, a long poll) is followed by another.
        """
        if self._down or not self._open or now < self.open_until:
            return False
        self.trial = True
        self.open_until = now + self._breaker.open_seconds
        return True


class Balancer:
    """The targets of one upstream, chosen by power of two choices: of two at random the one with less in flight."""

    __slots__ = ("_only", "_random", "targets")

    def __init__(
        self,
        targets: Sequence[str],
        breaker: CircuitBreaker,
        random: Callable[[], float],
        health: HealthCheck | None = None,
    ) -> None:
        """``random`` gives numbers in [0, 1), as ``random.random`` does; ``health`` holds the probes' thresholds.

        Raises:
            ValueError: there is no target, or a threshold below one.
        """
        if not targets:
            raise ValueError("an upstream needs at least one target")
        health = health or HealthCheck(path="/")
        if min(breaker.failures, health.healthy, health.unhealthy) < 1:
            raise ValueError("failures, healthy and unhealthy of an upstream must be at least 1")
        self.targets = [TargetState(name, breaker, health) for name in targets]
        self._only = self.targets[0] if len(self.targets) == 1 else None
        self._random = random

    def choose(self, now: float, exclude: TargetState | None = None) -> TargetState | None:
        """A target, counted as in flight from now on; ``None`` when every one is out.

        ``exclude`` is the target a retry comes from: it is chosen again only if no other can be.
        """
        only = self._only
        if only is not None:
            if only.out and not only.try_again(now):
                return None
            only.in_flight += 1
            return only
        targets = self.targets
        count = len(targets)
        first = int(self._random() * count)
        second = int(self._random() * (count - 1))
        if second >= first:
            second += 1
        a, b = targets[first], targets[second]
        if a.out or b.out or exclude is not None:
            return self._search(now, exclude)
        chosen = b if b.in_flight < a.in_flight else a
        chosen.in_flight += 1
        return chosen

    def _search(self, now: float, exclude: TargetState | None) -> TargetState | None:
        """:meth:`choose` when some target is out or excluded. A first attempt may be a trial before anything else."""
        healthy = [target for target in self.targets if not target.out and target is not exclude]
        if exclude is not None and healthy:
            chosen = self._lighter(healthy)
        else:
            chosen = next(
                (t for t in self.targets if t.out and t is not exclude and t.try_again(now)), None
            ) or self._lighter(healthy)
            if chosen is None and exclude is not None and (not exclude.out or exclude.try_again(now)):
                chosen = exclude
        if chosen is not None:
            chosen.in_flight += 1
        return chosen

    def _lighter(self, targets: list[TargetState]) -> TargetState | None:
        """Of two at random the one with less in flight."""
        if len(targets) < 2:
            return targets[0] if targets else None
        first = int(self._random() * len(targets))
        second = int(self._random() * (len(targets) - 1))
        if second >= first:
            second += 1
        a, b = targets[first], targets[second]
        return b if b.in_flight < a.in_flight else a


class RetryBudget:
    """Bounds retries to a share of recent requests, so that a failing upstream is not hit harder for failing.

    At most ``ratio`` of the requests of the last ten seconds or so, plus ``floor`` retries in ten seconds for
    upstreams with little traffic. A ratio of zero allows none at all.
    """

    __slots__ = ("_floor", "_last", "_ratio", "_reserve", "_seen", "_tokens", "requests")

    def __init__(self, ratio: float, floor: float = 3.0) -> None:
        """Raises ValueError if ``ratio`` or ``floor`` is negative."""
        if ratio < 0 or floor < 0:
            raise ValueError("a retry budget cannot be negative")
        self._ratio = ratio
        self._floor = floor if ratio else 0.0
        self._reserve = self._floor
        self._tokens = 0.0
        self._last: float | None = None
        self._seen = 0
        #: Requests so far, retries not counted; add to it for each one.
        self.requests = 0

    def retry(self, now: float) -> bool:
        """Whether one retry is affordable at ``now`` (seconds of a steady clock); if so it is spent."""
        elapsed = max(0.0, now - self._last) if self._last is not None else 0.0
        self._last = now
        fresh = self.requests - self._seen
        self._seen = self.requests
        # What older requests earned fades within ten seconds; requests since then count for the last ten at most.
        self._tokens *= max(0.0, 1.0 - elapsed / _BUDGET_SECONDS)
        self._tokens += self._ratio * fresh * min(1.0, _BUDGET_SECONDS / elapsed if elapsed else 1.0)
        self._reserve = min(self._floor, self._reserve + self._floor * elapsed / _BUDGET_SECONDS)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return True
        if self._reserve >= 1.0:
            self._reserve -= 1.0
            return True
        return False
