"""Corrective commands: can their targets be reached? Nothing is sent; while they are not enabled nothing is
contacted."""

from __future__ import annotations

from monitor.cli.doctor.result import Results, fail, ok
from monitor.commanding import publisher_of
from monitor.commands.base import Unpublished
from monitor.settings.commands import CommandsSettings

WHAT = "commands"


async def examine(settings: CommandsSettings) -> Results:
    count = len(settings.items)
    if not settings.enabled:
        yield ok(WHAT, f"{count} declared, not enabled: nothing is ever sent, and no target was contacted")
        return
    how = "as dry runs, so nothing is sent" if settings.dry_run else "for real"
    yield ok(WHAT, f"{count} enabled, {how}")
    targets = {(one.target.broker, one.target.place): one for one in settings.items}
    for item in targets.values():
        what = f"command {item.name}"
        try:
            said = await publisher_of(item.target, settings.timeout).reach()
        except Unpublished as error:
            yield fail(what, error.message, error.mend or "Check its target: address, user, rights.")
        else:
            yield ok(what, said)
