"""``run``, ``ingest``, ``sweep`` and ``dashboard``: the monitor itself, whole or one role of it."""

from __future__ import annotations

from pathlib import Path

import click

from monitor import logs, process
from monitor.cli.options import config_option, load_settings, log_options, probes_option


def _serve(
    config: Path, log_level: str, log_format: str, *roles: str, probes: tuple[str, int] | None = None
) -> None:
    settings = load_settings(config)
    logs.configure(log_level, log_format)
    from monitor.serving import serve

    process.run(
        serve(
            settings,
            roles=frozenset(roles),
            ready=_ready,
            again=lambda: load_settings(config),
            probes=probes,
        )
    )


def _ready(said: str) -> None:
    click.echo(f"The dashboard is at {said}" if said.startswith("http") else said, err=True)


@click.command(short_help="Run the whole monitor.")
@config_option
@log_options
def run(config: Path, log_level: str, log_format: str) -> None:
    """Run the whole monitor: read the sources, watch the clocks, serve the dashboard.

    \b
    Example:
      choreoscope db upgrade -c choreoscope.yaml
      choreoscope run -c choreoscope.yaml

    It stops cleanly on Ctrl-C and SIGTERM: what was read but not stored is delivered again next time. On
    SIGHUP it reads the configuration and its models again; one that cannot be used is refused, and the last
    good one goes on.
    """
    _serve(config, log_level, log_format, "ingest", "sweep", "dashboard")


@click.command(short_help="Only read the sources and store; run as many as you like.")
@config_option
@log_options
@probes_option
def ingest(config: Path, log_level: str, log_format: str, probes: tuple[str, int] | None) -> None:
    """Read the sources, judge the traces and store them. Any number of these may run on one database.

    \b
    Example:
      choreoscope ingest -c choreoscope.yaml --probes 127.0.0.1:9321
    """
    _serve(config, log_level, log_format, "ingest", probes=probes)


@click.command(short_help="Only do what time alone brings about: due clocks, confirmations.")
@config_option
@log_options
@probes_option
def sweep(config: Path, log_level: str, log_format: str, probes: tuple[str, int] | None) -> None:
    """Watch the clocks: SLAs that become due, findings that are confirmed. Several may run at once.

    \b
    Example:
      choreoscope sweep -c choreoscope.yaml --probes 127.0.0.1:9322
    """
    _serve(config, log_level, log_format, "sweep", probes=probes)


@click.command(short_help="Only serve the dashboard and the API.")
@config_option
@log_options
def dashboard(config: Path, log_level: str, log_format: str) -> None:
    """Serve the dashboard and the API over what the other roles store.

    \b
    Example:
      choreoscope dashboard -c choreoscope.yaml
    """
    _serve(config, log_level, log_format, "dashboard")
