"""The command: which examinations there are, all at once, one line each."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.doctor.result import Result, Results, State, bounded, ok
from monitor.cli.options import config_option, load_settings

if TYPE_CHECKING:
    from monitor.settings import Settings


@click.command(short_help="Try every configured connection and say what is wrong.")
@config_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(config: Path, style: str) -> int:
    """Try everything the configuration names, for real: database, brokers, files, models, receivers.

    Each line says ok, warn or fail, and what to do. Nothing is changed anywhere: no queue is made, no
    group joined, no offset committed, no message sent. Exits with 1 when something fails.

    \b
    Examples:
      choreoscope doctor -c choreoscope.yaml
      choreoscope doctor --format json | jq '.[] | select(.state == "fail")'
    """
    settings = load_settings(config)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it would say is said here, once
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    results = asyncio.run(examine(settings, config))
    if style == "json":
        click.echo(json.dumps([result.to_json() for result in results], indent=2))
    else:
        for result in results:
            click.echo(result)
    return int(any(result.state is State.FAIL for result in results))


async def examine(settings: Settings, config: Path) -> list[Result]:
    """All examinations at once; their results in the configuration's order."""
    from monitor.cli.doctor.database import examine_database
    from monitor.cli.doctor.local import examine_models

    examinations: list[tuple[str, Results]] = [
        ("database", examine_database(settings)),
        *((f"source {source.name}", _of_source(source)) for source in settings.sources),
        ("models", examine_models(settings)),
        *_of_receivers(settings),
        *_of_commands(settings),
        *_of_logins(settings),
    ]
    found = await asyncio.gather(*(bounded(what, results) for what, results in examinations))
    return [ok("configuration", f"{config} is valid"), *(result for results in found for result in results)]


def _of_receivers(settings: Settings) -> list[tuple[str, Results]]:
    alerts = settings.alerts
    if alerts is None:
        return []
    from monitor.cli.doctor import receivers

    return [(f"receiver {one.name}", receivers.examine(one, alerts.smtp)) for one in alerts.receivers]


def _of_commands(settings: Settings) -> list[tuple[str, Results]]:
    if not settings.commands.items:
        return []
    from monitor.cli.doctor import commands

    return [(commands.WHAT, commands.examine(settings.commands))]


def _of_logins(settings: Settings) -> list[tuple[str, Results]]:
    if settings.auth is None:
        return []
    from monitor.cli.doctor import logins

    return [(logins.WHAT, logins.examine(settings, settings.auth))]


def _of_source(source: object) -> Results:
    from monitor.cli.doctor import kafka, local, rabbitmq
    from monitor.settings import FileSource, KafkaSource, RabbitmqSource

    match source:
        case RabbitmqSource():
            return rabbitmq.examine(source)
        case KafkaSource():
            return kafka.examine(source)
        case FileSource():
            return local.examine_files(source)
        case _:
            return _nothing_to_try(source)


async def _nothing_to_try(source: object) -> Results:
    yield ok(f"source {getattr(source, 'name', '')}", f"{getattr(source, 'kind', '')}: nothing to connect to")
