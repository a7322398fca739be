"""A notification as a mail: text and HTML, the picture of where it hurts, and headers that keep a thread."""

from __future__ import annotations

import email.policy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from hashlib import blake2b
from typing import Any

import jinja2

import monitor
from monitor import sandbox
from monitor.alerts import bodies, wording
from monitor.alerts.base import Notification
from monitor.plaintext import local, one_line
from monitor.resources import templates

SUBJECT = 180
"""Characters."""
ALERTS = 20
"""Told one by one. Gmail cuts what is longer than 102 KB, and each is up to 5."""


# Every server takes it: nothing but ASCII on the wire.
_POLICY = email.policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Writing:
    """How mails to one receiver are written. ``subject``: a template of their own."""

    sender: str
    to: tuple[str, ...]
    reply_to: str | None = None
    zone: str = "UTC"
    subject: str | None = None

    @property
    def domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Picture:
    """Of the one trace a mail is about. Without ``png`` the SVG is attached."""

    svg: str
    png: bytes | None = None


def compose(notification: Notification, writing: Writing, picture: Picture | None = None) -> EmailMessage:
    """The mail. Raises sandbox.TemplateFailed for a subject that cannot be made."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = subject(notification, writing)
    message["From"] = writing.sender
    message["To"] = ", ".join(writing.to)
    if writing.reply_to:
        message["Reply-To"] = writing.reply_to
    message["Date"] = format_datetime(notification.created.astimezone(UTC))
    message["Message-ID"] = f"<{bodies.word(notification.id)}@{writing.domain}>"
    if root := thread(notification, writing):
        message["In-Reply-To"] = root
        message["References"] = root
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["User-Agent"] = f"Choreoscope/{monitor.__version__}"
    message["X-Choreoscope-Receiver"] = one_line(notification.receiver)
    message["X-Choreoscope-Status"] = notification.status
    if any(alert.labels.get("severity") == "critical" for alert in notification.firing):
        message["Importance"] = "high"
    values = _values(notification, writing.zone, picture)
    message.set_content(_templates().get_template("notification.txt").render(values))
    message.add_alternative(_templates().get_template("notification.html").render(values), subtype="html")
    if picture is not None:
        _put(message, picture, values["picture_id"])
    return message


def flattened(message: EmailMessage) -> bytes:
    """The mail as it is sent. A subject in ASCII stays on its line, however long; Python would put all of it
    on a second one, of which some readers show nothing."""
    if str(message["Subject"]).isascii():
        return message.as_bytes(policy=_POLICY.clone(max_line_length=SUBJECT + 40))
    return message.as_bytes()


def subject(notification: Notification, writing: Writing) -> str:
    """One line, whatever texts are in it. Raises sandbox.TemplateFailed."""
    headline = wording.headline(notification, writing.zone)
    if writing.subject is None:
        return headline
    said = sandbox.render(writing.subject, {**bodies.data(notification), "headline": headline})
    return one_line(said, SUBJECT) or headline


def thread(notification: Notification, writing: Writing) -> str | None:
    """The id all mails of a thread refer to; none is ever sent under it. One thread for each trace, else for
    each group; digests and tests have none."""
    if notification.kind != "alerts":
        return None
    trace = notification.trace
    about = f"trace {trace}" if trace is not None else f"group {notification.group_key}"
    told = f"{notification.external_url}\n{about}".encode("utf-8", "surrogatepass")
    return f"<thread-{blake2b(told, digest_size=12).hexdigest()}@{writing.domain}>"


def _put(message: EmailMessage, picture: Picture, picture_id: str) -> None:
    if picture.png is None:
        svg = picture.svg.encode("utf-8", "replace")
        message.add_attachment(svg, maintype="image", subtype="svg+xml", filename="trace.svg")
        return
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(
        picture.png, "image", "png", cid=f"<{picture_id}>", filename="trace.png", disposition="inline"
    )


def _values(notification: Notification, zone: str, picture: Picture | None) -> Mapping[str, Any]:
    alerts, left = wording.shown(notification, zone, ALERTS)
    url = notification.external_url
    return {
        "headline": wording.headline(notification, zone),
        "kind": notification.kind,
        "status": notification.status,
        "alerts": alerts,
        "left": left,
        "flows": wording.flows(notification) if notification.kind == "digest" else [],
        "trace_url": f"{url}/traces/{notification.trace}" if notification.trace is not None else url,
        "url": url,
        "receiver": one_line(notification.receiver),
        "created": local(notification.created, zone),
        "zone": zone,
        "picture": "none" if picture is None else "attached" if picture.png is None else "shown",
        "picture_id": f"trace.{bodies.word(notification.id)}@choreoscope",
    }


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates() / "email"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
