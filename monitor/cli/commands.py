"""``commands``: corrective commands: what was sent, what is offered, and the kill switch."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from monitor.cli.options import config_option, load_settings
from monitor.domain.audit import LOCAL

if TYPE_CHECKING:
    from monitor.commands.base import Attempt, Command, CommandBook, Message, Offer
    from monitor.commands.service import Commander
    from monitor.storage.views import TraceDetail, Views

Answer = TypeVar("Answer")

style_option = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)
note_option = click.option("--note", default="", help="Why, for the audit.")
number = click.argument("number", type=click.IntRange(min=1))


@click.group(short_help="Corrective commands: what was sent, and the kill switch.")
def commands() -> None:
    """Messages that put a trace right, as the configuration declares them.

    \b
    Examples:
      choreoscope commands stop --note "it ships twice"
      choreoscope commands resume
      choreoscope commands list
      choreoscope commands show 17
      choreoscope commands offers 4211
      choreoscope commands preview release-order 4211
      choreoscope commands send release-order 4211

    Each takes --config (choreoscope.yaml): its database, and what it declares. What is asked for here is sent
    by the running service (its sweep role). Every change is put down in the audit.
    """


@commands.command(short_help="Stop all commands at once, whatever was asked for.")
@config_option
@note_option
def stop(config: Path, note: str) -> int:
    """Throw the kill switch: nothing is sent until somebody resumes commands, and what waits goes on waiting.

    What is being sent in this very moment may still arrive.
    """
    if _stored(config, lambda store: store.stop(LOCAL, note, _now())):
        click.echo("Commands are stopped.")
    else:
        click.echo("Commands were stopped already.")
    return 0


@commands.command(short_help="Let commands go again.")
@config_option
@note_option
def resume(config: Path, note: str) -> int:
    """Let commands go again. What has waited longer than commands.give_up is not sent any more."""
    if _stored(config, lambda store: store.resume(LOCAL, note, _now())):
        click.echo("Commands go again.")
    else:
        click.echo("Commands were not stopped.")
    return 0


@commands.command("list", short_help="What was asked for, the newest first.")
@config_option
@click.option("--status", help="Only of this status: waiting, queued, published, ineffective, refused, ...")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@style_option
def list_(config: Path, status: str | None, limit: int, style: str) -> int:
    """Commands that were asked for, the newest first. Exits with 1 while commands are stopped.

    \b
    Example:
      choreoscope commands list --status ineffective
    """
    from monitor.commands.base import CommandFilter, Status

    known = [one.value for one in Status]
    if status is not None and status not in known:
        raise click.UsageError(f"There is no status {status!r}; there is {', '.join(known)}.")
    wanted = CommandFilter(None if status is None else Status(status))

    async def asked(store: CommandBook) -> tuple[Any, list[Command]]:
        return await store.stopped(), list((await store.commands(wanted, limit=limit)).rows)

    switch, rows = _stored(config, asked)
    if style == "json":
        _json([_fields(row) for row in rows])
    else:
        if switch is not None:
            click.echo(f"Stopped by {switch.by} since {_time(switch.since)}. {_cut(switch.note)}".rstrip())
        for row in rows:
            click.echo(
                f"{row.id:>7}  {row.status.value:<12} {_time(row.requested)}  {row.name}  {row.trace_key}"
            )
            if row.told:
                click.echo(f"         {_cut(row.told)}")
        if not rows:
            click.echo("No command was asked for.")
    return int(switch is not None)


@commands.command(short_help="One command: its message and the attempts to send it.")
@config_option
@style_option
@number
def show(config: Path, style: str, number: int) -> int:
    """Command NUMBER: how it stands, the exact message, and each attempt to send it."""

    async def asked(store: CommandBook) -> tuple[Command | None, list[Attempt]]:
        return await store.command(number), list(await store.attempts(number))

    found, attempts = _stored(config, asked)
    if found is None:
        raise click.ClickException(f"There is no command {number}.")
    if style == "json":
        _json({**_fields(found), "tries": [_plain(one) for one in attempts]})
        return 0
    click.echo(f"command {found.id}: {found.title} for {found.flow} {found.trace_key} (trace {found.trace})")
    click.echo(f"  {found.status.value}{': ' + _cut(found.told) if found.told else ''}")
    click.echo(f"  asked for {_time(found.requested)} by {found.requested_by} {_cut(found.note)}".rstrip())
    _tell_message(found.message)
    for one in attempts:
        outcome = "no outcome" if one.outcome is None else one.outcome.value
        click.echo(f"  attempt {one.number} {_time(one.began)} {outcome} {_cut(one.detail or '')}".rstrip())
    return 0


@commands.command(short_help="Cancel a command that has not been sent.")
@config_option
@note_option
@number
def cancel(config: Path, note: str, number: int) -> int:
    """Cancel command NUMBER, which waits to be approved or to be sent."""
    _stored(config, lambda store: store.cancel(number, LOCAL, note, _now()))
    click.echo(f"Command {number} is cancelled.")
    return 0


@commands.command(short_help="Send a command that failed again, by the same id.")
@config_option
@number
def again(config: Path, number: int) -> int:
    """Have command NUMBER sent again: the same message, by the same id."""
    from monitor.commanding import patience_of

    settings = load_settings(config)
    patience = patience_of(settings.commands)
    _stored(config, lambda store: store.again(number, LOCAL, patience, _now()))
    click.echo(f"Command {number} is sent again.")
    return 0


@commands.command(short_help="What is offered for a trace.")
@config_option
@style_option
@click.argument("trace", type=click.IntRange(min=1))
def offers(config: Path, style: str, trace: int) -> int:
    """The commands that are offered for trace TRACE as it stands. Exits with 1 where there is none."""

    async def asked(commander: Commander, detail: TraceDetail) -> list[Offer]:
        return await commander.offers(detail, detail.clocks, LOCAL)

    found = _offered(config, trace, asked)
    if style == "json":
        _json(
            [
                {
                    "name": one.item.name,
                    "title": one.item.title,
                    "mode": one.item.mode,
                    "finding": None if one.finding is None else one.finding.key,
                    "reason": "" if one.finding is None else one.finding.message,
                    "unmet": one.unmet,
                }
                for one in found
            ]
        )
    for one in found if style == "text" else ():
        click.echo(f"{one.item.name}: {one.item.title} ({one.item.mode.value})")
        if one.finding is not None:
            click.echo(f"  because: {_cut(one.finding.message)}")
        if one.unmet:
            click.echo(f"  not now: {_cut(one.unmet)}")
    if not found and style == "text":
        click.echo("Nothing is offered for it.")
    return int(not found)


@commands.command(short_help="The exact message a command would send.")
@config_option
@click.option("--body", is_flag=True, help="Only the exact bytes of the body, to standard output.")
@click.argument("name")
@click.argument("trace", type=click.IntRange(min=1))
def preview(config: Path, body: bool, name: str, trace: int) -> int:
    """What command NAME would send for trace TRACE, to the byte. Nothing is sent or kept."""

    async def asked(commander: Commander, detail: TraceDetail) -> Message:
        return (await commander.preview(detail, detail.clocks, name, None, LOCAL)).message

    message = _offered(config, trace, asked)
    if body:
        sys.stdout.buffer.write(message.body)
    else:
        _tell_message(message)
    return 0


@commands.command(short_help="Ask for a command, after a preview.")
@config_option
@note_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("name")
@click.argument("trace", type=click.IntRange(min=1))
def send(config: Path, note: str, yes: bool, name: str, trace: int) -> int:
    """Show what command NAME would send for trace TRACE, ask, and have exactly that sent.

    A command that takes a second person can only be asked for, and approved, on the dashboard.
    """

    async def asked(commander: Commander, detail: TraceDetail) -> Command:
        shown = await commander.preview(detail, detail.clocks, name, None, LOCAL)
        _tell_message(shown.message)
        if not yes:
            dry = " (a dry run)" if shown.offer.item.dry_run else ""
            click.confirm(f"Send exactly this{dry}?", abort=True, err=True)
        return await commander.request(shown, detail, LOCAL, note)

    made = _offered(config, trace, asked)
    click.echo(f"command {made.id}: {made.status.value}")
    return 0


# doing ----------------------------------------------------------------------------------------------------


def _stored(config: Path, ask: Callable[[CommandBook], Awaitable[Answer]]) -> Answer:
    """What needs the database only: it works whatever the models are."""

    async def run() -> Answer:
        from monitor.opening import opened

        async with opened(settings) as store:
            return await ask(store.commands)

    settings = load_settings(config)
    return asyncio.run(run())


def _offered(config: Path, trace: int, ask: Callable[[Commander, TraceDetail], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        from monitor.app import assembled

        async with assembled(settings, roles=frozenset()) as app:
            if app.commander is None:
                raise click.ClickException("Commands are not enabled (commands: {enabled: true}).")
            return await ask(app.commander, await _detail(app.store.views, trace))

    settings = load_settings(config)
    return asyncio.run(run())


async def _detail(views: Views, trace: int) -> TraceDetail:
    detail = await views.trace(trace)
    if detail is not None and detail.merged_into is not None:
        detail = await views.trace(detail.merged_into)
    if detail is None:
        raise click.ClickException(f"There is no trace {trace}.")
    return detail


# telling --------------------------------------------------------------------------------------------------


def _tell_message(message: Message) -> None:
    click.echo(f"  to {message.broker} {message.place or '(default exchange)'} by {message.key or '-'}")
    for name, value in sorted({**message.headers, "content-type": message.content_type}.items()):
        click.echo(f"  {name}: {_cut(value)}")
    click.echo(f"  {len(message.body)} bytes:")
    click.echo(f"  {_cut(message.body.decode('utf-8', 'backslashreplace'), 4000)}")


def _now() -> datetime:
    return datetime.now(UTC)


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}Z"


def _cut(text: str, longest: int = 300) -> str:
    """On one line, with what does not print spelled out."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"


def _json(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _plain(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _fields(row: Command) -> dict[str, Any]:
    message = {**_plain(row.message), "body": row.message.body.decode("utf-8", "backslashreplace")}
    within = None if row.within is None else row.within.total_seconds()
    told = {name: value for name, value in _plain(row).items() if name not in ("within", "since")}
    return {**told, "message": message, "within_seconds": within}
