"""BPMN's token game on markings (OMG formal/2013-12-09, chapter 13): the steps an event or a choice makes.

Silent steps that can disable nothing (a token passes a merge, a parallel join has all its tokens, an end
event consumes) are taken at once, by :mod:`~monitor.conformance.settling`; the others (choices, silent
boundary events, completion of a subprocess that an event could still interrupt) are steps of their own,
taken on demand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from monitor.bpmn.flow import Node, NodeKind
from monitor.conformance.joining import Joining
from monitor.conformance.settling import Marking, Unbounded, Wake, ending

__all__ = ["Marking", "Step", "TokenGame", "Unbounded", "Wake", "ending"]


MANY_SENT = 64
"""Messages of one kind on their way at once from which on they are not counted any more."""


_AGAINST = "\0"


def against(arc: int) -> str:
    """The label of a choice that goes by a forbidden sequence flow: no event is called so."""
    return f"{_AGAINST}{arc}"


def gone_against(label: str) -> int | None:
    """The sequence flow whose condition a step of this label goes against, if it does."""
    return int(label[1:]) if label.startswith(_AGAINST) else None


class Step(NamedTuple):
    """One step of the token game. ``label`` is None for a silent step. ``consumed`` is the place whose token
    moved, or the mark of what began or ended by itself (a subprocess: its node's place; a handler: its fired
    place; None: an inclusive join). ``wake`` says what a silent step set moving. ``node`` is the one whose
    event it is; None where there is none, or where the activity at ``consumed`` is seen to start."""

    label: str | None
    marking: Marking
    consumed: int | None
    wake: Wake
    node: int | None = None


_ENDING = (NodeKind.TERMINATE, NodeKind.THROW, NodeKind.COMPENSATE)
"""Kinds that leave a mark where they end a scope."""


class _Undo(NamedTuple):
    """A compensation of what was completed in the scope around an event subprocess. ``node`` throws it,
    ``inside`` is what remains of the event subprocess."""

    node: Node
    inside: Marking


class _Raised(NamedTuple):
    """An error or escalation on its way out: ``levels`` scopes up stands the catching boundary event.
    ``inside`` is what remains of the throwing scope, None where it ends."""

    levels: int
    boundary: int
    inside: Marking | None


_Outcome = tuple[str | None, "Marking | _Raised | _Undo", int | None, Wake, Node | None]
"""Label, what it leads to, the place consumed, what it set moving, and the node whose event it was."""


class TokenGame(Joining):
    """The token game of one flow: every single step from a marking."""

    def steps(self, marking: Marking, movers: Collection[int] | None = None) -> Iterator[Step]:
        """Every single step from ``marking``; of ``movers`` (see :attr:`Step.consumed`), only theirs and the
        joins'. Raises :class:`Unbounded` past the token bound."""
        for label, outcome, consumed, wake, node in self._scope_steps(marking, movers):
            assert not isinstance(outcome, _Undo), "an event subprocess stands in a scope"
            if isinstance(outcome, _Raised):  # caught by nobody: the process ends there
                yield Step(label, self._ended(marking, node), consumed, wake, node.index if node else None)
            elif node is None:
                yield Step(label, outcome, consumed, wake)
            elif not (node.sends or node.receives or node.hears):
                yield Step(label, outcome, consumed, wake, node.index)
            else:
                yield from self._delivered(Step(label, outcome, consumed, wake, node.index), node)

    def _delivered(self, step: Step, node: Node) -> Iterator[Step]:
        """The step with the messages it sends on the way, and one of those it needs taken off it; or, of a
        signal that this flow sent, without an event of its own."""
        scope, tokens, children = step.marking
        sent = list(tokens)
        for message in node.sends:
            place = self.flow.message_place(message)
            if sent.count(place) < MANY_SENT:
                sent.append(place)
        if not node.receives:
            yield step._replace(marking=(scope, tuple(sorted(sent)), children))
        for message in (*node.receives, *node.hears):
            place = self.flow.message_place(message)
            if place in tokens:
                left = list(sent)
                if left.count(place) < MANY_SENT:
                    left.remove(place)
                yield step._replace(label=None, marking=(scope, tuple(sorted(left)), children))

    def waiting(self, marking: Marking) -> Iterator[int]:
        """Indices of the nodes where tokens of the marking stand, open subprocesses included."""
        _, tokens, children = marking
        for place in tokens:
            if place < self._marks:
                yield self.flow.place_node(place)
        for child in children:
            owner = self.flow.scopes[child[0]].owner
            assert owner is not None
            yield owner
            yield from self.waiting(child)

    # one scope instance ------------------------------------------------------------------------------

    def _scope_steps(self, marking: Marking, movers: Collection[int] | None) -> Iterator[_Outcome]:
        scope, tokens, children = marking
        previous = -1
        joins: set[int] = set()
        for at, place in enumerate(tokens):
            if place == previous:
                continue
            previous = place
            if place < self._arcs or place in self._joins_of_marks:
                index = self._joins_of_marks.get(place)
                node = self.flow.nodes[self.flow.arcs[place].target if index is None else index]
                if node.index not in joins:
                    joins.add(node.index)
                    yield from self._join(marking, node)
            elif place >= self._marks:
                continue
            elif movers is None or place in movers:
                rest = tokens[:at] + tokens[at + 1 :]
                node = self.flow.nodes[self.flow.place_node(place)]
                for label, outcome, wake, event in self._token_steps(marking, rest, node, place):
                    yield label, outcome, place, wake, event
        for at, child in enumerate(children):
            if at == 0 or child != children[at - 1]:
                others = children[:at] + children[at + 1 :]
                yield from self._child_steps(scope, tokens, child, others, movers)
        if self.flow.scopes[scope].handlers:
            yield from self._handler_steps(marking, movers)

    def _handler_steps(self, marking: Marking, movers: Collection[int] | None) -> Iterator[_Outcome]:
        """An event subprocess begins, beside what goes on in its scope or instead of it; or a pool whose
        message has come. A silent one that does not interrupt does so once."""
        scope, tokens, children = marking
        entry = self.flow.scopes[scope]
        if entry.choice and self.flow.node_place(entry.starts[0]) in tokens:
            return  # the scope has not begun itself
        if any(h.interrupting and self.flow.fired_place(h.node) in tokens for h in entry.handlers):
            return  # the scope is its handler's now
        marks = (self.flow.nodes[p - self._marks] for p in tokens if self._marks <= p < self._done)
        if any(node.kind in _ENDING for node in marks):
            return  # it is over, or a cancelled transaction that is only undone
        for handler in entry.handlers:
            fired = self.flow.fired_place(handler.node)
            if movers is not None and fired not in movers:
                continue
            start = self.flow.nodes[handler.start]
            inner = self.flow.nodes[handler.node].inner
            assert inner is not None
            wake = Wake()
            begun = self._settle(inner, (), (), self._onward(start, wake), wake)
            if handler.interrupting:
                left = self._ended(marking)[1]
                after = self._settle(scope, (*left, fired), (begun,), (), wake)
                yield start.label, after, fired, wake, start
                continue
            once = start.label is None and not start.receives
            if not once or fired not in tokens:
                base = (*tokens, fired) if once else tokens
                after = self._settle(scope, base, (*children, begun), (), wake)
                yield start.label, after, fired, wake, start

    def _token_steps(
        self, marking: Marking, rest: tuple[int, ...], node: Node, place: int
    ) -> Iterator[tuple[str | None, Marking | _Raised | _Undo, Wake, Node | None]]:
        """Steps of one token waiting at ``node``."""
        scope, tokens, children = marking
        match node.kind:
            case NodeKind.TASK | NodeKind.SUBPROCESS if self._kept_waiting(marking, place):
                pass
            case NodeKind.SUBPROCESS:
                wake = Wake()
                yield (
                    None,
                    self._settle(scope, rest, (*children, self._open(node, wake)), (), wake),
                    wake,
                    None,
                )
            case NodeKind.TASK:
                if node.start_label is not None and place == self.flow.node_place(node.index):
                    running = tuple(sorted((*rest, self.flow.running_place(node.index))))
                    yield node.start_label, (scope, running, children), Wake(), None
                else:
                    left = self._clear_fired(rest, node)
                    if node.undo is not None:
                        left = (*left, self.flow.done_place(node.index))
                    yield node.label, *self._passed_on(scope, left, children, node), node
                for boundary in node.boundaries:
                    yield from self._boundary(
                        scope, tokens, children, rest, children, node, self.flow.nodes[boundary]
                    )
            case NodeKind.XOR:
                for arc in node.outgoing:
                    wake = Wake()
                    label = against(arc) if arc in self.forbidden else None
                    yield label, self._settle(scope, rest, children, (arc,), wake), wake, None
            case NodeKind.RACE:
                for arc in node.outgoing:
                    target = self.flow.nodes[self.flow.arcs[arc].target]
                    yield target.label, *self._passed_on(scope, rest, children, target), target
            case NodeKind.SPAWN:
                yield from self._spawn(marking, rest, node)
            case NodeKind.COMPENSATE:
                yield from self._compensate(marking, rest, node)
            case NodeKind.TERMINATE:
                wake = Wake()
                wake.stalled.add(ending(scope))
                yield node.label, self._ended(marking, node), wake, node
            case NodeKind.THROW:
                yield from self._throw(marking, rest, node)
            case NodeKind.END:
                yield node.label, *self._passed_on(scope, rest, children, node), node
            case _:  # the alternatives a scope may begin with
                for start in self.flow.scopes[scope].starts:
                    entry = self.flow.nodes[start]
                    after, wake = self._passed_on(scope, rest, children, entry)
                    handlers = self.flow.scopes[scope].handlers
                    wake.landed.update(self.flow.fired_place(handler.node) for handler in handlers)
                    yield entry.label, after, wake, entry

    def _boundary(
        self,
        scope: int,
        tokens: tuple[int, ...],
        children: tuple[Marking, ...],
        tokens_without: tuple[int, ...],
        children_without: tuple[Marking, ...],
        owner: Node,
        boundary: Node,
    ) -> Iterator[tuple[str | None, Marking, Wake, Node]]:
        """A boundary event of ``owner`` fires: with it, or (interrupting) without it, what goes on. A silent
        non-interrupting one (a timer) fires once during an activation."""
        if boundary.interrupting:
            left = self._clear_fired(tokens_without, owner)
            yield boundary.label, *self._passed_on(scope, left, children_without, boundary), boundary
        elif boundary.label is not None or boundary.receives:
            yield boundary.label, *self._passed_on(scope, tokens, children, boundary), boundary
        else:
            fired = self.flow.fired_place(boundary.index)
            if tokens.count(fired) < self._activations(tokens, children, owner):
                after, _ = self._passed_on(scope, (*tokens, fired), children, boundary)
                # The last moment it may fire is before its owner is left, by whomever.
                yield None, after, Wake(free=True), boundary

    def _child_steps(
        self,
        scope: int,
        tokens: tuple[int, ...],
        child: Marking,
        others: tuple[Marking, ...],
        movers: Collection[int] | None,
    ) -> Iterator[_Outcome]:
        owner_index = self.flow.scopes[child[0]].owner
        assert owner_index is not None
        owner = self.flow.nodes[owner_index]
        for label, outcome, consumed, wake, event in self._scope_steps(child, movers):
            if isinstance(outcome, _Undo):
                done, work = self._undone(tokens, outcome.node, wake)
                begun = self._settle(*outcome.inside[:2], (*outcome.inside[2], work), (), wake)
                yield label, self._settle(scope, done, (*others, begun), (), wake), consumed, wake, event
            elif not isinstance(outcome, _Raised):
                yield label, self._settle(scope, tokens, (*others, outcome), (), wake), consumed, wake, event
            elif outcome.levels > 1:
                inside = None
                if outcome.inside is not None:
                    inside = self._settle(scope, tokens, (*others, outcome.inside), (), wake)
                yield label, _Raised(outcome.levels - 1, outcome.boundary, inside), consumed, wake, event
            else:
                catcher = self.flow.nodes[outcome.boundary]
                if outcome.inside is not None:
                    left = self._settle(scope, tokens, (*others, outcome.inside), (), wake)
                elif catcher.kind is NodeKind.SUBPROCESS:
                    left = self._ended((scope, tokens, ()))
                else:
                    left = (scope, self._clear_fired(tokens, owner), others)
                yield label, self._caught(left, outcome.boundary, wake), consumed, wake, event
        mark = self.flow.node_place(owner_index)
        if movers is not None and mark not in movers:
            return
        whole = tuple(sorted((*others, child)))
        for index in owner.boundaries:
            for label, marking, wake, event in self._boundary(
                scope, tokens, whole, tokens, others, owner, self.flow.nodes[index]
            ):
                yield label, marking, mark, wake, event
        if self._lingers(child) and self.is_final(child):
            wake = Wake()
            base = (*self._clear_fired(tokens, owner), *self._left_behind(child, owner, wake))
            marking = self._settle(scope, base, others, self._onward(owner, wake), wake)
            wake.fired.add(ending(child[0]))
            wake.free |= self.flow.scopes[scope].sequential
            yield None, marking, mark, wake, None

    # ad-hoc subprocesses and compensation ------------------------------------------------------------

    def _kept_waiting(self, marking: Marking, place: int) -> bool:
        """In a sequential ad-hoc subprocess nothing happens beside a running activity."""
        scope, tokens, children = marking
        if not self.flow.scopes[scope].sequential or place >= self._arcs + self._count:
            return False
        return bool(children) or any(self._arcs + self._count <= other < self._marks for other in tokens)

    def _spawn(
        self, marking: Marking, rest: tuple[int, ...], node: Node
    ) -> Iterator[tuple[str | None, Marking, Wake, Node | None]]:
        """One more is begun; or it is enough."""
        scope, tokens, children = marking
        if not self._kept_waiting(marking, self.flow.node_place(node.index)):
            for arc in node.outgoing:
                wake = Wake()
                yield None, self._settle(scope, tokens, children, (arc,), wake), wake, None
        wake = Wake()
        wake.stalled.add(ending(scope))
        yield None, self._ended(marking) if node.ends else (scope, rest, children), wake, None

    def _compensate(
        self, marking: Marking, rest: tuple[int, ...], node: Node
    ) -> Iterator[tuple[str | None, Marking | _Undo, Wake, Node | None]]:
        scope, _, children = marking
        wake = Wake(free=True)
        assert node.inner is not None
        waits = self.flow.scopes[node.inner].owner == node.index
        arcs = () if waits else node.outgoing
        if node.outward:
            yield None, _Undo(node, self._settle(scope, rest, children, arcs, wake)), wake, None
            return
        if node.ends:
            _, rest, children = self._ended((scope, rest, ()))
        left, work = self._undone(rest, node, wake)
        if node.ends:
            left = (self.flow.fired_place(node.index), *left)
        yield None, self._settle(scope, left, (*children, work), arcs, wake), wake, None

    # throwing and catching ---------------------------------------------------------------------------

    def _throw(
        self, marking: Marking, rest: tuple[int, ...], node: Node
    ) -> Iterator[tuple[str | None, Marking | _Raised, Wake, Node]]:
        scope, _, children = marking
        wake = Wake(free=True)
        levels, catcher = node.catcher or (len(self.flow.scopes) + 1, -1)
        going_on = None
        if catcher >= 0 and not self._interrupts(catcher):
            going_on = self._passed_on(scope, rest, children, node)[0]
        if levels == 0:
            yield node.label, self._caught(going_on or self._ended(marking), catcher, wake), wake, node
        else:
            yield node.label, _Raised(levels, catcher, going_on), wake, node

    def _interrupts(self, catcher: int) -> bool:
        """Whether what catches a throw (a boundary event, an event subprocess) ends what it was thrown in."""
        node = self.flow.nodes[catcher]
        if node.inner is None:
            return node.interrupting
        return all(self.flow.nodes[start].interrupting for start in self.flow.scopes[node.inner].starts)

    def _caught(self, marking: Marking, catcher: int, wake: Wake) -> Marking:
        """The marking once boundary event or event subprocess ``catcher`` has begun in it."""
        scope, tokens, children = marking
        node = self.flow.nodes[catcher]
        if node.inner is None:
            return self._settle(scope, tokens, children, self._onward(node, wake), wake)
        return self._settle(scope, tokens, (*children, self._begin(node, (), wake)), (), wake)
