"""``lint``: what is wrong with models."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import click

from monitor.bpmn.document import Severity
from monitor.bpmn.lint import format_text, summary, to_json
from monitor.cli.options import FILE, include_option, load_settings
from monitor.cli.progress import progress


@click.command(short_help="Say what is wrong with BPMN models.")
@click.argument("models", nargs=-1, type=FILE)
@click.option("-c", "--config", type=FILE, help="Also hold this configuration's rules against the models.")
@include_option
@click.option("--strict", is_flag=True, help="Warnings count as findings, too.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def lint(
    models: tuple[Path, ...],
    include: tuple[tuple[Path, ...], ...],
    config: Path | None,
    strict: bool,
    style: str,
) -> int:
    """Say what is wrong with BPMN models, before an event comes.

    What cannot be honoured is an error. A flow is also played through, as far as about a second allows: dead
    elements, deadlocks, loops without a way out and tokens that pile up are warnings, with the events that
    lead there; where not everything could be played, an info says so.

    With a configuration, its event rules are held against the models: elements no event can be mapped to,
    labels no flow has, rules without the key that traces are found by.

    A line is "file:line: severity: id (name): what is wrong and how to mend it. [code]"; docs/lint.md
    explains every code. Exits with 1 when there are errors (with --strict: or warnings), with 2 for what is
    no model at all.

    \b
    Examples:
      choreoscope lint order.bpmn
      choreoscope lint --strict order.bpmn              (for your CI: warnings count, too)
      choreoscope lint --config choreoscope.yaml        (all models it names, with their SLAs and rules)
      choreoscope lint --format json models/*.bpmn | jq '.problems[] | select(.code == "deadlock") | .trace'
    """
    if not models and config is None:
        raise click.UsageError("Say which models: MODEL.bpmn ..., or --config choreoscope.yaml.")
    settings = load_settings(config) if config else None
    from monitor.linting import lint_models

    with progress("linting"):
        problems = lint_models(models, settings, tuple(chain.from_iterable(include)), config)
    if style == "json":
        click.echo(json.dumps(to_json(problems), indent=2))
    else:
        if problems:
            click.echo(format_text(problems))
        click.echo(summary(problems), err=True)
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return int(any(problem.severity in counted for problem in problems))
