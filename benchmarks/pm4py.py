"""The checker beside pm4py on the same logs in one run: ``make bench-oracle``, in an environment of its own.

pm4py gets a net of the same model, and may keep what it likes from one call to the next. Each number is the
best of several rounds.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from typing import Any

import pm4py
from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
from pm4py.algo.conformance.tokenreplay import algorithm as token_replay
from pm4py.objects.log.obj import Event, EventLog, Trace
from pm4py.streaming.algo.conformance.tbr import algorithm as streaming

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.flow import Flow
from monitor.conformance.automaton import Automaton
from monitor.conformance.checker import Checker
from monitor.domain.event import Observation
from monitor.judging import Judge
from tests.support.trees import Act, And, Loop, Seq, Skip, Tree, Xor, document

START = datetime(2026, 1, 1, tzinfo=UTC)
TRACES, FEW, ROUNDS = 400, 40, 3

ORDER = Seq(
    (
        Act("Placed"),
        Loop(Seq((Act("PaymentRequested"), Act("PaymentSettled"))), Act("PaymentFailed")),
        And((Seq((Act("Picked"), Act("Packed"), Act("Shipped"))), Xor((Act("Invoiced"), Skip())))),
        Act("Completed"),
    )
)


def wide() -> Tree:
    """26 activities: choices, three branches at once, a loop around it all."""
    names = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    def line(number: int) -> Tree:
        return Seq(tuple(Act(next(names)) for _ in range(number)))

    inner = And((line(4), Xor((line(3), line(3))), Seq((line(2), Xor((line(2), Skip()))))))
    return Seq((line(3), Loop(Seq((line(2), inner)), line(2)), line(3)))


def text_of(tree: Tree) -> str:
    match tree:
        case Act(label):
            return f"'{label}'"
        case Seq(parts):
            return f"->({', '.join(map(text_of, parts))})"
        case Xor(parts):
            return f"X({', '.join(map(text_of, parts))})"
        case And(parts):
            return f"+({', '.join(map(text_of, parts))})"
        case Loop(body, redo):
            return f"*({text_of(body)}, {text_of(redo)})"
    return "tau"


def words(flow: Flow, random: Random, *, wrong: bool) -> list[list[str]]:
    """Whole traces by random walks; if ``wrong``, each with one or two things changed."""
    automaton, found = Automaton(flow), []
    for _ in range(TRACES):
        state, word = automaton.initial, []
        while labels := automaton.labels(state):
            word.append(random.choice(labels))
            after = automaton.step(state, word[-1])
            assert after is not None
            state = after
        for _ in range(random.randint(1, 2) if wrong else 0):
            at = random.randrange(len(word) - 1)
            if random.random() < 0.5:
                del word[at]
            else:
                word[at], word[at + 1] = word[at + 1], word[at]
        found.append(word)
    return found


def observed(words: Sequence[Sequence[str]]) -> list[list[Observation]]:
    return [
        [
            Observation("f", label, START + timedelta(minutes=at), f"{number}/{at}".encode())
            for at, label in enumerate(word)
        ]
        for number, word in enumerate(words)
    ]


def rate(events: int, run: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begin = perf_counter()
        run()
        best = min(best, perf_counter() - begin)
    return events / best


def advance(judge: Judge, traces: Sequence[Sequence[Observation]]) -> None:
    for trace in traces:
        judged, _ = judge.replay(trace[:1])
        for at in range(1, len(trace)):
            further = judged.stored and judge.advance(judged.stored, trace[at : at + 1])
            judged = further or judge.replay(trace[: at + 1])[0]


def stream(net: Any, initial: Any, final: Any, words: Sequence[Sequence[str]]) -> None:
    """Events of many traces come in turn, as they do. It prints an error of its own for some that deviate."""
    replay = streaming.apply(net, initial, final)
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
        for at in range(max(map(len, words))):
            for number, word in enumerate(words):
                if at < len(word):
                    replay.receive({"case:concept:name": str(number), "concept:name": word[at]})
        replay.get()


def compare(name: str, tree: Tree, *, wrong: bool) -> None:
    flow, _ = compile_flow(document(tree))
    assert flow is not None
    net, initial, final = pm4py.convert_to_petri_net(pm4py.parse_process_tree(text_of(tree)))
    log = words(flow, Random(1), wrong=wrong)
    traces, count = observed(log), sum(map(len, log))
    few = sum(map(len, log[:FEW]))
    theirs = EventLog([Trace([Event({"concept:name": label}) for label in word]) for word in log])
    warm = Checker(flow)

    def replay_by(algorithm: Any) -> object:
        return algorithm.apply(theirs, net, initial, final, {"show_progress_bar": False})

    def steps() -> None:
        step, initial = warm.automaton.step, warm.automaton.initial
        for word in log:
            state = initial
            for label in word:
                state = step(state, label) or initial

    slow = rate(count, lambda: stream(net, initial, final, log))
    rows = [
        ("pm4py, streaming token replay", slow),
        ("pm4py, token replay", rate(count, lambda: replay_by(token_replay))),
        ("pm4py, alignments", rate(count, lambda: replay_by(alignments))),
        ("automaton steps", rate(count, steps)),
        ("replay of whole traces", rate(count, lambda: [warm.replay(one) for one in traces])),
        ("each by a new checker", rate(few, lambda: [Checker(flow).replay(one) for one in traces[:FEW]])),
        ("one event at a time, from stored state", rate(count, lambda: advance(Judge(flow), traces))),
    ]
    print(f"== {name}, {'deviating' if wrong else 'fitting'}: {TRACES} traces, {count:,} events")
    for what, speed in rows:
        print(f"{what:42} {speed:12,.0f} events/s {speed / slow:9,.2f}x")


def main() -> None:
    logging.disable(logging.CRITICAL)
    for name, tree in (("order", ORDER), ("26 activities", wide())):
        for wrong in (False, True):
            compare(name, tree, wrong=wrong)


if __name__ == "__main__":
    main()
