"""What an exploration shows, as problems: each with the element, how it comes about, and the mend."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from monitor.bpmn.document import Document, Place, Problem, Severity
from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.soundness.explore import ROUNDS, Explored, Growth, explore
from monitor.soundness.outcome import dead, outcome_of, standing

_TOLD = 8
"""Labels of a trace that a sentence tells; the problem has all of them."""

_MONOTONE = frozenset(
    {NodeKind.PASS, NodeKind.TASK, NodeKind.XOR, NodeKind.AND, NodeKind.RACE, NodeKind.SUBPROCESS}
    | {NodeKind.END, NodeKind.BOUNDARY}
)
"""Nodes where more tokens never take a step away: what was done once can be done again with more."""


def soundness(flow: Flow, documents: Sequence[Document]) -> tuple[Problem, ...]:
    """Dead elements, deadlocks, loops without a way out and tokens without bound, as far as a bounded
    exploration shows them; where it was not complete, an info says so. ``documents``: those the flow was
    compiled from, its own first, for the lines of its elements."""
    return tuple(_Telling(flow, documents, explore(flow)).problems())


class _Telling:
    def __init__(self, flow: Flow, documents: Sequence[Document], explored: Explored) -> None:
        self._flow = flow
        self._explored = explored
        processes = [process for document in documents for process in document.processes]
        self._places = {node.id: node.place for process in reversed(processes) for node in process.walk()}
        self._home = next((process.place for process in processes if process.nodes), Place(flow.file, 0))

    def problems(self) -> Iterator[Problem]:
        cuts = self._explored.cuts.items()
        alike = {number: growth.base for number, growth in cuts if self._intended(growth)}
        outcome = outcome_of(self._explored, alike)
        if outcome.completes is False:
            said = (
                "No run of this flow ever completes, so none of its traces will: what keeps them is told"
                " beside this. Give it a way to an end event."
            )
            yield Problem(Severity.ERROR, "no-completion", said, self._home)
        yield from self._once(map(self._deadlock, outcome.deadlocks))
        yield from self._once(map(self._circle, outcome.circles))
        endless = {place for number, growth in cuts if number not in alike for place in growth.places}
        told = [growth for growth in self._explored.growths if endless.intersection(self._tokens(growth))]
        yield from self._once(map(self._growth, told))
        if not self._explored.gave_up and len(alike) == len(cuts):
            yield from self._dead()
        if not self._explored.complete:
            yield self._incomplete(piled_up=len(alike) < len(cuts))

    @staticmethod
    def _once(problems: Iterable[Problem]) -> Iterator[Problem]:
        """Of each element only what the shortest way leads to."""
        seen = set()
        for problem in sorted(problems, key=lambda problem: len(problem.trace)):
            if problem.element not in seen:
                seen.add(problem.element)
                yield problem

    # stuck -------------------------------------------------------------------------------------------

    def _deadlock(self, number: int) -> Problem:
        trace = self._explored.trace(number)
        waits = list(self._waits([number], stuck=True))
        (at, why), others = waits[0], waits[1:]
        also = "".join(f" Meanwhile {_named(node)} {reason}." for node, reason in others[:3])
        said = (
            f"Runs can get stuck here: {_after(trace)} it {why}.{also} Let everything it waits for come to it"
            " on every way, or join alternatives with an exclusive gateway."
        )
        return self._problem(Severity.WARNING, "deadlock", at, said, trace)

    def _waits(self, numbers: Sequence[int], *, stuck: bool) -> Iterator[tuple[Node, str]]:
        """The nodes where, in all these markings, a token waits in vain, and what for. ``stuck``: no token
        can move at all."""
        flow, markings = self._flow, self._explored.markings
        always = [dict.fromkeys(standing(flow, markings[number])) for number in numbers]
        seen = set()
        for node, place in always[0]:
            if place < 0 or node.index in seen or not all((node, place) in here for here in always):
                continue
            seen.add(node.index)
            if node.kind in (NodeKind.AND, NodeKind.OR, NodeKind.COMPLEX):
                here = {at for other, at in always[0] if other.index == node.index}
                sources = [flow.nodes[flow.arcs[arc].source] for arc in node.incoming if arc not in here]
                names = " and ".join(dict.fromkeys(map(_named, sources)))
                yield node, f"waits for a token from {names} that cannot come any more"
            elif node.receives:
                yield node, "waits for a message that is not on its way"
            elif stuck:
                yield node, "holds a token that cannot go on"

    def _circle(self, circle: tuple[int, ...]) -> Problem:
        first = min(circle, key=lambda number: len(self._explored.trace(number)))
        trace = self._explored.trace(first)
        waits = list(self._waits(circle, stuck=False))
        elements = self._moving(circle)
        loop = ", ".join(dict.fromkeys(map(_named, elements)))
        if waits:
            node, why = waits[0]
            said = (
                f"Runs can come to where they never complete: {_after(trace)} it {why}, and all that still"
                f" goes on is {loop}. Let everything it waits for come to it on every way."
            )
        else:
            node = elements[0]
            said = (
                f"Runs can come to where they never complete: {_after(trace)} they go round in {loop} for"
                " good. Give the loop a way out that leads to an end event."
            )
        return self._problem(Severity.WARNING, "never-completes", node, said, trace)

    def _moving(self, circle: tuple[int, ...]) -> list[Node]:
        """Where the tokens of a loop go round; of one that changes nothing, whose events come."""
        flow, explored = self._flow, self._explored
        held = [Counter(node.index for node, _ in standing(flow, explored.markings[n])) for n in circle]
        moving = {at for one in held for at in one if any(one[at] != other[at] for other in held)}
        labels = {edge.label for number in circle for edge in explored.edges[number] or ()} - {None}
        inside = {flow.nodes[at].id for at in moving}
        named = [
            node
            for node in flow.nodes
            if node.label in labels and (not moving or node.id in inside or node.kind is NodeKind.BOUNDARY)
        ]
        return named or [flow.nodes[at] for at in sorted(moving)] or [flow.nodes[at] for at in held[0]]

    # tokens without bound ----------------------------------------------------------------------------

    def _intended(self, growth: Growth) -> bool:
        """Whether the model means any number: of what an event begins that does not interrupt, of instances
        that run at once, or only notes of what was completed, and messages that nobody waits for."""
        if growth.overflow:
            return False
        if not self._tokens(growth) or set(self._explored.trace(growth.at, growth.base)) & self._repeated:
            return True
        base = self._explored.markings[growth.base]
        return any(node.kind is NodeKind.SPAWN for node, _ in standing(self._flow, base))

    def _tokens(self, growth: Growth) -> list[int]:
        return [place for place in growth.places if place < self._flow.fired_place(0)]

    @cached_property
    def _repeated(self) -> set[str | None]:
        flow = self._flow
        events = [node for node in flow.nodes if node.kind is NodeKind.BOUNDARY and not node.interrupting]
        events += [
            flow.nodes[handler.start]
            for scope in flow.scopes
            for handler in scope.handlers
            if not handler.interrupting
        ]
        return {event.label for event in events} - {None}

    def _growth(self, growth: Growth) -> Problem:
        flow, explored = self._flow, self._explored
        trace = explored.trace(growth.base)
        node = flow.nodes[flow.place_node(self._tokens(growth)[0])]
        if growth.overflow:
            said = f"Tokens may pile up without bound: {_after(trace)} they go round here without any event."
        else:
            again = explored.trace(growth.at, growth.base)
            certain = node.scope == 0 and all(one.kind in _MONOTONE for one in flow.nodes)
            certain = certain and not any(scope.handlers for scope in flow.scopes)
            way = f"every further {_listed(again)}" if again else "every further silent round"
            said = (
                f"Tokens {'' if certain else 'may '}pile up without bound: {_after(trace)} {way} leaves one"
                " more here."
            )
            trace += again
        said += " Join what the loop splits before it goes round again."
        return self._problem(Severity.WARNING, "unbounded-tokens", node, said, trace)

    # dead --------------------------------------------------------------------------------------------

    def _dead(self) -> Iterator[Problem]:
        """Where dead parts begin; what else is dead behind that is told with it."""
        flow = self._flow
        gone = dead(flow, self._explored)
        told: set[str] = set()
        entries = {
            flow.nodes[arc.target].id: flow.nodes[arc.source]
            for arc in flow.arcs
            if flow.nodes[arc.target].id in gone and flow.nodes[arc.source].id not in gone
        }
        for node in sorted(flow.nodes, key=lambda node: node.id not in entries):
            if node.id not in gone or node.id in told:
                continue
            behind = self._behind(node, gone, entries.keys() | told)
            told |= {node.id, *(other.id for other in behind)}
            before = entries.get(node.id)
            why = f", though some come to {_named(before)} before it" if before is not None else ""
            names = ", ".join(_named(other) for other in behind[:_TOLD])
            more = f" and {len(behind) - _TOLD} more" if len(behind) > _TOLD else ""
            also = f" Dead behind it: {names}{more}." if behind else ""
            certain = self._explored.complete
            said = (
                f"No run {'' if certain else 'that was followed '}ever comes here{why}.{also} Mend what leads"
                " here, or take it out."
            )
            yield self._problem(Severity.WARNING, "dead-element", node, said, ())

    def _behind(self, start: Node, gone: Iterable[str], but: Iterable[str]) -> list[Node]:
        flow = self._flow
        found = {start.id: start}
        left = {*gone} - {*but}
        waiting = deque(node for node in flow.nodes if node.id == start.id)
        while waiting:
            node = waiting.popleft()
            ahead = [flow.nodes[flow.arcs[arc].target] for arc in node.outgoing]
            ahead += [flow.nodes[at] for at in node.boundaries]
            ahead += [other for other in flow.nodes if node.inner is not None and other.scope == node.inner]
            for other in ahead:
                if other.id in left and other.id not in found:
                    found[other.id] = other
                    waiting.append(other)
        return list(found.values())[1:]

    def _incomplete(self, *, piled_up: bool) -> Problem:
        followed = self._explored.followed
        if self._explored.gave_up:
            how = f"Explored {followed} markings, then gave up"
        elif piled_up:
            how = f"Explored {followed} markings, not going on where tokens pile up"
        else:
            how = f"Explored {followed} markings, at most {ROUNDS} at once of what may come in any number"
        said = f"{how}: what is dead or stuck beyond that is not known."
        return Problem(Severity.INFO, "gave-up", said, self._home)

    def _problem(
        self, severity: Severity, code: str, node: Node, said: str, trace: tuple[str, ...]
    ) -> Problem:
        place = self._places.get(node.id, Place(self._flow.file, 0))
        return Problem(severity, code, said, place, node.id, node.name or None, trace)


def _after(trace: Sequence[str]) -> str:
    return f"after {_listed(trace)}" if trace else "from the beginning"


def _listed(trace: Sequence[str]) -> str:
    return ("…, " if len(trace) > _TOLD else "") + ", ".join(trace[-_TOLD:])


def _named(node: Node) -> str:
    return f"“{node.name}”" if node.name else node.id
