"""Corrective commands put together from settings: what is offered to people, and what the sweep does.

Where they are not enabled there is neither, and nothing that could connect to a broker to write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from monitor.bpmn.flow import Flow
from monitor.commands.base import Patience
from monitor.commands.declared import Expect, Item, Limits, Mode, Target, Template, When
from monitor.commands.dispatch import Dispatcher
from monitor.commands.offering import Names
from monitor.commands.publishers.kafka import KafkaPublisher
from monitor.commands.publishers.rabbitmq import RabbitmqPublisher
from monitor.commands.service import Commander
from monitor.errors import ConfigError
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.settings import Settings
from monitor.settings.commands import CommandSettings, CommandsSettings, KafkaTarget, RabbitmqTarget
from monitor.storage.sql import SqlStore
from monitor.sweep import Tick

MARGIN = timedelta(seconds=20)
"""A lease outlasts the longest attempt by so much: also what clocks of two machines may differ by."""


def commander_of(
    settings: Settings, store: SqlStore, flows: Flows, now: Callable[[], datetime]
) -> Commander | None:
    """None where commands are not enabled. Raises ConfigError where one names what its flow does not have."""
    commands = settings.commands
    if not commands.enabled:
        return None
    for number, one in enumerate(commands.items):
        _fits(number, one, flows.active[one.flow].flow)

    async def names(flow_id: int) -> Names:
        expected = await flows.version(flow_id)
        if expected is None:
            return {}
        return {node.id: {node.name, node.label or node.name} for node in expected.flow.nodes}

    return Commander(
        [item_of(one, commands) for one in commands.items],
        store.commands,
        names,
        now=now,
        dry_run=commands.dry_run,
        patience=patience_of(commands),
        external_url=settings.dashboard.external_url,
    )


def command_ticks(
    settings: Settings,
    commander: Commander | None,
    store: SqlStore,
    flows: Flows,
    metrics: Metrics,
    *,
    worker: str,
    now: Callable[[], datetime],
    watermarks: Callable[[], Awaitable[Mapping[str, datetime]]],
) -> list[Tick]:
    """What the sweep is to do: nothing where commands are not enabled. ``watermarks``: up to when each flow
    is read; absence is told as late as findings are confirmed."""
    if commander is None:
        return []

    async def judged() -> Mapping[str, datetime]:
        return {
            flow: mark - flows.active[flow].flow.ordering.lateness
            for flow, mark in (await watermarks()).items()
            if flow in flows.active
        }

    publishers = {
        (one.name, one.target.broker): publisher_of(one.target, settings.commands.timeout)
        for one in settings.commands.items
    }
    dispatcher = Dispatcher(
        commander, store.commands, store.views, publishers, metrics, worker=worker, now=now, judged=judged
    )
    return dispatcher.ticks()


def publisher_of(
    target: RabbitmqTarget | KafkaTarget, timeout: timedelta
) -> RabbitmqPublisher | KafkaPublisher:
    if isinstance(target, RabbitmqTarget):
        return RabbitmqPublisher(target, timeout)
    return KafkaPublisher(target, timeout)


def patience_of(settings: CommandsSettings) -> Patience:
    return Patience(
        failures=settings.breaker.failures,
        pause=settings.breaker.pause,
        give_up=settings.give_up,
        lease=4 * settings.timeout + MARGIN,
    )


def item_of(settings: CommandSettings, commands: CommandsSettings) -> Item:
    when, expect, target = settings.when, settings.expect, settings.target
    return Item(
        name=settings.name,
        title=settings.title,
        description=settings.description,
        flow=settings.flow,
        when=When(
            findings=frozenset(when.finding),
            sla=frozenset(when.sla),
            severity=frozenset(when.severity),
            element=frozenset(when.element),
            standing=frozenset(when.standing),
            states=frozenset() if when.state == "any" else frozenset({when.state}),
        ),
        mode=Mode(settings.mode),
        target=Target(target.kind, target.broker, target.place, Template(target.key_text)),
        type=settings.type,
        source=settings.source,
        subject=None if settings.subject is None else Template(settings.subject),
        headers={name: Template(text) for name, text in settings.headers.items()},
        body=_body(settings.body),
        structured=settings.format == "structured",
        expect=None if expect is None else Expect(expect.event, expect.within, expect.tolerance),
        limits=Limits(settings.limits.per_trace, settings.limits.per_hour),
        dry_run=commands.dry_run or settings.dry_run,
        expires=commands.approve_within,
    )


def _body(value: Any) -> Any:
    return Template(value, "json") if isinstance(value, str) else _templates(value)


def _templates(value: Any) -> Any:
    match value:
        case str():
            return Template(value)
        case dict():
            return {name: _templates(part) for name, part in value.items()}
        case list():
            return [_templates(part) for part in value]
        case _:
            return value


def _fits(number: int, command: CommandSettings, flow: Flow) -> None:
    """Raises ConfigError for a label, an SLA or an element that the flow does not have."""
    where = f"commands.items.{number}"
    if command.expect is not None:
        _known(f"{where}.expect.event", "event", command.expect.event, set(flow.labels), flow)
    for name in command.when.sla:
        _known(f"{where}.when.sla", "SLA", name, {sla.name for sla in flow.slas}, flow)
    elements = {name for node in flow.nodes for name in (node.id, node.name, node.label) if name}
    for name in (*command.when.element, *command.when.standing):
        _known(f"{where}.when", "element", name, elements, flow)


def _known(where: str, what: str, name: str, known: set[str], flow: Flow) -> None:
    if name not in known:
        near = get_close_matches(name, sorted(known), 3)
        mend = f"Did you mean {' or '.join(repr(one) for one in near)}?" if near else None
        raise ConfigError(f"{where}: the flow {flow.key!r} has no {what} {name!r}.", mend=mend)
