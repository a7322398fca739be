"""What lint says of dead elements, deadlocks and flows that never complete, on models of any shape, against
the token game played one step at a time to the end of every run.

The reference is the naive token game of ``test_unstructured``: it reduces nothing, and where its search grows
too large the case is left out.
"""

from __future__ import annotations

from hypothesis import assume, given

from monitor.soundness.explore import explore
from monitor.soundness.outcome import dead, outcome_of
from tests.property.test_unstructured import MAX_MARKINGS, Graph, Marking, Naive, TooLarge, graphs
from tests.support.effort import examples
from tests.support.flows import flow_of

Steps = dict[Marking, set[Marking]]

DONE: Marking = frozenset()


def every_step(naive: Naive) -> Steps:
    """All the markings the model can reach, each with those one step on."""
    steps: Steps = {}
    waiting = list(naive.initial)
    while waiting:
        marking = waiting.pop()
        if marking in steps:
            continue
        if naive._two_timers(marking) or len(steps) > MAX_MARKINGS:
            raise TooLarge
        steps[marking] = {after for _, after in naive._moves(marking)}
        waiting += steps[marking]
    return steps


def reaching(steps: Steps, goals: set[Marking]) -> set[Marking]:
    found = set(goals)
    while more := {marking for marking, after in steps.items() if after & found} - found:
        found |= more
    return found


def alive(naive: Naive, steps: Steps) -> set[str]:
    """Where a token ever comes to; what may happen there happens at some time."""
    found = {start.id for start in naive.starts}
    for marking in steps:
        found |= {naive.targets[arc] for (arc, _), _ in marking if arc != -1}
    for id_ in list(found):
        found |= {boundary.id for boundary in naive.boundaries.get(id_, [])}
        if naive.parts[id_].kind == "race":
            found |= {naive.targets[arc] for arc in naive.outgoing[id_]}
    return found


@given(graphs())
@examples(120)
def test_what_is_said_of_any_graph_is_so(graph: Graph) -> None:
    flow = flow_of(graph.text())
    explored = explore(flow, max_work=30_000)
    assume(explored.complete)
    outcome = outcome_of(explored, {})
    try:
        naive = Naive(graph)
        steps = every_step(naive)
    except TooLarge:
        assume(False)
    completing = reaching(steps, {DONE} & steps.keys())
    deadlocks = {marking for marking, after in steps.items() if not after and marking != DONE}
    assert outcome.completes == bool(completing)
    assert bool(outcome.deadlocks) == bool(deadlocks)
    assert bool(outcome.circles) == bool(steps.keys() - completing - reaching(steps, deadlocks))
    assert dead(flow, explored) == naive.parts.keys() - alive(naive, steps)


@given(graphs())
@examples(60)
def test_a_model_of_few_markings_is_explored_to_its_end(graph: Graph) -> None:
    """Nor is anything said to pile up where it does not."""
    try:
        every_step(Naive(graph))
    except TooLarge:
        assume(False)
    assert explore(flow_of(graph.text())).complete
