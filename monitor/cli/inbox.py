"""``inbox``: what could not be placed, why, and trying it again or discarding it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from monitor.cli.options import config_option, load_settings

if TYPE_CHECKING:
    from monitor.mending.advice import Advice
    from monitor.mending.base import Progress, Told, Tried
    from monitor.mending.mender import Mender
    from monitor.storage.mending import InboxPart
    from monitor.storage.views import InboxGroup, InboxRow, Views

Answer = TypeVar("Answer")
LONGEST = 160
STEP_SECONDS = 2.0

style_option = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)
number = click.argument("number", type=click.IntRange(min=1))


@click.group(short_help="What could not be placed: look, try a rule, replay, discard.")
def inbox() -> None:
    """Messages that could not be placed into a trace.

    \b
    Examples:
      choreoscope inbox list
      choreoscope inbox show 17
      choreoscope inbox show 17 --rule mended.yaml
      choreoscope inbox replay 17
      choreoscope inbox replay --reason unmapped --type com.shop.Paid --source shop-kafka
      choreoscope inbox discard 17

    Each takes --config (choreoscope.yaml): its database, and the rules that a replay goes by. The running
    service may go on meanwhile; every change is put down in the audit.
    """


@inbox.command("list", short_help="The groups, or the messages of one reason.")
@config_option
@click.option("--reason", help="Only messages of this reason, one by one: unmapped, no_key, undecodable, ...")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many rows.")
@style_option
def list_(config: Path, reason: str | None, limit: int, style: str) -> int:
    """The groups of the inbox, the latest first; with --reason its messages, the newest first.

    \b
    Example:
      choreoscope inbox list --reason no_key
    """
    from monitor.domain.event import InboxReason

    reasons = [one.value for one in InboxReason]
    if reason is not None and reason not in reasons:
        raise click.UsageError(f"There is no reason {reason!r}; there is {', '.join(reasons)}.")

    async def asked(_: Mender, views: Views) -> tuple[list[InboxGroup], list[InboxRow]]:
        if reason is None:
            return list(await views.inbox_groups(limit)), []
        return [], list((await views.inbox(InboxReason(reason), limit=limit)).rows)

    groups, rows = _asked(config, asked)
    if style == "json":
        _json([_fields(one) for one in groups] if reason is None else [_row(row) for row in rows])
    elif not groups and not rows:
        click.echo("Nothing is in the inbox." if reason is None else "Nothing of that is in the inbox.")
    for group in groups if style == "text" else ():
        click.echo(f"{group.count:>7}  {group.reason.value:<12} {group.type or '-'}  {group.source}")
        click.echo(f"         {_cut(group.detail)}")
    for row in rows if style == "text" else ():
        click.echo(f"{row.id:>7}  {_time(row)}  {row.type or '-'}  {row.source}/{row.channel}")
        click.echo(f"         {_cut(row.detail)}")
    return 0


@inbox.command(short_help="One message: why, what comes nearest, the rule that would place it.")
@config_option
@click.option(
    "--rule",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A rule to try, in YAML ('-': standard input).",
)
@click.option("--body", is_flag=True, help="Only the exact bytes, to standard output.")
@style_option
@number
def show(config: Path, rule: Path | None, body: bool, style: str, number: int) -> int:
    """Why message NUMBER could not be placed, what comes nearest, and the rule that would place it.

    With --rule that is tried on it and up to 100 others like it; nothing is written. Exits with 1 when the
    message would stay in the inbox.

    \b
    Examples:
      choreoscope inbox show 17
      choreoscope inbox show 17 --rule mended.yaml
      choreoscope inbox show 17 --body > message.bin
    """
    text = None
    if rule is not None:
        with click.open_file(str(rule), encoding="utf-8-sig", errors="replace") as file:
            text = file.read()

    async def asked(mender: Mender, views: Views) -> tuple[InboxRow | None, Advice | None, list[Tried]]:
        row = await views.inbox_item(number)
        if row is None or body:
            return row, None, []
        if text is None:
            return row, await mender.advice(number), []
        trial = await mender.attempt(number, text)
        return row, None, [] if trial is None else trial.messages()

    row, advice, tried = _asked(config, asked)
    if row is None:
        raise click.ClickException(f"There is no message {number} in the inbox.")
    if body:
        sys.stdout.buffer.write(row.body)
        return 0
    if tried:
        if style == "json":
            _json([_tried(one) for one in tried])
        for one in tried if style == "text" else ():
            click.echo(_line(one))
        return int(tried[0].fate == "stays")
    if style == "json":
        _json({**_row(row), "advice": None if advice is None else _advice(advice)})
    else:
        for line in _about(row, advice):
            click.echo(line)
    return int(advice is None or advice.reason is not None)


def _selection(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--source", help="And of this source."),
        click.option("--type", "type_", help="And of this type; without it, those of no type."),
        click.option("--reason", help="All messages of this reason."),
    ):
        command = option(command)
    return click.argument("numbers", nargs=-1, type=click.IntRange(min=1))(command)


@inbox.command(short_help="Try messages again for good, by the configuration.")
@config_option
@_selection
@style_option
def replay(
    config: Path,
    numbers: tuple[int, ...],
    reason: str | None,
    type_: str | None,
    source: str | None,
    style: str,
) -> int:
    """Try messages NUMBERS, or a group by --reason, --source and --type, again with the configuration.

    What still cannot be placed stays in the inbox; what was stored meanwhile only leaves it. Exits with 1
    when any stays.
    """
    part = _part(numbers, reason, type_, source)

    async def asked(mender: Mender, _: Views) -> Progress:
        if part is None:
            return await _alone(numbers, lambda id_: mender.replay(id_, _who()))
        return await _group(mender, part, mender.replay_group)

    return _report(_asked(config, asked, deploys=True), style)


@inbox.command(short_help="Delete messages for good.")
@config_option
@_selection
@click.option("--yes", is_flag=True, help="Do not ask.")
@style_option
def discard(
    config: Path,
    numbers: tuple[int, ...],
    reason: str | None,
    type_: str | None,
    source: str | None,
    yes: bool,
    style: str,
) -> int:
    """Delete messages NUMBERS, or a group by --reason, --source and --type, for good. The audit keeps where
    each came from."""
    part = _part(numbers, reason, type_, source)
    if not yes:
        what = f"{len(numbers)} message{'s' * (len(numbers) != 1)}" if part is None else "all of that group"
        click.confirm(f"Discard {what} for good?", abort=True, err=True)

    async def asked(mender: Mender, _: Views) -> Progress:
        from monitor.mending.base import Fate, Told

        async def one(id_: int) -> Told:
            return Told(id_, Fate.DISCARDED if await mender.discard(id_, _who()) else Fate.GONE)

        return (
            await _alone(numbers, one) if part is None else await _group(mender, part, mender.discard_group)
        )

    return _report(_asked(config, asked), style)


# doing ----------------------------------------------------------------------------------------------------


def _asked(
    config: Path, ask: Callable[[Mender, Views], Awaitable[Answer]], *, deploys: bool = False
) -> Answer:
    """``deploys``: what is placed needs the configured models to be the ones in force, as at a start."""

    async def run() -> Answer:
        from monitor.app import assembled
        from monitor.opening import looked_at

        if deploys:
            async with assembled(settings, roles=frozenset()) as app:
                return await ask(app.mender(), app.store.views)
        async with looked_at(settings) as (mender, store):
            return await ask(mender, store.views)

    settings = load_settings(config)
    return asyncio.run(run())


def _part(
    numbers: tuple[int, ...], reason: str | None, type_: str | None, source: str | None
) -> InboxPart | None:
    from monitor.domain.event import InboxReason
    from monitor.storage.mending import InboxPart

    if numbers:
        if reason or type_ or source:
            raise click.UsageError("Name messages, or a group: not both.")
        return None
    if reason is None or source is None:
        raise click.UsageError("Name messages by their numbers, or a group by --reason and --source.")
    reasons = [one.value for one in InboxReason]
    if reason not in reasons:
        raise click.UsageError(f"There is no reason {reason!r}; there is {', '.join(reasons)}.")
    return InboxPart(InboxReason(reason), type_ or None, source)


def _who() -> str:
    from monitor.domain.audit import LOCAL

    return LOCAL


async def _alone(numbers: tuple[int, ...], one: Callable[[int], Awaitable[Told]]) -> Progress:
    from monitor.mending.base import Progress

    progress = Progress(0, 0, is_done=True)
    for id_ in numbers:
        told = await one(id_)
        progress.counts[told.fate] += 1
        progress.told.append(told)
    return progress


async def _group(
    mender: Mender, part: InboxPart, step: Callable[[InboxPart, str, Progress, float], Awaitable[Progress]]
) -> Progress:
    progress = await mender.begin(part)
    while not progress.is_done:
        progress = await step(part, _who(), progress, STEP_SECONDS)
        if sys.stderr.isatty() and not progress.is_done:
            left = await mender.remaining(part, progress)
            click.echo(f"\r{progress.seen} messages, {left} remain ", err=True, nl=False)
    return progress


# telling --------------------------------------------------------------------------------------------------


def _report(progress: Progress, style: str) -> int:
    counts = {fate.value: count for fate, count in progress.counts.items()}
    if style == "json":
        told = [{"id": one.id, "fate": one.fate.value, "detail": one.detail} for one in progress.told]
        _json({"counts": counts, "examples": told})
    else:
        said = ", ".join(f"{count} {fate}" for fate, count in sorted(counts.items()))
        click.echo(said or "There was nothing to do.")
        for one in progress.told:
            seen = ", ".join(f"{each.label} of {each.flow} {each.keys[0].value}" for each in one.observations)
            click.echo(f"  {one.id}  {one.fate.value}  {_cut(one.detail or seen)}")
    return int(bool(counts.get("stays") or counts.get("failed")))


def _about(row: InboxRow, advice: Advice | None) -> Iterator[str]:
    yield f"message {row.id}: {row.reason.value} {row.type or ''}".rstrip()
    yield f"  {_cut(row.detail, 1000)}"
    place = "" if row.offset is None else f"/{row.partition} at {row.offset}"
    yield f"  from {row.source}: {row.channel}{place}, {row.size} bytes, received {_time(row)}"
    if advice is None:
        return
    if advice.detail != row.detail:
        yield f"  by now: {_cut(advice.detail, 1000)}"
    for candidate in advice.candidates:
        yield f"  near: {candidate.label} of flow {candidate.flow} ({candidate.likeness:.0%} alike)"
    for path in advice.paths:
        yield f"  key {path.key}? {path.spot.path} = {_cut(path.spot.value)} ({path.why})"
    for title, text in (("rule for events:", advice.rule), ("in the configuration:", advice.setting)):
        if text:
            yield ""
            yield title
            yield from (f"  {line}" for line in text.splitlines())
    if advice.note:
        yield ""
        yield advice.note


def _line(one: Tried) -> str:
    seen = [
        f"{each.label} of {each.flow}, {', '.join(f'{key.name}={key.value}' for key in each.keys)}: "
        + ("begins a trace" if each.trace is None else f"joins {each.trace.key}")
        for each in one.seen
    ]
    said = "; ".join([*seen, *([one.detail] if one.detail else [])])
    return f"{one.id:>7}  {one.fate.value:<8} {_cut(said, 400)}"


def _time(row: InboxRow) -> str:
    return f"{row.received:%Y-%m-%d %H:%M:%S}Z"


def _cut(text: str, longest: int = LONGEST) -> str:
    """On one line, with what does not print spelled out."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"


def _json(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _row(row: InboxRow) -> dict[str, Any]:
    return {name: value for name, value in _fields(row).items() if name not in ("body", "message_key")}


def _advice(advice: Advice) -> dict[str, Any]:
    paths = [{"path": one.spot.path, "value": one.spot.value, "key": one.key} for one in advice.paths]
    return {**_fields(advice), "candidates": [_fields(one) for one in advice.candidates], "paths": paths}


def _tried(one: Tried) -> dict[str, Any]:
    seen = [
        {
            "flow": each.flow,
            "label": each.label,
            "keys": {key.name: key.value for key in each.keys},
            "trace": None if each.trace is None else each.trace.id,
        }
        for each in one.seen
    ]
    return {"id": one.id, "fate": one.fate.value, "detail": one.detail, "as": seen}
