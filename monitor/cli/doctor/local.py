"""What is on this machine: files of events, models, rules."""

from __future__ import annotations

from glob import glob, has_magic

from monitor.assembly import mapping_of, models_of
from monitor.bpmn.document import Severity
from monitor.cli.doctor.result import Results, fail, ok, warn
from monitor.errors import ChoreoscopeError
from monitor.flows import build, problems_of
from monitor.settings import FileSource, Settings


async def examine_models(settings: Settings) -> Results:
    """Models can be read and compiled, and the event rules fit them."""
    if not settings.models:
        yield warn(
            "models", "none is configured", "Name the flow you expect under models:, or nothing is judged."
        )
        return
    flows = []
    try:
        models = models_of(settings)
    except ChoreoscopeError as error:
        yield fail("models", error.message, error.mend or "Mend the configuration.")
        return
    for model in models:
        what = f"model {model.options.key}"
        try:
            _, flow = build(model)
        except ChoreoscopeError as error:
            yield fail(what, error.message, error.mend or f"See choreoscope lint {model.file}.")
            continue
        flows.append(flow)
        warnings = sum(problem.severity is Severity.WARNING for problem in problems_of(model))
        if warnings:
            yield warn(what, f"compiles, with {warnings} warnings", f"See choreoscope lint {model.file}.")
        else:
            yield ok(what, f"compiles: {len(flow.labels)} kinds of event")
    try:
        mapping_of(settings, flows)
    except ChoreoscopeError as error:
        yield fail("events", error.message, error.mend or "Mend the rules under events:.")
    else:
        yield ok("events", f"{len(settings.events)} rules are valid")


async def examine_files(source: FileSource) -> Results:
    what = f"source {source.name}"
    for path in source.path:
        pattern = str(path)
        found = glob(pattern, recursive=True) if has_magic(pattern) else [pattern] * path.is_file()
        unreadable = [name for name in found if not _readable(name)]
        if not found:
            yield fail(what, f"there is no file {pattern}", "Check path.")
        elif unreadable:
            yield fail(what, f"{unreadable[0]} cannot be read", "Give this user the right to read it.")
        else:
            yield ok(
                what,
                f"{pattern}: {len(found)} files readable" if has_magic(pattern) else f"{pattern} readable",
            )


def _readable(name: str) -> bool:
    try:
        with open(name, "rb"):
            return True
    except OSError:
        return False
