"""``diagram``: a model as a picture, with what recorded traces did on it."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import FILE, Instant, include_option, load_settings
from monitor.cli.progress import progress
from monitor.cli.spool import spooled
from monitor.errors import InvalidInput

if TYPE_CHECKING:
    from monitor.checking import CheckReport
    from monitor.diagram import Overlay

LOG = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command(short_help="Draw a BPMN model as SVG, with what traces did on it.")
@click.argument("model", type=FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    show_default=True,
    help="The SVG file; '-' is standard output.",
)
@click.option(
    "--page",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Which, where a file has several diagrams.",
)
@click.option(
    "--trace",
    "trace_log",
    type=LOG,
    metavar="EVENTS",
    help="Draw what one trace of this log did: its path, where it stands, findings and SLA clocks.",
)
@click.option("--key", help="With --trace: which trace, where the log has several.")
@click.option(
    "--heat",
    "heat_log",
    type=LOG,
    metavar="EVENTS",
    help="Draw what all traces of this log did, as a heat map.",
)
@click.option(
    "--heat-by",
    type=click.Choice(["frequency", "waiting", "deviations"]),
    default="frequency",
    show_default=True,
    help="With --heat: what the shades measure: how many traces passed, how long they waited (median), or "
    "how many deviate.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="With --trace or --heat: a configuration with event rules and the model's SLAs.",
)
@include_option
@click.option(
    "--now",
    type=Instant(),
    help="With --trace or --heat: up to when the events are complete, as in check.",
)
def diagram(
    model: Path,
    output: Path,
    page: int,
    trace_log: Path | None,
    key: str | None,
    heat_log: Path | None,
    heat_by: str,
    config: Path | None,
    include: tuple[tuple[Path, ...], ...],
    now: datetime | None,
) -> None:
    """Draw MODEL as SVG, as its modeler laid it out; models without a layout get one.

    EVENTS is a log as check reads it: JSON lines, CSV or XES (also .gz); '-' is standard input.

    \b
    Examples:
      choreoscope diagram order.bpmn -o order.svg
      choreoscope diagram order.bpmn --page 2 > second.svg
      choreoscope diagram order.bpmn --trace events.jsonl --key o-17 -o o-17.svg
      choreoscope diagram order.bpmn --trace events.jsonl --key o-17 \\
        --config choreoscope.yaml --now 2026-07-01T18:00:00Z -o o-17.svg
      choreoscope diagram order.bpmn --heat events.csv -o busy.svg
      choreoscope diagram order.bpmn --heat events.csv --heat-by waiting -o slow.svg
    """
    log = trace_log or heat_log
    if trace_log is not None and heat_log is not None:
        raise click.UsageError("Give --trace or --heat, not both: a picture shows one trace or all of them.")
    if log is None and (key or config or now):
        raise click.UsageError("--key, --config and --now say how a log is read: give --trace or --heat.")
    if key is not None and trace_log is None:
        raise click.UsageError("--key chooses the trace of --trace; a heat map shows all of them.")
    from monitor.bpmn.read import read_file
    from monitor.diagram.render import render

    document = read_file(model)
    overlay = None
    if log is not None:
        report = _checked(model, log, config, tuple(chain.from_iterable(include)), now)
        overlay = _overlay(report, log, key, heat_by if heat_log is not None else None)
    svg = render(
        document, diagram=page - 1, overlay=overlay, standalone=True, interactive=overlay is not None
    )
    if str(output) == "-":
        click.echo(svg)
        return
    try:
        output.write_text(svg, "utf-8")
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"{output} written", err=True)


def _checked(
    model: Path, log: Path, config: Path | None, include: tuple[Path, ...], now: datetime | None
) -> CheckReport:
    """The log held against the model."""
    from monitor.checking import check_events

    settings = load_settings(config) if config else None
    with progress("checking"), spooled((log,)) as files:
        return check_events((model,), settings, files, now, include)


def _overlay(report: CheckReport, log: Path, key: str | None, heat_by: str | None) -> Overlay:
    from monitor.cli import overlaid

    where = "standard input" if str(log) == "-" else str(log)
    if heat_by is not None:
        return overlaid.of_many(report, heat_by, where)
    trace = overlaid.chosen(report.traces, key, where)
    return overlaid.of_one(trace, report.judges[trace.model])
