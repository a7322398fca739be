"""What must have come of a landscape, from what the brokers confirmed and what the simulation did."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.landscape import story
from monitor.landscape.plan import Plan
from monitor.landscape.wire import Emission
from monitor.settings import Settings
from tests.chaos.judged import About, Checked, EventId, Message, Order, Truth
from tests.chaos.landscape import Ledger, Load, is_noise
from tests.support.serving import command, environment
from tests.support.shop import offline, sent

_CHECKED_WITHIN = 300.0


async def truth_of(told: Plan, ledger: Ledger, load: Load, settings: Settings, config: Path) -> Truth:
    """``told`` has been sent, all of it, and its end is over."""
    once = {message.id: message for message in reversed(told.emissions)}
    messages = sorted(once.values(), key=lambda message: message.at)
    unsent = [message.id for message in messages if message.id not in ledger.first]
    assert not unsent, f"{len(unsent)} messages were never confirmed"
    noise = {message.id: reason for message, reason in _noise(told, messages)}
    deliveries = [sent(number, message) for number, message in enumerate(messages)]
    checked = asyncio.to_thread(_checked, config, messages, told.end)
    said = asyncio.to_thread(offline, settings, deliveries, told.end)
    return Truth(
        events=frozenset(
            EventId(f"/shop/{message.service}", message.id) for message in messages if message.id not in noise
        ),
        inbox=frozenset(Message(noise[one.id], one.body) for one in messages if one.id in noise),
        orders={one.order: _order(one, told.end) for one in told.truths},
        checked=await checked,
        said=tuple(await said),
        must=frozenset(about for one in told.truths for about in _lasting(one, told.end)),
        most=Counter(about for one in told.truths for about in _possible(one, told.end)),
        excused=frozenset(
            message.order for message in messages if ledger.first[message.id] - message.time > load.lateness
        ),
    )


def _noise(told: Plan, messages: Iterable[Emission]) -> Iterable[tuple[Emission, str]]:
    """Messages that cannot be placed, with the reason."""
    reasons = {one.order: one.inbox for one in told.truths if one.inbox}
    for message in messages:
        if is_noise(message):
            (reason,) = reasons[message.order]
            yield message, reason


def _order(one: story.Truth, now: datetime) -> Order:
    return Order(
        one.complete,
        one.events,
        tuple(sorted(one.deviations)),
        tuple(sorted((clock.sla, clock.state(now)) for clock in one.clocks)),
    )


def _lasting(one: story.Truth, now: datetime) -> Iterable[About]:
    """What is still so at the end."""
    for kind, label in one.deviations:
        yield About("".join(part.capitalize() for part in kind.split("_")), one.order, label)
    for clock in one.clocks:
        if clock.state(now) == "breached":
            yield About("SlaBreached", one.order, clock.sla)


def _possible(one: story.Truth, now: datetime) -> Iterable[About]:
    """What was so at any time."""
    for kind, label in one.deviations:
        yield About("".join(part.capitalize() for part in kind.split("_")), one.order, label)
    for clock in one.clocks:
        if clock.ended is None or clock.ended > clock.at_risk:
            yield About("SlaAtRisk", one.order, clock.sla)
        if clock.ended is None or clock.ended > clock.due:
            yield About("SlaBreached", one.order, clock.sla)


def order_of(key: str) -> str:
    """Payments speak of the order in their own number."""
    found = re.fullmatch(r"P-(.+)-\d+", key)
    return found[1] if found else key


def _checked(config: Path, messages: Iterable[Emission], now: datetime) -> dict[str, Checked]:
    """``choreoscope check``, offline, over the log of everything that was sent."""
    log = config.with_name("truth.jsonl")
    log.write_bytes(b"".join(message.line() + b"\n" for message in messages))
    done = subprocess.run(
        command("check", "-c", config, "--now", now.isoformat(), "--format", "json", log),
        stdout=subprocess.PIPE,
        env=environment(),
        timeout=_CHECKED_WITHIN,
        check=False,
    )
    assert done.returncode in (0, 1), done
    found: dict[str, Checked] = {}
    for trace in json.loads(done.stdout)["traces"]:
        assert trace["key"] not in found, trace
        found[trace["key"]] = _trace(trace)
    return found


def _trace(trace: Mapping[str, Any]) -> Checked:
    return Checked(
        trace["conforms"],
        trace["complete"],
        trace["cost"],
        tuple(
            sorted(
                (one["kind"], one["name"], one["element"], one["event"], one["message"])
                for one in trace["findings"]
            )
        ),
        tuple(
            sorted(
                (one["name"], one["state"], *(_instant(one[name]) for name in ("started", "due", "ended")))
                for one in trace["slas"]
            )
        ),
    )


def _instant(text: str | None) -> str:
    return "" if text is None else datetime.fromisoformat(text).isoformat()
