"""The checker beside pm4py: fitness verdicts and alignment costs on random models and traces.

Run by ``make oracle``, in an environment of its own: pm4py's licence is AGPL. What is not compared, and why,
is in docs/oracle.md; anything else that differs is a failure.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pm4py
import pytest
from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
from pm4py.objects.log.obj import Event, Trace
from pm4py.objects.petri_net import semantics
from pm4py.objects.petri_net.obj import Marking, PetriNet

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import read
from monitor.conformance.alignment import align
from monitor.conformance.automaton import Automaton
from monitor.conformance.moves import shape_of
from tests.support.flows import bpmn
from tests.support.trees import Act, And, Loop, Seq, Skip, Tree, Xor, document, nullable

ALPHABET = "ABCDEF"
TREES, NETS, TRACES = 220, 260, 6
MOST_MARKINGS = 3_000
DEVIATION = 10_000
"""What pm4py's standard cost function takes for a log move or a visible model move; a silent one costs 1."""


@dataclass(frozen=True)
class Net:
    net: PetriNet
    initial: Marking
    final: Marking


# models --------------------------------------------------------------------------------------------------


def random_tree(random: Random, depth: int = 3) -> Tree:
    if depth == 0 or random.random() < 0.25:
        return Act(random.choice(ALPHABET)) if random.random() < 0.85 else Skip()
    parts = tuple(random_tree(random, depth - 1) for _ in range(random.randint(2, 3)))
    match random.choice(["seq", "seq", "xor", "and", "loop"]):
        case "seq":
            return Seq(parts)
        case "xor":
            return Xor(parts)
        case "and":
            return And(parts[:2])
        case _:
            body = parts[0] if not nullable(parts[0]) else Seq((Act(random.choice(ALPHABET)), parts[0]))
            return Loop(body, parts[1])


def as_text(tree: Tree) -> str:
    """In pm4py's notation of process trees."""
    match tree:
        case Act(label):
            return f"'{label}'"
        case Seq(parts):
            return f"->({', '.join(map(as_text, parts))})"
        case Xor(parts):
            return f"X({', '.join(map(as_text, parts))})"
        case And(parts):
            return f"+({', '.join(map(as_text, parts))})"
        case Loop(body, redo):
            return f"*({as_text(body)}, {as_text(redo)})"
    return "tau"


def random_net(random: Random) -> str:
    """Tasks and exclusive and parallel gateways, wired at random between one start and one end."""
    count = random.randint(2, 6)
    kinds = [random.choice(["task", "task", "xor", "xor", "and"]) for _ in range(count)]
    names = [f"n{at}" for at in range(count)]
    elements, arcs = ['<startEvent id="s"/><endEvent id="e"/>'], []
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        label = random.choice(ALPHABET)
        gateway = "exclusive" if kind == "xor" else "parallel"
        elements.append(
            f'<task id="{name}" name="{label}"/>' if kind == "task" else f'<{gateway}Gateway id="{name}"/>'
        )
        onward = [*names[at + 1 :], "e"]
        arcs.append((name, random.choice(onward)))
        if kind != "task":
            arcs.append((name, random.choice([*onward, *names])))
    arcs.insert(0, ("s", names[0]))
    return "\n".join([*elements, *(f"{one} -> {two}" for one, two in dict.fromkeys(arcs))])


# pm4py ---------------------------------------------------------------------------------------------------


def reachable(model: Net) -> set[Marking] | None:
    """None where there are too many, or a place gets two tokens."""
    seen, pending = {model.initial}, [model.initial]
    while pending:
        marking = pending.pop()
        for transition in semantics.enabled_transitions(model.net, marking):
            after = semantics.execute(transition, model.net, marking)
            if any(number > 1 for number in after.values()):
                return None
            if after not in seen:
                seen.add(after)
                pending.append(after)
        if len(seen) > MOST_MARKINGS:
            return None
    return seen


def their_cost(model: Net, labels: Sequence[str]) -> int:
    trace = Trace([Event({"concept:name": label}) for label in labels])
    found = alignments.apply(trace, model.net, model.initial, model.final)
    assert found is not None
    return int(found["cost"]) // DEVIATION


def prefix_cost(model: Net, labels: Sequence[str]) -> int:
    """The fewest log moves and visible model moves to get through the trace, wherever that ends: played on
    pm4py's net, each move a step of the search."""
    start = (model.initial, 0)
    best = {start: 0}
    pending = deque([start])
    while pending:
        marking, at = node = pending.popleft()
        cost = best[node]
        if at == len(labels):
            return cost
        following = [((marking, at + 1), 1)]
        for transition in semantics.enabled_transitions(model.net, marking):
            after = semantics.execute(transition, model.net, marking)
            following.append(((after, at), int(transition.label is not None)))
            if transition.label == labels[at]:
                following.append(((after, at + 1), 0))
        for reached, price in following:
            if cost + price < best.get(reached, len(labels) + 1):
                best[reached] = cost + price
                pending.append(reached) if price else pending.appendleft(reached)
    raise AssertionError("leaving out every event is always a way")


# traces --------------------------------------------------------------------------------------------------


def walks(random: Random, automaton: Automaton) -> list[list[str]]:
    """Traces the flow allows, whole ones and prefixes, and the same with a few things changed."""
    found = []
    for number in range(TRACES):
        state = automaton.initial
        word: list[str] = []
        while len(word) < 9:
            labels = automaton.labels(state)
            if not labels or (state.final and random.random() < 0.3):
                break
            word.append(random.choice(labels))
            after = automaton.step(state, word[-1])
            assert after is not None
            state = after
        for _ in range(number % 3):
            at = random.randrange(len(word) + 1)
            match random.choice(["drop", "insert", "repeat", "swap"]):
                case "drop":
                    word[at : at + 1] = []
                case "insert":
                    word.insert(at, random.choice(ALPHABET + "?"))
                case "repeat":
                    word[at:at] = word[at - 1 : at]
                case _:
                    word[at : at + 2] = reversed(word[at : at + 2])
        if word:
            found.append(word)
    return found


# comparing -----------------------------------------------------------------------------------------------


def compare(flow: Flow, model: Net, random: Random, counts: Counter[str]) -> None:
    markings = reachable(model)
    if markings is None:
        counts["left out: two tokens in a place, or too many markings"] += 1
        return
    if model.final not in markings:
        counts["left out: the final marking cannot be reached"] += 1
        return
    automaton = Automaton(flow)
    for labels in walks(random, automaton):
        state = automaton.initial
        fits = True
        for label in labels:
            after = automaton.step(state, label)
            if after is None:
                fits = False
                break
            state = after
        theirs = their_cost(model, labels)
        ours = align(automaton, shape_of(labels))
        assert ours.exact
        assert (fits and state.final) == (theirs == 0), (labels, "fits", fits, theirs)
        if ours.complete:
            assert ours.cost == theirs, (labels, "cost", ours.cost, theirs)
            counts["compared: the cost of a whole trace"] += 1
        else:
            assert ours.cost <= theirs, (labels, "cost", ours.cost, theirs)
            assert ours.cost == prefix_cost(model, labels), (labels, "cost of a prefix", ours.cost)
            counts["compared: the cost of a prefix"] += 1
        counts["pairs"] += 1
        counts["fitting" if theirs == 0 else "deviating or open"] += 1


COUNTS: Counter[str] = Counter()


@pytest.mark.parametrize("seed", range(4))
def test_process_trees(seed: int) -> None:
    random = Random(seed)
    for _ in range(TREES // 4):
        tree = random_tree(random)
        text = as_text(tree)
        if "'" not in text:
            continue
        flow, problems = compile_flow(document(tree))
        assert flow is not None, problems
        net = Net(*pm4py.convert_to_petri_net(pm4py.parse_process_tree(text)))
        compare(flow, net, random, COUNTS)


@pytest.mark.parametrize("seed", range(4))
def test_plain_nets(seed: int, tmp_path: Path) -> None:
    random = Random(1_000 + seed)
    for number in range(NETS // 4):
        source = bpmn(random_net(random))
        flow, _ = compile_flow(read(source, "net.bpmn"))
        if flow is None:
            COUNTS["left out: nothing to observe"] += 1
            continue
        path = tmp_path / f"{number}.bpmn"
        path.write_bytes(source)
        net = Net(*pm4py.convert_to_petri_net(pm4py.read_bpmn(str(path))))
        compare(flow, net, random, COUNTS)


def test_so_many_pairs_were_compared() -> None:
    for what, count in sorted(COUNTS.items()):
        print(f"{count:6,}  {what}")
    assert COUNTS["pairs"] >= 2_000
