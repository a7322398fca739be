"""``check``: hold recorded events against a model, without any server."""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import chain
from pathlib import Path

import click

from monitor.cli.options import Instant, include_option, load_settings
from monitor.cli.progress import progress
from monitor.cli.report import as_json, as_junit, as_text
from monitor.cli.spool import spooled

EVENTS = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command(short_help="Check recorded events against a model; no server needed.")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A BPMN model; may be given several times.",
)
@include_option
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="A configuration: its event rules, its models' SLAs and, without --model, its models.",
)
@click.option(
    "--now",
    type=Instant(),
    help="Up to when the events are complete: SLAs are judged at this time ('now' or ISO 8601). "
    "Without it nothing is said to be overdue.",
)
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True
)
@click.option("--all", "everything", is_flag=True, help="Text: show traces that conform, too.")
@click.argument("events", nargs=-1, type=EVENTS)
def check(
    models: tuple[Path, ...],
    include: tuple[tuple[Path, ...], ...],
    config: Path | None,
    now: datetime | None,
    style: str,
    everything: bool,
    events: tuple[Path, ...],
) -> int:
    """Hold the events in EVENTS against a model and tell every deviation, in words.

    EVENTS are files of JSON lines (CloudEvents, or flat objects with case, type and time), CSV, or XES
    (also .gz); '-' is standard input. Exits with 1 when anything was found.

    \b
    Examples:
      choreoscope check --model order.bpmn events.jsonl
      choreoscope check --model order.bpmn --now 2026-07-01T18:00:00Z events.csv
      choreoscope check --model order.bpmn --include 'called/*.bpmn' events.jsonl
      choreoscope check --config choreoscope.yaml --format junit events.jsonl > report.xml
      kafka-console-consumer ... | choreoscope check --model order.bpmn -
    """
    if not models and config is None:
        raise click.UsageError("Say what to expect: --model MODEL.bpmn, or --config choreoscope.yaml.")
    if not events:
        raise click.UsageError("Say which events to check: one or more files, or '-' for standard input.")
    settings = load_settings(config) if config else None
    if settings is not None and not models and not settings.models:
        raise click.UsageError(f"{config} names no models; give --model MODEL.bpmn.")
    from monitor.checking import check_events

    with progress("checking"), spooled(events) as files:
        report = check_events(models, settings, files, now, tuple(chain.from_iterable(include)))
    said = report.to_json()
    if style == "json":
        sys.stdout.buffer.write(as_json(said))
    elif style == "junit":
        click.echo(as_junit(said))
    else:
        for line in as_text(said, everything=everything):
            click.echo(line)
    return int(report.has_findings)
