"""A run in Markdown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from tests.chaos.judged import Held, Truth
from tests.chaos.recovery import Inflicted
from tests.chaos.schedule import Fault

_SHOWN = 200


@dataclass
class Outcome:
    """One run. ``seconds``: of load and faults; ``settled``: seconds after that until all was as it must be;
    ``inflicted``: each fault, and how soon after it all was stored again (see
    :meth:`tests.chaos.recovery.Stored.recovered`)."""

    seed: int
    schedule: list[Fault]
    seconds: float
    settled: float = 0.0
    inflicted: list[tuple[Inflicted, float | None]] = field(default_factory=list)
    load: Mapping[str, object] = field(default_factory=dict)
    truth: Truth | None = None
    held: Held | None = None
    differences: list[str] = field(default_factory=list)
    logs: str = ""


def markdown(outcome: Outcome) -> str:
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    verdict = "equal" if not outcome.differences else f"{len(outcome.differences)} differences"
    yield f"## Chaos, seed {outcome.seed}: {verdict}"
    yield ""
    settled = f"all was as it must be {outcome.settled:.0f} s later"
    if outcome.differences:
        settled = f"{outcome.settled:.0f} s later it still was not as it must be"
    yield f"{len(outcome.inflicted)} faults in {outcome.seconds:.0f} s; {settled}."
    yield ""
    yield from _load(outcome)
    yield from _faults(outcome)
    yield from _compared(outcome)
    if outcome.differences:
        yield "### Differences"
        yield ""
        for one in outcome.differences[:_SHOWN]:
            yield f"- {one}"
        if len(outcome.differences) > _SHOWN:
            yield f"- and {len(outcome.differences) - _SHOWN} more"
        yield ""
        yield f"Logs and the store's words are in `{outcome.logs}`."


def _load(outcome: Outcome) -> Iterator[str]:
    yield "| load | |"
    yield "|---|---|"
    for name, value in outcome.load.items():
        yield f"| {name} | {value} |"
    yield ""


def _faults(outcome: Outcome) -> Iterator[str]:
    yield "| fault | times | recovered after, median s | longest s |"
    yield "|---|---|---|---|"
    times: dict[str, list[float]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for one, recovered in outcome.inflicted:
        name = f"{one.fault.kind} of {one.fault.target}"
        counts[name] += 1
        if recovered is not None:
            times[name].append(recovered)
    for name, count in sorted(counts.items()):
        found = times[name]
        middle, most = (f"{median(found):.1f}", f"{max(found):.1f}") if found else ("", "")
        yield f"| {name} | {count} | {middle} | {most} |"
    yield ""
    failed = [one for one, _ in outcome.inflicted if one.failed]
    if failed:
        yield f"{len(failed)} of them met a database that another had taken away."
        yield ""


def _compared(outcome: Outcome) -> Iterator[str]:
    truth, held = outcome.truth, outcome.held
    if truth is None or held is None:
        return
    alerts = Counter(row.name for row in held.alerts)
    deliveries = Counter(one.receiver for one in held.told)
    messages = Counter(receiver for receiver, _ in {(one.receiver, one.delivery) for one in held.told})
    yield "| compared | |"
    yield "|---|---|"
    yield f"| events | {len(truth.events)} |"
    yield f"| messages that cannot be placed | {len(truth.inbox)} |"
    yield f"| traces: keys, events, findings, clocks, by a replay from scratch | {len(truth.said)} |"
    yield f"| traces: by `choreoscope check` | {len(truth.checked)} |"
    yield f"| orders: by what the simulation did | {len(truth.orders)} |"
    yield f"| alerts that must have been told | {len(truth.must)} |"
    yield f"| alerts stored | {', '.join(f'{name} {count}' for name, count in sorted(alerts.items()))} |"
    for receiver in sorted(messages):
        yield f"| messages to {receiver}, deliveries | {messages[receiver]}, {deliveries[receiver]} |"
    yield f"| orders told by the landscape itself later than findings wait | {len(truth.excused)} |"
    yield ""
