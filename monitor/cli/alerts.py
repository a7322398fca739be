"""``alerts``: try a receiver, see what fires, silence it, and who would be told of what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import orjson

from monitor.cli.options import config_option, load_settings

if TYPE_CHECKING:
    from monitor.settings import Settings
    from monitor.settings.alerts import AlertSettings
    from monitor.storage.alerting import Alerting, AlertRow

Answer = TypeVar("Answer")

style_option = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group(short_help="Try a receiver, list alerts, silence them, see who would be told.")
def alerts() -> None:
    """Who is told of what goes wrong.

    \b
    Examples:
      choreoscope alerts test ops
      choreoscope alerts list
      choreoscope alerts routes alertname=SlaBreached flow=order severity=critical
      choreoscope alerts silence add 'flow="order"' --for 4h --comment "the warehouse moves"

    Each takes --config (choreoscope.yaml). The running service may go on meanwhile; every change is put down
    in the audit.
    """


@alerts.command(short_help="Send a sample to a receiver, now.")
@config_option
@click.argument("receiver")
def test(config: Path, receiver: str) -> int:
    """Send a sample to RECEIVER, by its settings in the configuration, and say what it answered. Nothing is
    stored; no service needs to run. Exits with 1 when it does not arrive.

    \b
    Example:
      choreoscope alerts test ops
    """
    settings = load_settings(config)
    wanted = _configured(settings)
    names = [one.name for one in wanted.receivers]
    if receiver not in names:
        raise click.UsageError(f"There is no receiver {receiver!r}; there is {', '.join(sorted(names))}.")
    from monitor.alerts.base import Undeliverable

    try:
        said = asyncio.run(_sent(settings, wanted, receiver))
    except Undeliverable as error:
        click.echo(f"{receiver} does not have it: {error.message}", err=True)
        return 1
    click.echo(f"{receiver} has it: {said}")
    return 0


async def _sent(settings: Settings, wanted: AlertSettings, receiver: str) -> str:
    from uuid import uuid4

    from monitor.alerting import address_of
    from monitor.alerts.factory import channel_of
    from monitor.alerts.sample import sample

    (chosen,) = [one for one in wanted.receivers if one.name == receiver]
    channel = channel_of(chosen, wanted.smtp)
    now = datetime.now(UTC)
    try:
        return await channel.send(sample(receiver, address_of(settings), now, uuid4().hex), now)
    finally:
        await channel.close()


@alerts.command("list", short_help="What fires, or all alerts.")
@config_option
@click.option("--all", "every", is_flag=True, help="Facts and what is over, too.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many rows.")
@style_option
def list_(config: Path, every: bool, limit: int, style: str) -> int:
    """Alerts, the newest first. Exits with 1 when something fires.

    \b
    Example:
      choreoscope alerts list --all --format json
    """
    from monitor.storage.alerting import AlertFilter

    wanted = AlertFilter() if every else AlertFilter(state="firing")

    async def asked(store: Alerting) -> list[AlertRow]:
        return list((await store.alerts(wanted, limit=limit)).rows)

    rows = _asked(config, asked)
    if style == "json":
        click.echo(orjson.dumps([_row(row) for row in rows], option=orjson.OPT_INDENT_2).decode())
    elif not rows:
        click.echo("Nothing fires." if not every else "There are no alerts.")
    for row in rows if style == "text" else ():
        told = f"  (taken care of by {row.acknowledged_by})" if row.acknowledged_by else ""
        click.echo(f"{row.alert.starts_at:%Y-%m-%d %H:%M:%S}Z  {row.alert.status:<8}  {row.alert.name}{told}")
        click.echo(f"    {_line(row.alert.summary)}")
    return int(any(row.lasting and row.alert.status == "firing" for row in rows))


@alerts.command(short_help="Which receivers an alert with these labels would get to.")
@config_option
@click.argument("labels", nargs=-1, required=True)
@style_option
def routes(config: Path, labels: tuple[str, ...], style: str) -> int:
    """Who would be told of an alert with these LABELS (name=value), and together with which others.

    \b
    Example:
      choreoscope alerts routes alertname=SlaBreached flow=order severity=critical
    """
    given: dict[str, str] = {}
    for label in labels:
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{label!r} is no label; like severity=critical.")
        given[name] = value.strip('"')
    settings = load_settings(config)
    from monitor.alert_policy import policy_of

    now = datetime.now(UTC)
    policy = policy_of(_configured(settings), "")
    targets = policy.targets(given, now)
    if style == "json":
        told = [{"receiver": one.receiver, "route": one.route, "group": dict(one.labels)} for one in targets]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return 0
    for one in targets:
        group = ", ".join(f"{name}={value}" for name, value in one.labels.items()) or "all of the route"
        wait = one.first - now
        click.echo(f"{one.receiver}  by {one.route}")
        click.echo(f"    together: {group}; first told after {_length(wait)}")
    return 0


@alerts.group(short_help="What is not told for a while.")
def silence() -> None:
    """Silences: what is not told for a while."""


@silence.command(short_help="Silence alerts for a while.")
@config_option
@click.argument("matchers", nargs=-1, required=True)
@click.option("--for", "length", default="4h", show_default=True, help="How long: 30m, 4h, 7d.")
@click.option("--comment", default="", help="Why.")
def add(config: Path, matchers: tuple[str, ...], length: str, comment: str) -> int:
    """Silence alerts that all MATCHERS hold of.

    \b
    Example:
      choreoscope alerts silence add 'alertname="SlaBreached"' 'flow=~"order|refund"' --for 2h
    """
    from monitor.alerts.matchers import parse_all
    from monitor.dashboard.alert_desk import wish_of

    parse_all(matchers)  # each by itself: what is wrong is told of that one
    now = datetime.now(UTC)
    wish = wish_of({"matchers": "\n".join(matchers), "duration": length, "comment": comment}, now)

    async def asked(store: Alerting) -> int:
        return await store.silence(wish.matchers, wish.starts, wish.ends, wish.comment, _who(), now)

    number = _asked(config, asked)
    click.echo(f"Silence {number} lasts until {wish.ends:%Y-%m-%d %H:%M:%S}Z.")
    return 0


@silence.command("list", short_help="Silences in force and to come.")
@config_option
def silences(config: Path) -> int:
    """Silences in force and to come, the first to end first."""
    now = datetime.now(UTC)

    async def asked(store: Alerting) -> list[str]:
        rows = (await store.silences(limit=1000, over=False, now=now)).rows
        return [
            f"{row.id:>5}  until {row.ends:%Y-%m-%d %H:%M}Z  {', '.join(map(str, row.matchers))}"
            f"  {_line(row.comment)} ({row.created_by})"
            for row in rows
        ]

    lines = _asked(config, asked)
    click.echo("\n".join(lines) or "Nothing is silenced.")
    return 0


@silence.command(short_help="End a silence now.")
@config_option
@click.argument("number", type=click.IntRange(min=1))
def expire(config: Path, number: int) -> int:
    """End silence NUMBER now."""
    now = datetime.now(UTC)

    async def asked(store: Alerting) -> bool:
        return await store.expire(number, _who(), now)

    if not _asked(config, asked):
        click.echo(f"There is no silence {number} that is not over.", err=True)
        return 1
    click.echo(f"Silence {number} is over.")
    return 0


def _configured(settings: Settings) -> AlertSettings:
    if settings.alerts is None:
        raise click.UsageError("There are no alerts in the configuration: nobody is told of anything.")
    return settings.alerts


def _asked(config: Path, ask: Callable[[Alerting], Awaitable[Answer]]) -> Answer:
    from monitor.storage.sql import open_store

    settings = load_settings(config)

    async def asked() -> Answer:
        store = await open_store(settings.database.get_secret_value())
        try:
            return await ask(store.alerts)
        finally:
            await store.close()

    return asyncio.run(asked())


def _who() -> str:
    from monitor.domain.audit import LOCAL

    return LOCAL


def _row(row: AlertRow) -> dict[str, object]:
    return {
        "id": row.alert.id,
        "status": row.alert.status,
        "lasting": row.lasting,
        "labels": dict(row.alert.labels),
        "annotations": dict(row.alert.annotations),
        "starts_at": row.alert.starts_at,
        "ends_at": row.alert.ends_at,
        "acknowledged_by": row.acknowledged_by,
    }


def _line(text: str) -> str:
    """One line that moves nothing on a terminal."""
    shown = "".join(one if one.isprintable() else " " for one in text)
    return shown if len(shown) <= 200 else shown[:199] + "…"


def _length(wait: timedelta) -> str:
    from monitor.sla.findings import duration_text

    return duration_text(wait)
