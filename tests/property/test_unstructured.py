"""The checker on models of any shape, against the token game played one step at a time.

The reference moves single tokens along sequence flows, tries every interleaving and reduces nothing. It
shares no code with the checker, and gives up (the case is left out) where its search grows too large.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.bpmn.flow import Flow
from monitor.conformance.ahead import Bounds
from monitor.conformance.automaton import Automaton
from monitor.conformance.concurrent import run
from monitor.conformance.knowledge import NOTHING_KNOWN, Knowledge
from monitor.conformance.order import Window
from monitor.domain.event import Observation
from tests.support.effort import examples
from tests.support.flows import flow_of

ALPHABET = "ABC"
MAX_MARKINGS = 1_500
MAX_TOKENS = 8


@dataclass(frozen=True)
class Part:
    """A node of the drawing. ``label`` as ordinary events show it; ``owner`` of a boundary event."""

    id: str
    kind: str
    label: str | None = None
    owner: str | None = None
    interrupting: bool = True


@dataclass(frozen=True)
class Graph:
    parts: tuple[Part, ...]
    arcs: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[int, str], ...] = ()
    """Of an arc out of an exclusive gateway: the field that must be true."""

    def text(self) -> str:
        return "\n".join([_element(part) for part in self.parts] + list(self._flows()))

    def _flows(self) -> Iterator[str]:
        conditions = dict(self.conditions)
        for number, (source, target) in enumerate(self.arcs):
            if number in conditions:
                yield (
                    f'<sequenceFlow id="c{number}" sourceRef="{source}" targetRef="{target}">'
                    f"<conditionExpression>={conditions[number]}</conditionExpression></sequenceFlow>"
                )
            else:
                yield f"{source} -> {target}"


def _element(part: Part) -> str:
    said = f'id="{part.id}"' + (f' name="{part.label}"' if part.label else "")
    trigger = "<messageEventDefinition/>" if part.label else ""
    match part.kind:
        case "task":
            return f"<task {said}/>"
        case "start":
            return f"<startEvent {said}>{trigger}</startEvent>"
        case "catch":
            return f"<intermediateCatchEvent {said}>{trigger}</intermediateCatchEvent>"
        case "end":
            return f"<endEvent {said}/>"
        case "terminate":
            return f"<endEvent {said}><terminateEventDefinition/></endEvent>"
        case "boundary":
            cancel = str(part.interrupting).lower()
            trigger = trigger or "<timerEventDefinition/>"
            attached = f'attachedToRef="{part.owner}" cancelActivity="{cancel}"'
            return f"<boundaryEvent {said} {attached}>{trigger}</boundaryEvent>"
    gateway = {"xor": "exclusive", "and": "parallel", "or": "inclusive", "race": "eventBased"}[part.kind]
    return f"<{gateway}Gateway {said}/>"


class TooLarge(Exception):
    """The naive search has grown past what a test should wait for."""


Token = tuple[int, frozenset[str]]
"""A token on sequence flow number n (or, negative, at a node where the process begins); and the timers
that went off while its task was due."""

Marking = frozenset[tuple[Token, int]]


class Naive:
    """The token game by the book, over multisets of tokens."""

    def __init__(self, graph: Graph) -> None:
        self.conditions = dict(graph.conditions)
        self.known: dict[str, bool] = {}
        self.parts = {part.id: part for part in graph.parts}
        self.targets = dict(enumerate(target for _, target in graph.arcs))
        self.incoming: dict[str, list[int]] = {part.id: [] for part in graph.parts}
        self.outgoing: dict[str, list[int]] = {part.id: [] for part in graph.parts}
        for number, (source, target) in enumerate(graph.arcs):
            self.outgoing[source].append(number)
            self.incoming[target].append(number)
        self.boundaries: dict[str | None, list[Part]] = {}
        for part in graph.parts:
            if part.kind == "boundary":
                self.boundaries.setdefault(part.owner, []).append(part)
        self.starts = [part for part in graph.parts if part.kind == "start"]
        first = self._initially()
        self.reaching = {arc: self._reaching(arc) for arc in self.targets}
        self.initial = self._closed([first])

    def _initially(self) -> Marking:
        if self.starts:
            return frozenset({((-1, frozenset()), 1)})
        begin = [p for p in self.parts.values() if not self.incoming[p.id] and p.kind != "boundary"]
        for number, part in enumerate(begin):
            self.targets[-2 - number] = part.id
            self.incoming[part.id] = [-2 - number]
        return frozenset({((-2 - number, frozenset()), 1) for number in range(len(begin))})

    def _reaching(self, arc: int) -> set[int]:
        """Sequence flows from which a token can get to ``arc`` without passing the node it leads to."""
        gate = self.targets[arc]
        found = {arc}
        while True:
            more = {
                number
                for number, target in self.targets.items()
                if target != gate and any(out in found for out in self._onward(target))
            }
            if more <= found:
                return found
            found |= more

    def _onward(self, node: str) -> list[int]:
        return self.outgoing[node] + [
            arc for boundary in self.boundaries.get(node, []) for arc in self.outgoing[boundary.id]
        ]

    def _moves(self, marking: Marking) -> Iterator[tuple[str | None, Marking]]:
        tokens = Counter(dict(marking))
        for token in list(tokens):
            arc = token[0]
            if arc == -1:
                for start in self.starts:
                    yield start.label, self._moved(tokens, [token], self.outgoing[start.id])
                continue
            part = self.parts[self.targets[arc]]
            out = self.outgoing[part.id]
            match part.kind:
                case "task" | "catch":
                    yield part.label, self._moved(tokens, [token], out)
                    yield from self._boundaries(tokens, token, part)
                case "end":
                    yield None, self._moved(tokens, [token], [])
                case "terminate":
                    yield None, frozenset()
                case "xor":
                    for choices in [[arc] for arc in out] or [[]]:
                        if len(out) < 2 or all(self._may_go(arc) for arc in choices):
                            yield None, self._moved(tokens, [token], choices)
                case "race":
                    for choice in out:
                        event = self.parts[self.targets[choice]]
                        yield event.label, self._moved(tokens, [token], self.outgoing[event.id])
                case "and":
                    taken = [(a, frozenset[str]()) for a in self.incoming[part.id]]
                    if all(tokens[one] for one in taken):
                        yield None, self._moved(tokens, taken, out)
                case "or":
                    taken = [one for a in self.incoming[part.id] if tokens[one := (a, frozenset[str]())]]
                    if self._or_ready(tokens, part.id, {a for a, _ in taken}):
                        for size in range(min(1, len(out)), len(out) + 1):
                            for chosen in combinations(out, size):
                                yield None, self._moved(tokens, taken, list(chosen))

    def _may_go(self, arc: int) -> bool:
        return self.known.get(self.conditions.get(arc, ""), True)

    def told(self, markings: frozenset[Marking], values: Mapping[str, bool]) -> frozenset[Marking]:
        """The markings right after an event that told these values, silent steps since then included."""
        self.known |= values
        return self._closed(list(markings))

    def _boundaries(
        self, tokens: Counter[Token], token: Token, task: Part
    ) -> Iterator[tuple[str | None, Marking]]:
        arc, fired = token
        for boundary in self.boundaries.get(task.id, []):
            out = self.outgoing[boundary.id]
            if boundary.interrupting:
                yield boundary.label, self._moved(tokens, [token], out)
            elif boundary.label is not None:
                yield boundary.label, self._moved(tokens, [], out)
            elif boundary.id not in fired:
                again = Counter(tokens)
                again[arc, fired | {boundary.id}] += 1
                yield None, self._moved(again, [token], out)

    def _or_ready(self, tokens: Counter[Token], gate: str, filled: set[int]) -> bool:
        empty = [arc for arc in self.incoming[gate] if arc not in filled]
        for arc, _ in tokens:
            if arc in filled:
                continue
            to_empty = any(arc in self.reaching[e] for e in empty if e in self.reaching)
            to_filled = any(arc in self.reaching[f] for f in filled if f in self.reaching)
            if to_empty and not to_filled:
                return False
        return True

    @staticmethod
    def _moved(tokens: Counter[Token], taken: list[Token], put: list[int]) -> Marking:
        after = Counter(tokens)
        for token in taken:
            after[token] -= 1
        for arc in put:
            after[arc, frozenset()] += 1
        if after.total() > MAX_TOKENS:
            raise TooLarge
        return frozenset((token, count) for token, count in after.items() if count)

    def _closed(self, markings: list[Marking]) -> frozenset[Marking]:
        seen = set(markings)
        queue = deque(markings)
        while queue:
            for label, after in self._moves(queue.popleft()):
                if label is None and after not in seen:
                    if self._two_timers(after) or len(seen) > MAX_MARKINGS:
                        raise TooLarge
                    seen.add(after)
                    queue.append(after)
        return frozenset(seen)

    def _two_timers(self, marking: Marking) -> bool:
        """Two tokens at one task with a timer that does not interrupt: which of them it went off for is
        nothing events could tell, and the checker does not keep it either."""
        due: Counter[str] = Counter()
        for (arc, _), count in marking:
            if arc != -1:
                due[self.targets[arc]] += count
        return any(
            count > 1 and any(not b.interrupting and b.label is None for b in self.boundaries.get(task, []))
            for task, count in due.items()
        )

    def steps(self, markings: frozenset[Marking]) -> dict[str, frozenset[Marking]]:
        """Label -> every marking it may lead to, silent steps before and after included."""
        found: dict[str, set[Marking]] = {}
        for marking in markings:
            for label, after in self._moves(marking):
                if label is not None:
                    if self._two_timers(after):
                        raise TooLarge
                    found.setdefault(label, set()).add(after)
        return {label: self._closed(list(several)) for label, several in found.items()}

    def right_after(self, markings: frozenset[Marking], label: str) -> frozenset[Marking]:
        """The markings an event leads to, before anything else happens."""
        return frozenset(after for m in markings for known, after in self._moves(m) if known == label)


@st.composite
def graphs(draw: st.DrawFn, *more: str) -> Graph:
    """Anything that can be drawn: several starts and ends, dead ends, cycles, implicit splits and merges.
    ``more``: kinds there are to be more of."""
    usual = ["task", "task", "task", "xor", "and", "or", "end", "terminate", "race"]
    kinds = draw(st.lists(st.sampled_from([*usual, *more]), min_size=1, max_size=7))
    label = st.sampled_from(ALPHABET)
    parts = [
        Part(f"n{number}", kind, draw(label) if kind == "task" else None) for number, kind in enumerate(kinds)
    ]
    sources = [part.id for part in parts if part.kind in ("task", "xor", "and", "or")]
    targets = [part.id for part in parts]
    for number in range(draw(st.integers(0, 2))):
        parts.append(Part(f"s{number}", "start", draw(st.none() | label)))
        sources.append(f"s{number}")
    tasks = [part.id for part in parts if part.kind == "task"]
    for number in range(draw(st.integers(0, 2)) if tasks else 0):
        owner = draw(st.sampled_from(tasks))
        parts.append(Part(f"b{number}", "boundary", draw(st.none() | label), owner, draw(st.booleans())))
        sources.append(f"b{number}")
    arcs: list[tuple[str, str]] = []
    for part in [part for part in parts if part.kind == "race"]:
        for number in range(draw(st.integers(1, 2))):
            event = Part(f"{part.id}e{number}", "catch", draw(label))
            parts.append(event)
            arcs += [(part.id, event.id), (event.id, draw(st.sampled_from(targets)))]
    if sources:
        pair = st.tuples(st.sampled_from(sources), st.sampled_from(targets))
        arcs += draw(st.lists(pair, min_size=1, max_size=11))
    assume(any(part.label for part in parts))
    assume(not _circles(parts, arcs))
    assume(not _multiplies(parts, arcs))
    return Graph(tuple(parts), tuple(arcs))


def _circles(parts: list[Part], arcs: list[tuple[str, str]]) -> bool:
    """Whether a token could run in a circle without any choice or event: nobody means that."""
    onward: dict[str, str] = {}
    for part in parts:
        out = [target for source, target in arcs if source == part.id]
        if part.kind in ("xor", "and", "or") and len(set(out)) == 1:
            onward[part.id] = out[0]
    for start in onward:
        at = onward[start]
        for _ in onward:
            if at == start:
                return True
            at = onward.get(at, "")
    return False


def _multiplies(parts: list[Part], arcs: list[tuple[str, str]]) -> bool:
    """Whether an inclusive gateway could feed itself without any event: that piles up tokens for ever, and
    the checker leaves it undecided."""
    gateways = {part.id for part in parts if part.kind in ("xor", "and", "or")}
    for start in (part.id for part in parts if part.kind == "or"):
        pending, seen = [start], set()
        while pending:
            at = pending.pop()
            for source, target in arcs:
                if source == at and target in gateways and target not in seen:
                    seen.add(target)
                    pending.append(target)
        if start in seen:
            return True
    return False


def _held(automaton: Automaton, naive: Naive, walk: st.DataObject) -> None:
    """Walk both side by side, comparing at every turn what may come next and whether it may end here."""
    state, markings = automaton.initial, naive.initial
    ahead: list[tuple[Bounds, Counter[str]]] = []
    for _ in range(6):
        possible = naive.steps(markings)
        assert not state.undecided
        assert set(automaton.labels(state)) == set(possible)
        assert state.final == (frozenset() in markings)
        for label in ALPHABET:
            assert (automaton.step(state, label) is not None) == (label in possible)
        assert automaton.ahead(state).keys() >= set(possible)
        ahead.append((automaton.ahead(state), Counter()))
        if not possible:
            return
        label = walk.draw(st.sampled_from(sorted(possible)))
        following = automaton.step(state, label)
        assert following is not None
        state, markings = following, possible[label]
        for bounds, came in ahead:
            came[label] += 1
            assert came[label] <= bounds[label] + 1e-9


@given(graphs(), st.data())
@examples(80)
def test_any_graph(graph: Graph, walk: st.DataObject) -> None:
    """At every turn of a walk through the model exactly the labels the book allows are allowed next, and the
    flow may end exactly where it may by the book."""
    flow: Flow = flow_of(graph.text())
    try:
        _held(Automaton(flow), Naive(graph), walk)
    except TooLarge:
        assume(False)


@given(graphs("xor", "xor", "xor"), st.data())
@examples(300)
def test_any_graph_with_conditions(graph: Graph, walk: st.DataObject) -> None:
    """The same where exclusive gateways look at what events told: a choice is made with what is known at some
    time between the event that brought the token and the one that shows the choice."""
    exclusive = {part.id for part in graph.parts if part.kind == "xor"}
    guarded = [number for number, (source, _) in enumerate(graph.arcs) if source in exclusive]
    field = st.sampled_from(["p", "q"])
    conditions = tuple((number, walk.draw(field)) for number in guarded if walk.draw(st.booleans()))
    graph = replace(graph, conditions=conditions)
    flow = flow_of(graph.text())
    automaton, knowledge, known = Automaton(flow), Knowledge(flow), NOTHING_KNOWN
    try:
        naive = Naive(graph)
        state, markings = automaton.initial, naive.initial
        for _ in range(5):
            possible = naive.steps(markings)
            assert not state.undecided
            assert set(automaton.labels(state)) == set(possible)
            assert state.final == (frozenset() in markings)
            if not possible:
                return
            label = walk.draw(st.sampled_from(sorted(possible)))
            values = walk.draw(st.dictionaries(field, st.booleans()))
            (window,) = knowledge.informed([_told(label, values)], known)
            known = window.data.learned if window.data is not None else known
            following = run(automaton, state, window)
            assert following is not None
            state = following
            markings = naive.told(naive.right_after(markings, label), values)
    except TooLarge:
        assume(False)


def _told(label: str, values: Mapping[str, bool]) -> Window:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return Window((Observation("f", label, time, b"", attributes=tuple(values.items())),), (0,))
