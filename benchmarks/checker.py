"""Events a second through the checker, beside a bare loop of dictionary look-ups over the same words.

The words are those of a simulated landscape (``monitor.landscape``): once only the orders nothing is wrong
with, once all of them, each order as often as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.read import read_file
from monitor.conformance.checker import Checker
from monitor.domain.event import Observation
from monitor.judging import Judge
from monitor.landscape.plan import Pace, stream
from monitor.landscape.story import DEFAULT_FAULTS
from monitor.resources import models

ORDERS = 1_000
ROUNDS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)


def traces(faults: dict[str, float]) -> list[list[Observation]]:
    """What a landscape's orders look like to the checker."""
    found = []
    for number, order in zip(range(ORDERS), stream(1, START, Pace(), faults), strict=False):
        labels = {message.id: message for message in order.emissions if message.body.endswith(b"}")}
        found.append(
            [
                Observation("f", message.type.rpartition(".")[2], message.time, f"{number}/{at}".encode())
                for at, message in enumerate(labels.values())
                if not message.type.endswith("ParcelWeighed")
            ]
        )
    return found


def rate(events: int, run: Callable[[], object]) -> float:
    """Events a second, of the best of several rounds: the others were disturbed."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = perf_counter()
        run()
        best = min(best, perf_counter() - begin)
    return events / best


def replay(checker: Checker, words: Sequence[Sequence[Observation]]) -> None:
    for word in words:
        rest = tuple(word)
        while rest:
            _, rest = checker.replay(rest)


def advance(judge: Judge, words: Sequence[Sequence[Observation]]) -> None:
    """One event at a time, from the stored text of the event before."""
    for word in words:
        trace, _ = judge.replay(word[:1])
        for observation in word[1:]:
            assert trace.stored is not None
            after = judge.advance(trace.stored, (observation,))
            if after is None:
                break
            trace = after


def look_up(table: dict[str, dict[str, str]], words: Sequence[Sequence[str]]) -> None:
    """The bare reference: what a known automaton costs at the least."""
    for word in words:
        state = ""
        for label in word:
            state = table[state][label]


def main() -> None:
    flow, _ = compile_flow(read_file(models() / "order-fulfilment.bpmn"))
    assert flow is not None
    fitting, all_of_them = traces({}), traces(dict(DEFAULT_FAULTS))
    table = {"": dict.fromkeys(flow.labels, "")}
    events = sum(map(len, fitting))
    words = [[observation.label for observation in word] for word in fitting]
    bare = rate(events, lambda: look_up(table, words))
    checker = Checker(flow)
    step, initial = checker.automaton.step, checker.automaton.initial

    def steps() -> None:
        for labels in words:
            state = initial
            for label in labels:
                state = step(state, label) or initial

    print(f"{'bare look-ups':42} {bare:12,.0f} events/s")
    for name, count, run in [
        ("automaton steps, fitting", events, steps),
        ("replay of whole traces, fitting", events, lambda: replay(checker, fitting)),
        (
            "replay of whole traces, some deviating",
            sum(map(len, all_of_them)),
            lambda: replay(checker, all_of_them),
        ),
        ("one event at a time from stored state", events, lambda: advance(Judge(flow), fitting)),
    ]:
        found = rate(count, run)
        print(f"{name:42} {found:12,.0f} events/s   {found / bare:6.3f} of bare")


if __name__ == "__main__":
    main()
