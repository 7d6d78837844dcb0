"""Who takes part: starts the servers that the chosen cases need and says what each case sends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from bench import gateway, peers
from bench.cases import REFERENCE, Case
from bench.gateway import Installation, Shape
from bench.load import Shot
from bench.peers import ITEM, Ports
from bench.servers import Server, free_port
from wardgate.domain import apikey

PEERS = ("nginx", "haproxy", "envoy")
OURS = "wardgate"
SYSTEMS = (*PEERS, OURS)
#: The cases of Wardgate alone, with the installation each needs.
SHAPES = {
    "rejected": Shape(),
    "varied": Shape(),
    "routes_1000": Shape(resources=1_000),
    "routes_10000": Shape(resources=10_000),
    "keys_1000": Shape(applications=gateway.KEY_APPLICATIONS, keys=1_000),
    "keys_1000000": Shape(applications=gateway.KEY_APPLICATIONS, keys=1_000_000),
    "applications_1000": Shape(applications=1_000, keys=1_000),
}
CASES = ("full", "tls", *SHAPES)


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
        self._started: dict[Shape, tuple[Server, Ports, Installation]] = {}
        server = peers.upstream(self._make("upstream"), load_core, self._upstream)
        self._start(server)
        server.wait_for(self._upstream, "/")

    def cases(self, only: Collection[str]) -> list[Case]:
        """The cases of the systems and of the names in ``only`` (all, without any), their servers serving.

        nginx takes part wherever it is what a case is compared to.
        """
        systems = [system for system in SYSTEMS if not set(only) & set(SYSTEMS) or system in only]
        names = [name for name in CASES if not set(only) & set(CASES) or name in only]
        if OURS in systems and REFERENCE not in systems:
            systems.insert(0, REFERENCE)
        found = []
        for peer in PEERS:
            if peer in systems:
                plain = peer == REFERENCE or "full" in names
                found += self._peer(peer, plain=plain, tls="tls" in names)
        if OURS in systems:
            for name in names:
                found.append(self._ours(name))
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

    def _ours(self, name: str) -> Case:
        shape = SHAPES.get(name, Shape())
        server, ports, installation = self._started.get(shape) or self._serve(name, shape)
        tls = name == "tls"
        return Case(
            system=OURS,
            name=name,
            server=server,
            port=ports.tls if tls else ports.plain,
            shot=_shot(name, shape, installation, self._folder),
            tls=tls,
            compare="tls" if tls else "full",
            memory_of=gateway.WORKER,
        )

    def _serve(self, name: str, shape: Shape) -> tuple[Server, Ports, Installation]:
        self._say(f"starting wardgate for {name}")
        folder = self._make(f"wardgate-{name}")
        if shape.keys > 1:
            installation = gateway.prepare_cached(self._cache, folder, shape, self._upstream)
        else:
            installation = gateway.prepare(folder, shape, self._upstream)
        ports = self._ports()
        server = gateway.start(f"wardgate {name}", folder, installation, self._core, ports, self._identity)
        self._start(server)
        path = ITEM if shape.resources == 1 else "/bench/v1/r0/items/7"
        key = {"X-API-Key": installation.keys[0]}
        server.wait_for(ports.plain, path, key)
        server.wait_for(ports.tls, path, key, tls=True)
        self._started[shape] = server, ports, installation
        return self._started[shape]

    def _make(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _ports(self) -> Ports:
        return Ports(free_port(), free_port(), self._upstream)

    def _start(self, server: Server) -> None:
        self._stack.callback(server.stop)
        server.start()


def _shot(name: str, shape: Shape, installation: Installation, folder: Path) -> Shot:
    key = {"X-API-Key": installation.keys[0]}
    if name == "rejected":
        # Well formed, so that it is refused as unknown and not for its checksum.
        wrong = apikey.generate(gateway.TAG, secrets.token_bytes)
        return Shot(path=ITEM, headers={"X-API-Key": wrong}, refused=True)
    if name == "varied":
        return Shot(path=ITEM, headers=key, script="varied.lua")
    if shape.resources > 1:
        return Shot(path=ITEM, headers=key, script="routes.lua", env={"BENCH_COUNT": str(shape.resources)})
    if shape.keys > 1:
        keys = folder / f"{name}.keys"
        keys.touch(mode=0o600)
        keys.write_text("\n".join(installation.keys) + "\n")
        return Shot(path=ITEM, script="keys.lua", env={"BENCH_KEYS": str(keys)})
    return Shot(path=ITEM, headers=key)
