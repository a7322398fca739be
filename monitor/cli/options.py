"""Options several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.globbing import files_matching
from monitor.logs import FORMATS, LEVELS

if TYPE_CHECKING:
    from monitor.settings import Settings

DEFAULT_CONFIG = Path("choreoscope.yaml")

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def config_option(command: Command) -> Command:
    """``--config``: required, with ``choreoscope.yaml`` as the usual place."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        show_default=True,
        envvar="CHOREOSCOPE_CONFIG",
        show_envvar=True,
        help="The configuration file.",
    )(command)


def log_options(command: Command) -> Command:
    """``--log-level`` and ``--log-format``."""
    command = click.option(
        "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="How much to tell."
    )(command)
    return click.option(
        "--log-format", type=click.Choice(FORMATS), default="text", show_default=True, help="Lines or JSON."
    )(command)


class HostAndPort(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``, as ``127.0.0.1:9321`` or ``[::1]:9321``."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        host, _, port = str(value).rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            self.fail(f"{value!r} is not a host and a port such as 127.0.0.1:9321", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


def probes_option(command: Command) -> Command:
    """``--probes``: a host and a port."""
    return click.option(
        "--probes",
        metavar="HOST:PORT",
        type=HostAndPort(),
        help="Serve /livez, /readyz and /metrics there, without a login.",
    )(command)


class Files(click.ParamType[tuple[Path, ...]]):
    """A file, or a pattern of files."""

    name = "file"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path, ...]:
        found = tuple(files_matching(str(value)))
        if not found:
            self.fail(f"there is no file {value}", param, ctx)
        return found


def include_option(command: Command) -> Command:
    """``--include``: tuples of files."""
    return click.option(
        "--include",
        multiple=True,
        type=Files(),
        help="A file, or pattern of files, with processes that call activities of the models name.",
    )(command)


def load_settings(path: Path) -> Settings:
    """The configuration, with the environment of this process. Raises ConfigError."""
    from monitor.settings import load  # pydantic is slow to import: only commands that need it pay

    return load(path, os.environ)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 time; without an offset it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if value == "now":
            return datetime.now(UTC)
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-07-01T08:00:00Z, nor 'now'", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
