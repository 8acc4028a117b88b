"""E-mail: the server that CDP_MAIL_URL names, and one try to send a message."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from django.core.mail import EmailMessage

from cdp.errors import first_line
from cdp_web.outgoing.post import Answer, NoAnswer

Security = Literal["", "starttls", "tls"]
_SCHEMES: dict[str, tuple[int, Security]] = {"smtp": (25, ""), "smtp+starttls": (587, "starttls"), "smtps": (465, "tls")}


@dataclass(frozen=True, slots=True)
class MailServer:
    """No host: e-mail is not configured."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    security: Security = ""


def parse_mail_url(url: str) -> MailServer:
    if not url:
        return MailServer()
    parts = urlsplit(url)
    port, security = _SCHEMES[parts.scheme]
    return MailServer(
        parts.hostname or "", parts.port or port, unquote(parts.username or ""), unquote(parts.password or ""), security
    )


def send_mail(message_id: str, recipients: Sequence[str], subject: str, text: str) -> Answer:
    """Raises NoAnswer. The same message id in every try lets the recipients' programs see that a message is the same."""
    message = EmailMessage(" ".join(subject.split()), text, to=recipients, headers={"X-CDP-Message": message_id})
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        raise NoAnswer(f"The mail server did not take the message: {first_line(error)}") from error
    return Answer(True, None, "The mail server took the message.")
