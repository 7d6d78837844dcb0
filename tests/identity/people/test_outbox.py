"""Mail leaves once, over TLS, through a real SMTP conversation; what fails is tried again and given up in the end."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.e2e.certificates import Authority
from tests.identity.people.house import House

from wardgate.domain.secret import Secret
from wardgate.identity.people import outbox
from wardgate.identity.people.outbox import SmtpServer, put_mail, send_due, smtp_server


@dataclass
class Mailbox:
    """What an SMTP server of the test took. ``refuses``: it answers every message with 451."""

    port: int = 0
    refuses: bool = False
    tls: ssl.SSLContext | None = None
    offers_tls: bool = False
    messages: list[EmailMessage] = field(default_factory=list)
    #: Per message: whether it came over TLS, and who the client said it is.
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation, as far as a client of ours goes."""

        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        await say("220 mail.test ESMTP")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper().split()[0]
            if verb == "EHLO":
                await say("250-mail.test")
                if self.offers_tls and writer.get_extra_info("ssl_object") is None:
                    await say("250-STARTTLS")
                await say("250 AUTH PLAIN")
            elif verb == "STARTTLS":
                assert self.tls is not None
                await say("220 go on")
                await writer.start_tls(self.tls)
            elif verb == "AUTH":
                self.logins.append(line.split()[2])
                await say("235 welcome")
            elif verb == "DATA":
                await say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                if self.refuses:
                    await say("451 not now, ada@example.com")
                    continue
                self.messages.append(message_from_bytes(body[:-5], policy=policy.default))
                self.encrypted.append(writer.get_extra_info("ssl_object") is not None)
                await say("250 taken")
            elif verb == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()

    @asynccontextmanager
    async def serving(self, *, from_the_start: bool = False) -> AsyncIterator[Mailbox]:
        """Serves on a free port of loopback."""
        context = self.tls if from_the_start else None
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        await server.wait_closed()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority of the test's own."""
    return Authority(tmp_path)


async def write(house: House, body: str = "Hello\n") -> None:
    """A message in the outbox."""
    async with house.server.store.writing() as tx:
        await put_mail(house.server, tx, "ada@example.com", "Grüße", body)


async def test_mail_is_sent_once(house: House) -> None:
    """Whole, marked as made by a program, and gone from the outbox."""
    await write(house, "Öffne https://id.example.org/x?token=wgot_abc\n")
    async with Mailbox().serving() as box:
        smtp = smtp_server(f"smtp://localhost:{box.port}", sender="wardgate@example.org")
        assert await send_due(house.server, smtp) == 1
        assert await send_due(house.server, smtp) == 0
    (message,) = box.messages
    assert (message["From"], message["To"]) == ("wardgate@example.org", "ada@example.com")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert message.get_content().strip() == "Öffne https://id.example.org/x?token=wgot_abc"
    assert await house.mails() == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mail_travels_over_tls(house: House, authority: Authority, scheme: str) -> None:
    """By STARTTLS or from the first byte; the account's password is said after that only."""
    await write(house)
    box = Mailbox(tls=authority.server_context("localhost"), offers_tls=scheme == "smtp")
    async with box.serving(from_the_start=scheme == "smtps"):
        smtp = smtp_server(f"{scheme}://post%40example.org@localhost:{box.port}", password="hunter2")
        trusting = replace(smtp, trust=authority.client_context())
        assert await send_due(house.server, trusting) == 1
    assert box.encrypted == [True]
    assert len(box.logins) == 1


async def test_links_do_not_travel_in_the_clear(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a server that is not this machine and does not offer TLS nothing is said, and the mail stays."""
    monkeypatch.setattr(SmtpServer, "local", property(lambda self: False))
    await write(house)
    async with Mailbox().serving() as box:
        assert await send_due(house.server, smtp_server(f"smtp://localhost:{box.port}")) == 0
    assert box.messages == []
    assert len(await house.mails()) == 1


async def test_an_untrusted_server_gets_nothing(house: House, authority: Authority) -> None:
    """Its certificate must be one the system trusts, for the name that was asked for."""
    await write(house)
    async with Mailbox(tls=authority.server_context("localhost")).serving(from_the_start=True) as box:
        assert await send_due(house.server, smtp_server(f"smtps://localhost:{box.port}")) == 0
    assert box.messages == []


async def test_what_fails_is_tried_again_later_and_later(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a minute, a minute, two ... The log names the message by its id, neither address nor contents."""
    caplog.set_level(logging.INFO)
    await write(house, "wgot_secret\n")
    async with Mailbox(refuses=True).serving() as box:
        smtp = smtp_server(f"smtp://localhost:{box.port}")
        for pause in (30, 60, 120):
            assert await send_due(house.server, smtp) == 0
            house.clock.now += pause - 1
            assert await send_due(house.server, smtp) == 0
            assert (await house.mails())[0].not_before == house.clock.now + 1
            house.clock.now += 1
        box.refuses = False
        assert await send_due(house.server, smtp) == 1
    assert "mail eml_" in caplog.text
    assert "451" in caplog.text
    assert "ada@example.com" not in caplog.text
    assert "wgot_secret" not in caplog.text


async def test_a_server_that_is_away_loses_nothing(house: House) -> None:
    """Nobody listens: the mail stays."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await write(house)
    assert await send_due(house.server, smtp_server(f"smtp://127.0.0.1:{port}")) == 0
    assert (await house.mails())[0].attempts == 1


async def test_mail_is_given_up_after_a_day(house: House) -> None:
    """Its links are over by then; the secret does not stay in the database."""
    await write(house)
    house.clock.now += outbox.GIVE_UP + 1
    async with Mailbox().serving() as box:
        assert await send_due(house.server, smtp_server(f"smtp://localhost:{box.port}")) == 0
    assert box.messages == []
    assert await house.mails() == []


@pytest.mark.every_database
async def test_two_senders_send_it_once(house: House) -> None:
    """Environments that share a store, or nodes of one, do not send the same message twice."""
    for _ in range(8):
        await write(house)
    async with Mailbox().serving() as box:
        smtp = smtp_server(f"smtp://localhost:{box.port}")
        sent = await asyncio.gather(*(send_due(house.server, smtp) for _ in range(3)))
        while await send_due(house.server, smtp):
            pass
    assert sum(sent) <= 8
    assert len(box.messages) == 8
    assert len({message["Message-ID"] for message in box.messages}) == 8


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "user"),
    [
        ("smtps://post@mail.example.org", "mail.example.org", 465, True, "post"),
        ("smtp://mail.example.org", "mail.example.org", 587, False, ""),
        ("smtp://post%40example.org@127.0.0.1:25/", "127.0.0.1", 25, False, "post@example.org"),
    ],
)
def test_servers_are_named_by_url(url: str, host: str, port: int, tls: bool, user: str) -> None:
    """Scheme, user, host and port; the usual ports where none is said."""
    made = smtp_server(url, password="x")
    assert (made.host, made.port, made.tls, made.user) == (host, port, tls, user)
    assert made.password == Secret("x")
    assert "x" not in repr(made.password)


@pytest.mark.parametrize(
    ("url", "password", "said"),
    [
        ("mail.example.org:25", "", "must be like"),
        ("http://mail.example.org", "", "must be like"),
        ("smtp://", "", "must be like"),
        ("smtp://mail.example.org:x", "", "must be like"),
        (
            "smtp://post:hunter2@mail.example.org",
            "",
            "does not belong in the URL: set WARDGATE_SMTP_PASSWORD",
        ),
        ("smtp://post@mail.example.org", "", "has a user but no password: set WARDGATE_SMTP_PASSWORD"),
        ("smtp://mail.example.org/?tls=off", "", "must be like"),
    ],
)
def test_what_names_no_server(url: str, password: str, said: str) -> None:
    """The message says what to do, and never quotes a password."""
    with pytest.raises(ValueError, match=said) as refused:
        smtp_server(url, password=password)
    assert "hunter2" not in str(refused.value)
