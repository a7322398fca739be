"""``config check``, ``config schema`` and ``config openslo``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from monitor.cli.options import DEFAULT_CONFIG, load_settings


@click.group(short_help="Check the configuration, or print its JSON Schema.")
def config() -> None:
    """Check the configuration file, or print the JSON Schema that editors complete it by."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("-c", "--config", "named", type=click.Path(path_type=Path), help="The same as FILE.")
def check(file: Path | None, named: Path | None) -> None:
    """Say everything that is wrong with FILE (default: choreoscope.yaml), each with its line.

    The models it names are compiled and its expressions, too; no connection is tried (doctor does that).

    \b
    Example:
      choreoscope config check choreoscope.yaml
    """
    file = file or named or DEFAULT_CONFIG
    settings = load_settings(file)
    from monitor.assembly import labels_of, mapping_of, models_of, rules_of
    from monitor.flows import build
    from monitor.mapping.coverage import gaps

    flows = [build(model)[1] for model in models_of(settings)]
    mapping_of(settings, flows)
    missing = [gap.said for gap in gaps(rules_of(settings), map(labels_of, flows))]
    for problem in missing:
        click.echo(f"warning: {problem}", err=True)
    sources = ", ".join(f"{source.name} ({source.kind})" for source in settings.sources) or "none"
    models = ", ".join(f"{model.key} ({model.file.name})" for model in settings.models) or "none"
    click.echo(f"{file} is valid.\n  sources: {sources}\n  models:  {models}")


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file.

    \b
    Example, for editors that speak the YAML language server:
      choreoscope config schema > choreoscope.schema.json
      # then, as the first line of choreoscope.yaml:
      # yaml-language-server: $schema=choreoscope.schema.json
    """
    from monitor.settings import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("-c", "--config", "named", type=click.Path(path_type=Path), help="The same as FILE.")
def openslo(file: Path | None, named: Path | None) -> None:
    """Print every objective of FILE (default: choreoscope.yaml) as OpenSLO documents.

    Their indicators are metrics of /metrics, for tools that read OpenSLO and Prometheus.

    \b
    Example:
      choreoscope config openslo choreoscope.yaml > slos.yaml
    """
    settings = load_settings(file or named or DEFAULT_CONFIG)
    import yaml

    from monitor.assembly import models_of, objectives_of
    from monitor.flows import build
    from monitor.openslo import documents

    found = list(documents(objectives_of(build(model)[1] for model in models_of(settings))))
    if not found:
        click.echo("No SLA has an objective, so there is nothing to print.", err=True)
        return
    click.echo(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True), nl=False)
