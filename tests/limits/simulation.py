"""A machine in virtual time: workers with real limit clients, one real authority, messages that take their time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.authority import Authority
from wardgate.limits.client import LimitClient
from wardgate.limits.limitset import Denied, LimitSet
from wardgate.limits.messages import burst_of, step_of
from wardgate.limits.window import window_at

START = 1000.0


class Worker:
    """One worker process: its client, and the requests it waits for or has in flight."""

    def __init__(self, machine: Machine, number: int) -> None:
        self.machine = machine
        self.number = number
        self.alive = True
        self.stalled_until = 0.0
        self.client = LimitClient(
            lambda message: machine.to_authority(self, message),
            lambda: machine.now,
            lambda: machine.now + machine.offset,
            future=machine.loop.create_future,
            later=lambda seconds, callback: machine.at(machine.now + seconds, self.guard(callback)),
        )
        self.waiting: list[tuple[LimitSet, asyncio.Future[Denied | None], float]] = []
        self.arrives = 0.0
        machine.at(machine.now + 0.1, self.guard(self.tick))

    def guard(self, callback: Callable[[], None]) -> Callable[[], None]:
        """``callback`` when the worker runs (again), unless it has died by then."""

        def call() -> None:
            if self.alive and self.machine.now < self.stalled_until:
                self.machine.at(self.stalled_until, call)
            elif self.alive:
                callback()

        return call

    def tick(self) -> None:
        self.client.tick(self.machine.now)
        self.machine.at(self.machine.now + 0.1, self.guard(self.tick))

    def take(
        self, plan: Plan, hold: float = 0.0, subscription: str = "s1"
    ) -> Denied | asyncio.Future[Any] | None:
        """Sends one request in; admitted ones stay in flight for ``hold`` seconds."""
        limits = self.client.bind(subscription, plan)
        verdict = limits.take(self.machine.now)
        if verdict is None:
            self.machine.admitted(self, limits, hold)
        elif isinstance(verdict, Denied):
            self.machine.denied.append((self.machine.now, verdict))
        else:
            assert isinstance(verdict, asyncio.Future)
            self.waiting.append((limits, verdict, hold))
            return verdict
        return verdict

    def collect(self) -> None:
        """Books the waiting requests that were answered."""
        open_ones = []
        for limits, future, hold in self.waiting:
            if not future.done():
                open_ones.append((limits, future, hold))
            elif not future.cancelled():
                verdict = future.result()
                if verdict is None:
                    self.machine.admitted(self, limits, hold)
                else:
                    self.machine.denied.append((self.machine.now, verdict))
        self.waiting = open_ones


class Machine:
    """Virtual time, the authority, and every admission of all workers."""

    def __init__(self, workers: int, *, seed: int = 0, delay: float = 0.0002, offset: float = 1.7e9) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = START
        self.offset = offset
        self.random = random.Random(seed)
        self.delay = delay
        self.authority = Authority()
        self.admissions: list[float] = []
        self.denied: list[tuple[float, Denied]] = []
        self.flying: dict[int, Worker] = {}
        self.most_flying = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._uplink: dict[int, float] = {}
        self._numbers = itertools.count(1)
        self.workers = [Worker(self, next(self._numbers)) for _ in range(workers)]
        self.at(self.now + 0.05, self._tick)

    def at(self, when: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), callback))

    def run(self, seconds: float) -> None:
        """Lets ``seconds`` pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            when, _, callback = heapq.heappop(self._events)
            self.now = max(self.now, when)
            callback()
            self._collect()
        self.now = end
        self._collect()

    def to_authority(self, worker: Worker, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        arrives = max(self._uplink.get(worker.number, 0.0), self.now + self._delay())
        self._uplink[worker.number] = arrives
        self.at(arrives, lambda: self._handle(worker, text))

    def to_worker(self, worker: Worker, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        worker.arrives = max(worker.arrives, self.now + self._delay())
        self.at(worker.arrives, worker.guard(lambda: worker.client.on_message(json.loads(text))))

    def admitted(self, worker: Worker, limits: LimitSet, hold: float) -> None:
        self.admissions.append(self.now)
        number = next(self._order)
        self.flying[number] = worker
        self.most_flying = max(self.most_flying, len(self.flying))

        def over() -> None:
            del self.flying[number]
            if worker.alive and limits.holds:
                limits.release()

        self.at(self.now + hold, lambda: over() if number in self.flying else None)

    def crash(self, index: int) -> None:
        """The worker dies at once; what it had sent arrives, then the hub sees the end. A new one starts."""
        worker = self.workers[index]
        worker.alive = False
        for _, future, _ in worker.waiting:
            future.cancel()
        worker.waiting.clear()
        self.flying = {n: w for n, w in self.flying.items() if w is not worker}
        arrives = max(self._uplink.get(worker.number, 0.0), self.now + self._delay())
        self.at(arrives, lambda: self.authority.worker_gone(worker.number, self.now))
        self.workers[index] = Worker(self, next(self._numbers))

    def close(self) -> None:
        for worker in self.workers:
            for _, future, _ in worker.waiting:
                future.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def _handle(self, worker: Worker, text: str) -> None:
        reply = self.authority.handle(worker.number, json.loads(text), self.now, self.now + self.offset)
        if reply is not None:
            self.to_worker(worker, reply)
        self._deliver(self.authority.outbox())

    def _tick(self) -> None:
        self._deliver(self.authority.tick(self.now, self.now + self.offset))
        self.at(self.now + 0.05, self._tick)

    def _deliver(self, messages: list[tuple[int, dict[str, Any]]]) -> None:
        for number, message in messages:
            for worker in self.workers:
                if worker.number == number:
                    self.to_worker(worker, message)

    def _collect(self) -> None:
        for worker in self.workers:
            worker.collect()

    def _delay(self) -> float:
        return self.delay * (0.5 + self.random.random())


@contextmanager
def machine(
    workers: int = 1, *, seed: int = 0, delay: float = 0.0002, offset: float = 1.7e9
) -> Iterator[Machine]:
    """A machine that is taken down afterwards."""
    made = Machine(workers, seed=seed, delay=delay, offset=offset)
    try:
        yield made
    finally:
        made.close()


def check(limit: Limit, found: Machine) -> None:
    """Fails unless all admissions together kept to ``limit``."""
    times = found.admissions
    assert times == sorted(times)
    if limit.kind == "rate":
        step, tat = step_of(limit), float("-inf")
        for at in times:
            tat = max(tat, at) + step
            assert tat - at <= (burst_of(limit) + 1e-3) * step, f"{limit}: too many up to {at - START}"
    elif limit.kind == "quota":
        counts: dict[str, int] = {}
        for at in times:
            window = window_at(limit.per or "", limit.timezone, at + found.offset).id
            counts[window] = counts.get(window, 0) + 1
        assert max(counts.values(), default=0) <= limit.amount, f"{limit}: {counts}"
    elif limit.kind == "spike":
        step = step_of(limit)
        grain = 0.001 if step < 0.01 else 0.0
        gaps = [b - a for a, b in itertools.pairwise(times)]
        assert min(gaps, default=step) >= step - grain - 1e-9, f"{limit}: {min(gaps)}"
    else:
        assert found.most_flying <= limit.amount, f"{limit}: {found.most_flying} in flight"
