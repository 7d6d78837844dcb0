"""Mail: written to the outbox in the transaction it belongs to, sent by a job, forgotten once sent.

A message may hold a one-time link, so it leaves over TLS only (to this machine itself, plain SMTP is taken too), and is
given up after a day. Without an SMTP server it stays in the outbox, where an operator can read it.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from wardgate.control.ids import new_id
from wardgate.domain.people import Mail
from wardgate.domain.secret import Secret
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

_log = logging.getLogger("wardgate.mail")

#: Holds the password of the SMTP server's account.
PASSWORD_VARIABLE = "WARDGATE_SMTP_PASSWORD"
#: Messages taken from the outbox together.
AT_A_TIME = 20
_SECONDS = 30.0
_FIRST_PAUSE = 30.0
_LONGEST_PAUSE = 3600.0
GIVE_UP = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. ``tls``: from the first byte (``smtps``), else by STARTTLS before anything is said.
    ``trust`` is how its certificate is verified: by the system's authorities unless given."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(b""))
    sender: str = ""
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def smtp_server(url: str, *, password: str = "", sender: str = "") -> SmtpServer:
    """The server that ``smtp[s]://[user@]host[:port]`` names.

    Raises:
        ValueError: it is not of that form; the message says what is wrong and never quotes a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"the SMTP server must be like smtps://user@host:465 ({error})") from None
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/") or parts.query:
        raise ValueError("the SMTP server must be like smtps://user@host:465 or smtp://host:587")
    if parts.password is not None:
        raise ValueError(f"the SMTP password does not belong in the URL: set {PASSWORD_VARIABLE}")
    user = unquote(parts.username or "")
    if user and not password:
        raise ValueError(f"the SMTP server has a user but no password: set {PASSWORD_VARIABLE}")
    tls = parts.scheme == "smtps"
    return SmtpServer(
        host=host,
        port=port or (465 if tls else 587),
        tls=tls,
        user=user,
        password=Secret(password),
        sender=sender or f"wardgate@{host}",
    )


async def put_mail(server: Server, tx: Transaction, to: str, subject: str, body: str) -> None:
    """Mail to ``to`` leaves after the transaction commits."""
    now = server.clock()
    await tx.outbox.add(
        Mail(id=new_id("eml", now), to=to, subject=subject, body=body, created_at=now, not_before=now)
    )


async def send_due(server: Server, smtp: SmtpServer) -> int:
    """Sends what is due; how many left this server. What fails is tried again later and later, for a day.

    Raises StoreError. The log names ids and causes, never addresses or contents.
    """
    now = server.clock()
    async with server.store.writing() as tx:
        due = await tx.outbox.due(now, AT_A_TIME)
        for mail in due:
            if mail.created_at + GIVE_UP < now:
                await tx.outbox.sent(mail.id)
                _log.error("mail %s was given up: it could not be sent for a day", mail.id)
    sent = 0
    for mail in due:
        if mail.created_at + GIVE_UP < now:
            continue
        try:
            await _send(smtp, mail)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**mail.attempts)
            _log.warning("mail %s was not taken (%s); next try in %d s", mail.id, _cause(error), pause)
            async with server.store.writing() as tx:
                await tx.outbox.failed(mail.id, server.clock() + pause)
        else:
            sent += 1
            async with server.store.writing() as tx:
                await tx.outbox.sent(mail.id)
    return sent


async def _send(smtp: SmtpServer, mail: Mail) -> None:
    message = EmailMessage()
    message["From"] = smtp.sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=smtp.sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    await aiosmtplib.send(
        message,
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.tls,
        start_tls=None if smtp.tls else (None if smtp.local else True),
        tls_context=smtp.trust or ssl.create_default_context(),
        username=smtp.user or None,
        password=smtp.password.reveal().decode() if smtp.user else None,
        timeout=_SECONDS,
    )


def _cause(error: Exception) -> str:
    """Why, without the addresses that SMTP servers like to quote."""
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
