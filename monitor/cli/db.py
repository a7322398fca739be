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
def upgrade(config: Path) -> None:
    """Bring the database to the schema this version needs; make the tables where there are none.

    All of it is done or none. It does nothing where the schema is right already, and several may run at
    once (in every container's start script, say).

    \b
    Example:
      choreoscope db upgrade -c choreoscope.yaml
    """
    url = load_settings(config).database.get_secret_value()
    from monitor.storage import migrate

    before = migrate.current(url)
    migrate.upgrade(url)
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
    """Exit with 2, and say why, unless the database has the schema this version needs."""
    url = load_settings(config).database.get_secret_value()
    from monitor.storage import migrate

    migrate.check(url)
    click.echo(f"The schema is the one this version needs ({migrate.head()}).")
