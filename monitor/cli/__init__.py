"""The command line. Each command is a module of its own, imported only when it is called: ``check`` must
start in half a second, and so must not load what only servers need.

Exit codes: 0 good; 1 findings; 2 usage or invalid input; 130 interrupted; 70 a defect of this program.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click

from monitor import __version__
from monitor.errors import ChoreoscopeError

FINDINGS, INVALID, DEFECT, INTERRUPTED = 1, 2, 70, 130

COMMANDS = {
    "demo": "demo",
    "check": "check",
    "lint": "lint",
    "diagram": "diagram",
    "replay": "replay",
    "inbox": "inbox",
    "alerts": "alerts",
    "commands": "commands",
    "run": "serve",
    "ingest": "serve",
    "sweep": "serve",
    "dashboard": "serve",
    "users": "users",
    "tokens": "users",
    "db": "db",
    "config": "config",
    "doctor": "doctor",
    "landscape": "landscape",
}
"""Command -> the module of this package that has it, in the order of the help page."""


class _Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"monitor.cli.{COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `choreoscope demo`. Each command has its own --help with examples.",
)
@click.version_option(__version__, prog_name="choreoscope", message="%(prog)s %(version)s")
def choreoscope() -> None:
    """Hold every event of an event-driven landscape against the flow you expect.

    Choreoscope reads along on RabbitMQ and Kafka, puts events into end-to-end traces, compares each with
    a BPMN model and says what is out of order, missing, late or about to be late.
    """


def invoke(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code. Errors a user can meet are one message on stderr."""
    try:
        result = choreoscope.main(list(arguments), prog_name="choreoscope", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return INVALID
    except ChoreoscopeError as error:
        click.echo(f"choreoscope: {error}", err=True)
        return INVALID
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has had enough; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - the last line of defence: a crash must not look like findings
        traceback.print_exc()
        click.echo(
            "choreoscope: this is a defect of choreoscope; please report it with the lines above.", err=True
        )
        return DEFECT
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the ``choreoscope`` script."""
    sys.exit(invoke(sys.argv[1:]))
