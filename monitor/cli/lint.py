"""``lint``: what is wrong with models."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import FILE, include_option, load_settings

if TYPE_CHECKING:
    from monitor.bpmn.document import Problem


@click.command(short_help="Say what is wrong with BPMN models.")
@click.argument("models", nargs=-1, type=FILE)
@click.option("-c", "--config", type=FILE, help="Also hold the models against this configuration's settings.")
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
    """Say what is wrong with BPMN models: what cannot be honoured, what is ambiguous, what is dead.

    Each line has the file and line, the element's id and name, what is wrong and how to mend it. Exits
    with 1 when there are errors.

    \b
    Examples:
      choreoscope lint order.bpmn
      choreoscope lint --config choreoscope.yaml        (all models it names, with their SLAs)
      choreoscope lint --format json models/*.bpmn
    """
    if not models and config is None:
        raise click.UsageError("Say which models: MODEL.bpmn ..., or --config choreoscope.yaml.")
    settings = load_settings(config) if config else None
    from monitor.checking import lint_models

    problems = lint_models(models, settings, tuple(chain.from_iterable(include)))
    if style == "json":
        click.echo(json.dumps({"problems": [_plain(problem) for problem in problems]}, indent=2))
    else:
        for problem in problems:
            click.echo(problem)
        click.echo(_summary(problems), err=True)
    return int(
        any(problem.severity == "error" or (strict and problem.severity == "warning") for problem in problems)
    )


def _summary(problems: list[Problem]) -> str:
    if not problems:
        return "no problems"
    counts = {}
    for kind in ("error", "warning", "info"):
        count = sum(problem.severity == kind for problem in problems)
        if count:
            counts[kind] = f"{count} {kind}{'s' if count > 1 and kind != 'info' else ''}"
    return ", ".join(counts.values())


def _plain(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "file": problem.place.file,
        "line": problem.place.line,
        "element": problem.element,
        "name": problem.name,
    }
