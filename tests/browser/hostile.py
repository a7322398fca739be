"""A landscape whose every text wants to be more than text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from monitor.configuration import Configuration, Refused
from monitor.domain.event import Position
from monitor.settings import MemorySource
from monitor.sources.base import Progress
from monitor.sources.memory import Memory
from tests.browser.landscape import Monitor, running

SCRIPT = "</title></script><script>window.owned=1</script>"
IMAGE = "\"'><img src=x onerror=window.owned=1><svg onload=window.owned=1>"
TEMPLATE = "A{{7*7}}Z A${7*7}Z A{%print(7*7)%}Z A#{7*7}Z"
LINK = "javascript:window.owned=1"
TURNED = "\u202eevil\u2066\u2067\u2068\u2069\u202c \u200fא\u200e"
UNSEEN = "z\u200bw\u200d\ufeffs\u00adp\u2028l\u2029"
TOWER = "t" + "\u0301\u0336" * 40
CONTROLS = "\x01\x07\x08\x1b[31mred\x1b[0m\x1b]0;title\x07\x7f\x9b\x85"
HALF = "\ud800half"
NUL = "nul\x00nul"

XML = SCRIPT + IMAGE + TEMPLATE + TURNED + UNSEEN
"""What fits into a name of a model, for XML holds no control characters."""
NASTY = LINK + XML + CONTROLS + "\u0301" * 12
"""What fits where texts are bounded."""
HUGE = "<b>" + "huge " * 100_000 + NASTY + "W" * 500_000
"""A megabyte, half of it without a blank."""
WORST = NASTY + TOWER + HALF + NUL

FLOW = "order"
DOCUMENT = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def model() -> str:
    """A message start, a task and an end, with names, ids and documentation that are no names."""
    ids = {part: quoteattr(f'{part}"><img src=x onerror=window.owned=1>') for part in "PSTUEfgh"}
    name = quoteattr(XML)
    longest = quoteattr("L" * 5000 + XML)
    return f"""<definitions xmlns="{DOCUMENT}" targetNamespace="urn:nasty" id="d" name={name}>
  <process id={ids["P"]} name={name}>
    <documentation>{SCRIPT.replace("<", "&lt;")}</documentation>
    <startEvent id={ids["S"]} name={name}><outgoing>x</outgoing></startEvent>
    <sequenceFlow id={ids["f"]} name={name} sourceRef={ids["S"]} targetRef={ids["T"]}/>
    <task id={ids["T"]} name={longest}/>
    <sequenceFlow id={ids["g"]} name={longest} sourceRef={ids["T"]} targetRef={ids["U"]}/>
    <task id={ids["U"]} name={quoteattr("second " + XML)}/>
    <sequenceFlow id={ids["h"]} name={name} sourceRef={ids["U"]} targetRef={ids["E"]}/>
    <endEvent id={ids["E"]} name={quoteattr("end " + XML)}/>
  </process>
</definitions>"""


def configuration(file: str) -> str:
    """JSON is YAML enough; a dollar sign before a brace is doubled."""
    labels = {"first": NASTY, "second": "second " + NASTY, "last": "last " + NASTY}
    rules = [
        {
            "match": {"type": f"*{word}"},
            "as": label,
            "keys": {"subject": "subject", "nasty": "data.key"},
            "keep": ["data"],
            "attributes": {"told": "data.key"},
        }
        for word, label in labels.items()
    ]
    element = {part: f'{part}"><img src=x onerror=window.owned=1>' for part in "STUE"}
    told = json.dumps(
        {
            "database": "sqlite:///hostile.db",
            "dashboard": {"port": 0},
            "sources": [
                {"name": "web", "kind": "http"},
                {"name": "memory", "kind": "memory"},
                {"name": "ill", "kind": "memory"},
            ],
            "events": rules,
            "models": [
                {
                    "file": file,
                    "key": FLOW,
                    "name": NASTY,
                    "bind": {
                        labels["first"]: element["S"],
                        labels["second"]: element["T"],
                        labels["last"]: element["E"],
                    },
                    "slas": [
                        {
                            "name": NASTY,
                            "from": "start",
                            "to": "end",
                            "within": "PT1H",
                            "severity": "critical",
                            "objective": {"target": "99%", "window": "P30D", "minimum": 1},
                        },
                        {"name": "L" * 300 + NASTY, "idle": True, "within": "PT2H"},
                    ],
                }
            ],
        }
    )
    return told.replace("${", "$${")


class Ill(Memory):
    """A source that fails with a text that wants to be more than text."""

    def progress(self) -> Sequence[Progress]:
        (told,) = super().progress()
        return (
            replace(told, shard=NASTY, error=WORST, position=NASTY),
            replace(told, shard="huge", error=HUGE),
        )


@asynccontextmanager
async def landscape(folder: Path) -> AsyncIterator[Monitor]:
    """A monitor with such a model, such names and such messages of every kind."""
    file = folder / '"><img src=x onerror=window.owned=1>{{7*7}}.bpmn'
    file.write_text(model())
    memory = Memory(MemorySource(name="memory"), worker="w")
    ill = Ill(MemorySource(name="ill"), worker="w")
    now = datetime.now(UTC)
    used = Configuration(now, Refused(now, WORST))
    sources = {"memory": memory, "ill": ill}
    async with running(folder, configuration(str(file)), sources=sources, used=used) as monitor:
        await fill(monitor, memory)
        yield monitor


def event(step: str, key: str, when: datetime, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{step}{key}"[:200] + IMAGE,
        "source": NASTY,
        "type": f"{NASTY}{step}",
        "subject": key,
        "time": when.isoformat(),
        "nasty": NASTY,
        "traceparent": IMAGE,
        "huge": HUGE[:200_000],
        "data": {"key": key, NASTY: NASTY, "huge": HUGE[:400_000], "half": WORST.replace(HALF, "")},
        **more,
    }


async def fill(monitor: Monitor, memory: Memory) -> None:
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)

    async def post(*steps: str, key: str) -> None:
        for number, step in enumerate(steps):
            one = event(step, key, now + timedelta(minutes=number))
            await monitor.raw(json.dumps(one).encode())

    await post("first", "second", "last", key=NASTY)
    await post("last", "second", key="out of order " + NASTY)
    await post("first", key=SCRIPT)
    await post("first", key="K" * 500)

    async def put(content: Any, **more: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        await memory.put(
            body,
            headers={
                WORST: WORST,
                "huge": HUGE[:300_000],
                "bytes": b"\xff<script>",
                "list": [WORST, {WORST: 1}],
            },
            properties={"type": WORST, "message_id": WORST, "correlation_id": WORST, "app_id": NASTY},
            key=NASTY.encode(),
            content_type=more.pop("content_type", "application/cloudevents+json"),
            position=Position(
                NASTY, partition=0, offset=more.pop("offset"), exchange=NASTY, routing_key=NASTY
            ),
            **more,
        )

    await put(event("second", SCRIPT, now), offset=1)
    await put(event("nowhere", SCRIPT, now), offset=2)  # no flow knows it
    await put(event("first", "", now), offset=3)  # without a key
    await put(event("first", SCRIPT, now, time=IMAGE), offset=4)  # no time
    await put(HUGE.encode()[:900_000], offset=5)
    await put(WORST.encode("utf-8", "surrogatepass"), content_type=NASTY, offset=6)
    await put({"type": HALF + NUL, "x": 1}, content_type="application/json", offset=7)
    await put({WORST: WORST}, content_type="application/json", offset=8)
    await put(event("first", SCRIPT, now, id=NUL), offset=9)
    await put(event("first", "x" * 2000, now), offset=10)
    await monitor.raw(b"\x00<script>window.owned=1</script>")
    await monitor.raw(json.dumps({"type": NASTY}).encode(), content_type="application/json")
    await monitor.until("/overview", lambda told: told["totals"]["breached"] and told["totals"]["inbox"] >= 8)
