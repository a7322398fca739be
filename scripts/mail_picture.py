"""An example mail as a page, for docs/images/mail.png; scripts/screenshots.py shows it to a browser."""

from __future__ import annotations

import asyncio
import base64
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from monitor.alerting_pictures import picture  # noqa: E402 - the source tree's own
from monitor.alerts.base import Alert, Notification  # noqa: E402
from monitor.alerts.letters import Picture, Writing, compose  # noqa: E402
from monitor.alerts.picturing import png  # noqa: E402
from monitor.bpmn.read import read_file  # noqa: E402
from monitor.diagram import Overlay, Timing  # noqa: E402

DUE = datetime(2026, 3, 2, 9, 25, tzinfo=UTC)
WAITED_FOR = "Event_PaymentReceived"


def page() -> str:
    """The mail's HTML, its picture inside."""
    overlay = Overlay(
        visited=frozenset({"Event_OrderPlaced", "Gateway_Attempt", "Task_PaymentRequested"}),
        standing={"Gateway_PaymentOutcome": 1},
        clocks={WAITED_FOR: [Timing("breached", "")]},
    )
    svg = picture(read_file(ROOT / "models" / "order-fulfilment.bpmn"), overlay)
    drawn = asyncio.run(png(svg))
    if drawn is None:
        raise SystemExit("The mail's picture needs resvg-py and a font.")
    alert = Alert(
        id="a1",
        status="firing",
        labels={
            "alertname": "SlaBreached",
            "flow": "order",
            "sla": "Payment in time",
            "severity": "critical",
            "key": "order=o-17",
        },
        annotations={
            "summary": "“Payment in time” is breached for o-17:"
            f" it was due {DUE:%Y-%m-%d %H:%M:%S} UTC and has not been met.",
            "due": DUE.isoformat(),
            "started": (DUE - timedelta(hours=4)).isoformat(),
        },
        starts_at=DUE,
        trace=17,
    )
    notification = Notification(
        id="n1",
        receiver="shop-team",
        group_key="",
        group_labels={},
        alerts=(alert,),
        created=DUE + timedelta(seconds=35),
        external_url="https://choreoscope.example.com",
    )
    writing = Writing("choreoscope@example.com", ("shop@example.com",), zone="Europe/Berlin")
    message = compose(notification, writing, Picture(svg, drawn))
    html = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    address = f"data:image/png;base64,{base64.b64encode(drawn).decode()}"
    return str(html).replace("cid:trace.n1@choreoscope", address)
