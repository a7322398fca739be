"""``db``: the schema of the database."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.options import config_option, load_settings


@click.group(short_help="Bring the database schema up to date, or say where it stands.")
def db() -> None:
    """The schema of the database that the configuration names."""


@db.command()
@config_option
@click.option(
    "--stopped", is_flag=True, help="No process of a former version is at work: do what needs that."
)
@click.option(
    "--wait",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to try for a lock that others hold.",
)
def upgrade(config: Path, stopped: bool, wait: int) -> None:
    """Bring the database to the schema this version needs; make the tables where there are none.

    It goes step by step, each whole or not at all, and tells on stderr what it does and whom it waits for.
    Processes may be at work meanwhile: a lock that is not had within two seconds is let go of and tried for
    again. A step that former versions cannot work with is refused until --stopped says there are none.

    It does nothing where the schema is right already, and several may run at once (in every container's
    start script, say).

    \b
    Example:
      choreoscope db upgrade -c choreoscope.yaml
    """
    url = load_settings(config).database.get_secret_value()
    from monitor.storage import migrate

    before = migrate.current(url)
    migrate.upgrade(url, told=lambda line: click.echo(line, err=True), stopped=stopped, patience=wait)
    after = migrate.current(url)
    if before == after:
        click.echo(f"The schema was up to date already ({after}).")
    else:
        click.echo(f"The schema is {after} now (was: {before or 'none'}).")


@db.command()
@config_option
def current(config: Path) -> None:
    """Print the revision the database stands at ('none' before the first upgrade)."""
    url = load_settings(config).database.get_secret_value()
    from monitor.storage import migrate

    click.echo(migrate.current(url) or "none")


@db.command()
@config_option
def check(config: Path) -> None:
    """Exit with 2, and say why, unless this version can work with the schema of the database."""
    url = load_settings(config).database.get_secret_value()
    from monitor.storage import migrate

    found = migrate.check(url)
    if found == migrate.head():
        click.echo(f"The schema is the one this version needs ({found}).")
    else:
        click.echo(
            f"The schema ({found}) was made by a later version, and suits this one ({migrate.head()})."
        )
