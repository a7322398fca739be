"""``replay``: what a draft would say of what has already happened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.check import EVENTS
from monitor.cli.options import FILE, Instant, load_settings
from monitor.cli.progress import progress
from monitor.cli.report import as_json
from monitor.cli.spool import spooled

if TYPE_CHECKING:
    from monitor.bpmn.flow import Flow
    from monitor.comparing import Change, Comparison, Difference, Side
    from monitor.settings import Settings

EXAMPLES = 3
"""Keys shown of each change."""

TITLES = {
    "newly_deviating": "would deviate, and do not now",
    "no_longer_deviating": "would conform, and deviate now",
    "other_findings": "deviate either way, but differently",
    "now_complete": "would be complete",
    "no_longer_complete": "would not be complete any more",
    "traces": "would make another number of traces",
    "slas": "have other SLA states",
    "undecided": "differ in whether they can be decided",
}


@click.command(short_help="Judge what has happened by a draft, and tell what would change.")
@click.option("-m", "--model", "draft", type=FILE, help="The draft: a BPMN model.")
@click.option(
    "--into-store", is_flag=True, help="Store EVENTS as history of the configured database instead."
)
@click.option(
    "--source",
    default="replay",
    show_default=True,
    help="With --into-store: the source they came from. Events that it delivered are recognised.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration: its database, event rules, and the model in force with its SLAs.",
)
@click.option("--against", type=FILE, help="Compare with this model instead of the configured one.")
@click.option("--flow", help="Key of the configured model to compare with, where there are several.")
@click.option("--key", help="Only traces of this key; shows every finding of both.")
@click.option(
    "--now",
    type=Instant(),
    help="Up to when the events are complete: SLAs are judged at this time ('now' or ISO 8601).",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("events", nargs=-1, type=EVENTS)
def replay(
    draft: Path | None,
    into_store: bool,
    source: str,
    config: Path | None,
    against: Path | None,
    flow: str | None,
    key: str | None,
    now: datetime | None,
    style: str,
    events: tuple[Path, ...],
) -> int:
    """Judge what has already happened by a draft of a flow, and tell how its verdicts differ from those in
    force. Nothing is changed.

    With EVENTS (the files `check` reads) both models judge the log. Without, the history in the configured
    database is read: each trace by the version it follows, and by the draft.

    Exits with 1 when any verdict would change.

    \b
    Examples:
      choreoscope replay --model draft.bpmn --config choreoscope.yaml
      choreoscope replay --model draft.bpmn --against order.bpmn events.jsonl
      choreoscope replay --model draft.bpmn -c choreoscope.yaml --key o-17

    With --into-store, EVENTS become part of the history: each is stored once, traces are judged by the
    configured models, and what was late or wrong before the flow was watched is kept as findings of the
    past, told in one notice. --now judges what is missing or late in them at once; else the running service
    does. The service may run meanwhile.

    \b
      choreoscope replay --into-store -c choreoscope.yaml last-year.jsonl --now 2026-01-01T00:00:00Z
    """
    if into_store:
        return _into_store(config, draft, against, events, source, now, style)
    if draft is None:
        raise click.UsageError("Name the draft: --model draft.bpmn; or say --into-store.")
    if config is None and (against is None or not events):
        raise click.UsageError(
            "Say what to compare: --config choreoscope.yaml for its history; or --against MODEL.bpmn and"
            " a log of events."
        )
    settings = load_settings(config) if config else None
    from monitor.replaying import drafted, model_in_force, replay_log

    current = model_in_force(settings, against, flow, draft)
    if events:
        with progress("replaying"), spooled(events) as files:
            compared = replay_log(drafted(draft, current), current, settings, files, now)
    else:
        assert settings is not None
        from monitor.flows import build

        expected = build(drafted(draft, current))[1]
        with progress("replaying"):
            compared = asyncio.run(_stored(settings, expected, now, key))
    if key is not None:
        compared.differences = [one for one in compared.differences if one.key == key]
    if style == "json":
        sys.stdout.buffer.write(as_json(compared.to_json()))
    else:
        for line in _text(compared, whole=key is not None):
            click.echo(line)
    return int(bool(compared.differences))


def _into_store(
    config: Path | None,
    draft: Path | None,
    against: Path | None,
    events: tuple[Path, ...],
    source: str,
    now: datetime | None,
    style: str,
) -> int:
    if draft is not None or against is not None:
        raise click.UsageError("--into-store takes the configured models: neither --model nor --against.")
    if config is None or not events:
        raise click.UsageError("--into-store needs --config choreoscope.yaml and EVENTS.")
    settings = load_settings(config)
    with spooled(events) as files:
        said = asyncio.run(_backfilled(settings, files, source, now))
    if style == "json":
        sys.stdout.buffer.write(as_json(said))
        return 0
    click.echo(
        f"{said['stored']} events stored as history; {said['duplicates']} were stored before,"
        f" {said['unplaced']} are in the inbox, {said['ignored']} ignored by a rule."
    )
    if now is None:
        click.echo("What is missing or late in them is judged by the running service; or say --now.")
    return 0


async def _backfilled(
    settings: Settings, files: list[Path], source: str, now: datetime | None
) -> dict[str, int]:
    from dataclasses import asdict

    from monitor.app import assembled
    from monitor.backfill import backfill

    def told(done: int, every: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done} of {every} events", err=True, nl=done == every)

    async with assembled(settings, roles=frozenset()) as app:
        return asdict(await backfill(app, files, source, now, told))


async def _stored(settings: Settings, draft: Flow, now: datetime | None, key: str | None) -> Comparison:
    from monitor.replaying import replay_stored
    from monitor.storage.sql import open_store

    store = await open_store(settings.database.get_secret_value())
    try:
        return await replay_stored(store, draft, now, key)
    finally:
        await store.close()


def _text(compared: Comparison, *, whole: bool) -> Iterator[str]:
    for labels, said in ((compared.only_before, "the draft lacks"), (compared.only_after, "the draft adds")):
        if labels:
            yield f"{said}: {', '.join(labels)}"
    for name, count in sorted(compared.unplaced.items()):
        events = f"{count} event{'s' * (count != 1)} {name}"
        yield f"{events} would go to the inbox: the draft has no place for them"
    if compared.lost:
        yield f"{compared.lost} left out: the version they follow cannot be read any more"
    traces = f"{compared.keys} trace key{'s' * (compared.keys != 1)} of flow {compared.flow}"
    if not compared.differences:
        yield f"{traces}: no verdict changes"
        return
    yield f"{traces}: the verdict on {len(compared.differences)} would change"
    for change, count in compared.counts().items():
        yield ""
        yield f"{count} {TITLES[change.value]}"
        shown = [one for one in compared.differences if change in one.changes]
        for one in shown if whole else shown[:EXAMPLES]:
            yield from _difference(one, change)
        if not whole and count > EXAMPLES:
            yield f"  ... and {count - EXAMPLES} more"
    if not whole:
        yield ""
        yield "One in full: --key KEY. All of them: --format json."


def _difference(one: Difference, change: Change) -> Iterator[str]:
    yield f"  {one.key}"
    for name, side in (("now", one.before), ("draft", one.after)):
        for line in _said(side, change):
            yield f"    {name:6}{line}"


def _said(side: Side, change: Change) -> list[str]:
    if change.value == "slas":
        return [", ".join(f"{name}: {state}" for name, state in side.slas) or "no clocks"]
    if change.value == "traces":
        return [f"{side.traces} trace{'s' * (side.traces != 1)}"]
    if change.value in ("now_complete", "no_longer_complete"):
        return ["complete" if side.complete else "still open"]
    if change.value == "undecided":
        return ["undecided" if side.undecided else "decided"]
    return list(side.findings) or ["conforms"]
