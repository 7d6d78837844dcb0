"""Who takes part: starts the servers that the chosen cases need and says what each case sends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from bench import build, gateway, peers
from bench.cases import REFERENCE, Case
from bench.gateway import Installation, Shape
from bench.load import Shot
from bench.peers import ITEM, Ports
from bench.servers import Server, free_port
from wardgate.domain import apikey

PEERS = ("nginx", "haproxy", "envoy")
OURS = "wardgate"
#: The same sources uncompiled, measured beside the compiled wheel where that could be built.
PURE = "wardgate_pure"
PURE_CASES = ("full", "tls", "varied")
SYSTEMS = (*PEERS, OURS, PURE)
#: The cases of Wardgate alone, with the installation each needs.
SHAPES = {
    "rejected": Shape(),
    "varied": Shape(),
    "routes_1": Shape(),
    "routes_1000": Shape(resources=1_000),
    "routes_10000": Shape(resources=10_000),
    "keys_1000": Shape(applications=gateway.KEY_APPLICATIONS, keys=1_000),
    "keys_1000000": Shape(applications=gateway.KEY_APPLICATIONS, keys=1_000_000),
    "applications_1000": Shape(applications=1_000, keys=1_000),
}
CASES = ("full", "tls", *SHAPES)
#: Paths of the one resource of ``routes_1``: as many as the largest case has resources.
_PATHS = 10_000


class LineUp:
    """Makes cases; every server it starts is stopped by ``stack``."""

    def __init__(
        self,
        folder: Path,
        cache: Path,
        server_core: int,
        load_core: int,
        stack: ExitStack,
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._cache = cache
        self._core = server_core
        self._stack = stack
        self._say = say
        self._identity = peers.make_identity(folder)
        self._upstream = free_port()
        self._started: dict[tuple[str, Shape], tuple[Server, Ports, Installation]] = {}
        server = peers.upstream(self._make("upstream"), load_core, self._upstream)
        self._start(server)
        server.wait_for(self._upstream, "/")

    def cases(self, only: Collection[str]) -> list[Case]:
        """The cases of the systems and of the names in ``only`` (all, without any), their servers serving.

        nginx takes part wherever it is what a case is compared to.
        """
        systems = [system for system in SYSTEMS if not set(only) & set(SYSTEMS) or system in only]
        names = [name for name in CASES if not set(only) & set(CASES) or name in only]
        if {OURS, PURE} & set(systems) and REFERENCE not in systems:
            systems.insert(0, REFERENCE)
        found = []
        for peer in PEERS:
            if peer in systems:
                plain = peer == REFERENCE or "full" in names
                found += self._peer(peer, plain=plain, tls="tls" in names)
        package = None
        if OURS in systems:
            self._say("building the compiled wheel")
            package = build.compiled(self._cache)
            if package is None:
                self._say("no compiled wheel here (it needs a C compiler): measuring pure Python")
            found += [self._ours(OURS, name, package) for name in names]
        if PURE in systems and (package is not None or OURS not in systems):
            found += [self._ours(PURE, name, None) for name in names if name in PURE_CASES]
        return found

    def _peer(self, name: str, *, plain: bool, tls: bool) -> list[Case]:
        if not plain and not tls:
            return []
        self._say(f"starting {name}")
        make = {"nginx": peers.nginx, "haproxy": peers.haproxy, "envoy": peers.envoy}[name]
        ports = self._ports()
        server = make(self._make(name), self._core, ports, self._identity)
        self._start(server)
        server.wait_for(ports.plain, ITEM)
        server.wait_for(ports.tls, ITEM, tls=True)
        shot = Shot(path=ITEM)
        found = []
        if plain:
            found.append(Case(system=name, name="full", server=server, port=ports.plain, shot=shot))
        if tls:
            found.append(
                Case(
                    system=name, name="tls", server=server, port=ports.tls, shot=shot, tls=True, compare="tls"
                )
            )
        return found

    def _ours(self, system: str, name: str, package: Path | None) -> Case:
        shape = SHAPES.get(name, Shape())
        known = self._started.get((system, shape))
        server, ports, installation = known or self._serve(system, name, shape, package)
        tls = name == "tls"
        return Case(
            system=system,
            name=name,
            server=server,
            port=ports.tls if tls else ports.plain,
            shot=_shot(name, shape, installation, self._folder),
            tls=tls,
            compare="tls" if tls else "full",
            memory_of=gateway.WORKER,
            rotates=_rotates(name, shape, installation),
        )

    def _serve(
        self, system: str, name: str, shape: Shape, package: Path | None
    ) -> tuple[Server, Ports, Installation]:
        self._say(f"starting {system} for {name}")
        folder = self._make(f"{system}-{name}")
        if shape.keys > 1:
            installation = gateway.prepare_cached(self._cache, folder, shape, self._upstream)
        else:
            installation = gateway.prepare(folder, shape, self._upstream)
        ports = self._ports()
        server = gateway.start(
            f"{system} {name}", folder, installation, self._core, ports, self._identity, package
        )
        self._start(server)
        path = ITEM if shape.resources == 1 else "/bench/v1/r0/items/7"
        key = {"X-API-Key": installation.keys[0]}
        server.wait_for(ports.plain, path, key)
        server.wait_for(ports.tls, path, key, tls=True)
        self._started[system, shape] = server, ports, installation
        return server, ports, installation

    def _make(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _ports(self) -> Ports:
        return Ports(free_port(), free_port(), self._upstream)

    def _start(self, server: Server) -> None:
        self._stack.callback(server.stop)
        server.start()


def _rotates(name: str, shape: Shape, installation: Installation) -> int:
    """How many different requests :func:`_shot` sends in turn."""
    if name.startswith("routes_"):
        return max(_PATHS, shape.resources)
    return len(installation.keys)


def _shot(name: str, shape: Shape, installation: Installation, folder: Path) -> Shot:
    key = {"X-API-Key": installation.keys[0]}
    if name == "rejected":
        # Well formed, so that it is refused as unknown and not for its checksum.
        wrong = apikey.generate(gateway.TAG, secrets.token_bytes)
        return Shot(path=ITEM, headers={"X-API-Key": wrong}, refused=True)
    if name == "varied":
        return Shot(path=ITEM, headers=key, script="varied.lua")
    if name == "routes_1":
        # As many paths as the largest case has resources, so that only the number of resources differs.
        spread = {"BENCH_COUNT": str(_PATHS), "BENCH_PATH": "/bench/v1/items/%d"}
        return Shot(path=ITEM, headers=key, script="routes.lua", env=spread)
    if shape.resources > 1:
        spread = {"BENCH_COUNT": str(shape.resources), "BENCH_PATH": "/bench/v1/r%d/items/7"}
        return Shot(path=ITEM, headers=key, script="routes.lua", env=spread)
    if shape.keys > 1:
        keys = folder / f"{name}.keys"
        keys.touch(mode=0o600)
        keys.write_text("\n".join(installation.keys) + "\n")
        return Shot(path=ITEM, script="keys.lua", env={"BENCH_KEYS": str(keys)})
    return Shot(path=ITEM, headers=key)
