"""The token game by the book: everything that may happen next in an instance of a scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from monitor.bpmn.document import ACTIVITIES, SUBPROCESSES, Document, EventDefinition, EventKind, FlowNode
from tests.support.naive.book import (
    BY_ITSELF,
    THROWN,
    Book,
    catches,
    is_partner,
    kinds,
    label_of,
    matches,
    needed,
    rounds_of,
    waiting,
)
from tests.support.naive.values import Done, Scope, Thrown, TooLarge, Turn, Work

MAX_LIVE = 9
"""Tokens and open activities of one scope."""


class Game(Book):
    """``horizon``: words of up to so many labels are told right (instances begun unseen are not more than
    there are labels to come)."""

    def __init__(self, document: Document, horizon: int) -> None:
        super().__init__(document)
        self.horizon = horizon

    # a scope ---------------------------------------------------------------------------------------------

    def begun(self, id_: str) -> list[Scope]:
        """A new instance, by each of the ways it may begin."""
        node = self.nodes.get(id_)
        if node is not None and node.type == "adHocSubProcess":
            return [Scope(id_)]
        first = [
            one
            for one in self.content[id_]
            if not one.incoming
            and not one.attached_to
            and not one.triggered_by_event
            and not one.for_compensation
            and not (one.type == "intermediateCatchEvent" and kinds(one) == {EventKind.LINK})
        ]
        ways = [one for one in first if one.type == "startEvent" or one.instantiate]
        if ways:
            return [Scope(id_).put(f"@{one.id}") for one in ways]
        return [Scope(id_).put(*(f"@{one.id}" for one in first))]

    def turns(self, scope: Scope, signals: tuple[str, ...]) -> Iterator[Turn]:
        """Everything that may happen next in an instance of a scope."""
        if len(scope.tokens) + len(scope.work) > MAX_LIVE:
            raise TooLarge
        busy = self._busy(scope)
        for token in sorted(set(scope.tokens)):
            node = self.at(token)
            if not (busy and node.is_subprocess):
                yield from self._caught(scope, self._arrive(scope, token, node, signals))
        for work in sorted(set(scope.work)):
            node, rest = self.nodes[work.node], scope.close(work)
            if busy and work not in busy and node.is_activity:
                continue
            if node.triggered_by_event:
                yield from self._caught(scope, self._handle(rest, work, signals), node)
            elif node.is_activity:
                yield from self._caught(scope, self._do(rest, work, node, signals))
            else:
                yield from self._caught(scope, self._await(rest, work, node, signals))
        for gate, missing in scope.resets:
            if not set(missing) & set(scope.tokens) and not self._may_come(
                scope, gate, set(missing), set(self.nodes[gate].incoming) - set(missing)
            ):
                left = tuple(one for one in scope.resets if one[0] != gate)
                yield Turn(None, scope._replace(resets=left))
        if scope.id and scope.state != "interrupted":
            yield from self._begin_beside(scope, signals)
        if scope.id and self.ad_hoc(scope) and not scope.state and not busy:
            yield from self._pick(scope, signals)

    def _busy(self, scope: Scope) -> list[Work]:
        """In a sequential ad-hoc subprocess, the subprocess that is open."""
        if not self.ad_hoc(scope) or self.nodes[scope.id].ad_hoc_ordering != "Sequential":
            return []
        return [work for work in scope.work if self.nodes[work.node].is_subprocess]

    def _pick(self, scope: Scope, signals: tuple[str, ...]) -> Iterator[Turn]:
        """An ad-hoc subprocess begins one of its elements."""
        for node in self.content[scope.id]:
            if node.incoming or node.attached_to or node.for_compensation or node.triggered_by_event:
                continue
            if node.type not in ACTIVITIES and not node.type.startswith("intermediate"):
                continue
            if node.type not in SUBPROCESSES and node.loop is None and node.id not in self.boundaries:
                if node.is_activity:  # what waits for nothing but its event need not be seen to begin
                    yield from self._over(node.name, scope, self._ended(Work(node.id), ()), node)
                else:
                    yield from self._await(scope, waiting(node), node, signals)
            elif sum(work.node == node.id for work in scope.work) < self.horizon:
                yield from self._arrive(scope.put(f"@{node.id}"), f"@{node.id}", node, signals)

    # tokens ----------------------------------------------------------------------------------------------

    def _arrive(self, scope: Scope, token: str, node: FlowNode, signals: tuple[str, ...]) -> Iterator[Turn]:
        rest = scope.take(token)
        incoming = (token,) if token.startswith("@") else node.incoming
        filled = [flow for flow in incoming if flow in scope.tokens]
        match node.type:
            case "exclusiveGateway":
                for flow in node.outgoing:
                    yield Turn(None, rest.put(flow))
                if not node.outgoing:
                    yield Turn(None, rest)
            case "parallelGateway":
                if len(filled) == len(incoming):
                    yield Turn(None, scope.take(*filled).put(*node.outgoing))
            case "inclusiveGateway":
                if not self._may_come(scope, node.id, set(incoming) - set(filled), set(filled)):
                    for chosen in self.some(node):
                        yield Turn(None, scope.take(*filled).put(*chosen))
            case "complexGateway":
                yield from self._complex(scope, token, node, incoming, filled)
            case "eventBasedGateway" if node.event_gateway_type == "Parallel":
                events = (self.nodes[self.targets[flow]] for flow in node.outgoing)
                yield Turn(None, rest.open(*map(waiting, events)))
            case "eventBasedGateway":
                for flow in node.outgoing:
                    event = self.nodes[self.targets[flow]]
                    if event.type == "receiveTask":
                        yield from (Turn(event.name, after) for after in self._on(rest, event))
                    else:
                        turns = self._await(rest, waiting(event), event, signals)
                        yield from turns
            case _ if node.is_activity:
                yield Turn(None, rest.open(Work(node.id)))
            case _ if EventKind.LINK in kinds(node) and node.type == "intermediateThrowEvent":
                partner = next(one for one in self.content[scope.id] if is_partner(node, one))
                yield from (Turn(None, after) for after in self._on(rest, partner))
            case _ if node.events:
                yield Turn(None, rest.open(waiting(node)))
            case _:
                yield from (Turn(None, after) for after in self._on(rest, node))

    def _on(self, scope: Scope, node: FlowNode) -> Iterator[Scope]:
        """The node is done: its outgoing flows get their tokens."""
        if not self.conditional.isdisjoint(node.outgoing) or node.default:
            free = [f for f in node.outgoing if f not in self.conditional and f != node.default]
            maybe = [f for f in node.outgoing if f in self.conditional and f != node.default]
            for size in range(len(maybe) + 1):
                for chosen in combinations(maybe, size):
                    if not chosen and node.default:
                        yield scope.put(*free, node.default)
                    elif chosen or free:
                        yield scope.put(*free, *chosen)
        else:
            yield scope.put(*node.outgoing)

    def _complex(
        self, scope: Scope, token: str, node: FlowNode, incoming: Sequence[str], filled: list[str]
    ) -> Iterator[Turn]:
        missing = dict(scope.resets).get(node.id)
        others = tuple(one for one in scope.resets if one[0] != node.id)
        if missing is None:
            if len(filled) >= needed(node):
                left = tuple(sorted(set(incoming) - set(filled)))
                resets = tuple(sorted((*others, (node.id, left)))) if left else others
                for chosen in self.some(node):
                    yield Turn(None, scope.take(*filled).put(*chosen)._replace(resets=resets))
        elif token in missing:
            left = tuple(flow for flow in missing if flow != token)
            resets = tuple(sorted((*others, (node.id, left)))) if left else others
            yield Turn(None, scope.take(token)._replace(resets=resets))

    def _may_come(self, scope: Scope, gate: str, empty: set[str], filled: set[str]) -> bool:
        """Section 13.4.3: a token elsewhere leads to an empty flow of the gateway and to no filled one."""
        places = {self.at(token).id for token in scope.tokens} | {work.node for work in scope.work}
        for place in places - {gate}:
            reached, seen, pending = set[str](), {place}, [place]
            while pending:
                for flow in self.onward(scope, pending.pop()):
                    target = self.at(flow).id
                    if target == gate:
                        reached.add(flow)
                    elif target not in seen:
                        seen.add(target)
                        pending.append(target)
            if reached & empty and not reached & filled:
                return True
        return False

    # events ----------------------------------------------------------------------------------------------

    def _await(self, rest: Scope, work: Work, node: FlowNode, signals: tuple[str, ...]) -> Iterator[Turn]:
        """One of the definitions of an event that has its token happens."""
        if work.state:
            (handlers,) = work.scopes
            for turn in self.turns(handlers, signals):
                if turn.scope is not None:
                    yield turn._replace(scope=rest.open(work._replace(scopes=(turn.scope,))))
            if handlers.empty:
                yield from self._went(None, rest, node, work.todo)
            return
        throws = node.type in ("endEvent", "intermediateThrowEvent")
        for number in work.todo:
            left = tuple(one for one in work.todo if one != number)
            said = node.events[number]
            if throws:
                yield from self._throw(rest, node, said, left)
                continue
            for label in catches(node, said, signals):
                yield from self._went(label, rest, node, left if node.parallel_multiple else ())

    def _went(self, label: str | None, rest: Scope, node: FlowNode, todo: tuple[int, ...]) -> Iterator[Turn]:
        if todo:
            yield Turn(label, rest.open(Work(node.id, todo=todo)))
        else:
            yield from (Turn(label, after) for after in self._on(rest, node))

    def _throw(
        self, rest: Scope, node: FlowNode, said: EventDefinition, left: tuple[int, ...]
    ) -> Iterator[Turn]:
        match said.kind:
            case EventKind.TERMINATE:
                yield Turn(None, None)
            case EventKind.COMPENSATION:
                handlers, rest = self._compensated(rest, said.reference)
                if not said.wait_for_completion:
                    yield from self._went(None, rest.open(*handlers), node, left)
                elif handlers:
                    held = Scope("").open(*handlers)
                    waiting = Work(node.id, scopes=(held,), todo=left, state="compensate")
                    yield Turn(None, rest.open(waiting))
                else:
                    yield from self._went(None, rest, node, left)
            case EventKind.SIGNAL:
                for turn in self._went(label_of(node, said), rest, node, left):
                    yield turn._replace(signal=said.reference or node.name)
            case EventKind.MESSAGE:
                yield from self._went(label_of(node, said), rest, node, left)
            case _:
                for turn in self._went(None, rest, node, left):
                    yield turn._replace(thrown=Thrown(said.kind, said.reference_code))

    def _caught(self, scope: Scope, turns: Iterable[Turn], source: FlowNode | None = None) -> Iterator[Turn]:
        """What is thrown in a scope is caught by an event subprocess of it, if there is one for it. Not by
        ``source``, the one it comes from."""
        for turn in turns:
            catcher = self._catcher(scope, turn.thrown, source) if turn.thrown and turn.scope else None
            if catcher is None or turn.scope is None:
                yield turn
                continue
            handler, start = catcher
            for began in self._handlers_begun(handler, start):
                left = _interrupted(turn.scope) if start.interrupting else turn.scope
                yield Turn(turn.label, left.open(Work(handler.id, scopes=(began,))), signal=turn.signal)

    def _catcher(
        self, scope: Scope, thrown: Thrown, source: FlowNode | None
    ) -> tuple[FlowNode, FlowNode] | None:
        if not scope.id or scope.state == "interrupted":
            return None
        found = [
            (handler, start)
            for handler, start in self.event_subprocesses(scope.id)
            if handler is not source and any(matches(said, thrown) for said in start.events)
        ]
        exact = [pair for pair in found if any(said.reference_code for said in pair[1].events)]
        return next(iter(exact or found), None)

    def _handlers_begun(self, handler: FlowNode, start: FlowNode) -> Iterator[Scope]:
        yield from self._on(Scope(handler.id), start)

    def _begin_beside(self, scope: Scope, signals: tuple[str, ...]) -> Iterator[Turn]:
        """An event subprocess begins by an event of its own."""
        for handler, start in self.event_subprocesses(scope.id):
            for said in start.events:
                by_itself = said.kind in BY_ITSELF or (
                    said.kind in THROWN and not self.begins(handler, said, self.content[scope.id])
                )
                if by_itself and not start.interrupting and handler.id in scope.fired:
                    continue
                for label in [None] if by_itself else catches(start, said, signals):
                    left = _interrupted(scope) if start.interrupting else scope
                    if by_itself and not start.interrupting:
                        left = left._replace(fired=tuple(sorted((*left.fired, handler.id))))
                    for began in self._handlers_begun(handler, start):
                        yield Turn(label, left.open(Work(handler.id, scopes=(began,))))

    def _handle(self, rest: Scope, work: Work, signals: tuple[str, ...]) -> Iterator[Turn]:
        """A step of an event subprocess under way."""
        (inner,) = work.scopes
        own = not rest.id  # the handler of a subprocess that is compensated: it brings what it may undo
        for turn in self.turns(inner if own else inner._replace(outer=rest.done), signals):
            if turn.scope is None:
                done = [Done(work.node, inner.done)] if inner.done else []
                yield turn._replace(scope=rest._replace(done=self._few((*rest.done, *done))))
            elif own:
                yield turn._replace(scope=rest.open(work._replace(scopes=(turn.scope,))))
            else:
                left = rest._replace(done=turn.scope.outer)
                after = turn.scope._replace(outer=())
                yield turn._replace(scope=left.open(work._replace(scopes=(after,))))
        if inner.empty:
            done = [Done(work.node, inner.done)] if inner.done else []
            yield Turn(None, rest._replace(done=self._few((*rest.done, *done))))

    # activities ------------------------------------------------------------------------------------------

    def _do(self, rest: Scope, work: Work, node: FlowNode, signals: tuple[str, ...]) -> Iterator[Turn]:
        """A step of an open activity; ``rest`` is its scope without it."""
        if work.state == "cancel":
            yield from self._cancel(rest, work, node, signals)
            yield from self._boundary(rest, work, node, signals)
            return
        rounds = rounds_of(node)
        running = work.tasks + len(work.scopes)
        more = rounds.most is None or work.begun < rounds.most
        if more and running < (self.horizon if rounds.at_once else 1):
            begun = min(work.begun + 1, rounds.least) if rounds.most is None else work.begun + 1
            if node.is_subprocess:
                for began in self.begun(node.id):
                    scopes = tuple(sorted((*work.scopes, began)))
                    yield Turn(None, rest.open(work._replace(begun=begun, scopes=scopes)))
            else:
                yield Turn(None, rest.open(work._replace(begun=begun, tasks=work.tasks + 1)))
        if work.tasks:
            after = self._ended(work._replace(tasks=work.tasks - 1), ())
            if node.loop is None:  # the event tells of its end
                yield from self._over(node.name, rest, after, node)
            else:
                yield Turn(node.name, rest.open(after))
        for scope in sorted(set(work.scopes)):
            left = list(work.scopes)
            left.remove(scope)
            yield from self._inside(rest, work._replace(scopes=tuple(left)), scope, node, signals)
        enough = rounds.early and work.ended  # as its condition says whenever an instance has ended
        if (enough and rounds.at_once) or (not running and (enough or work.begun >= rounds.least)):
            yield from self._over(None, rest, work, node)
        yield from self._boundary(rest, work, node, signals)

    def _over(self, label: str | None, rest: Scope, work: Work, node: FlowNode) -> Iterator[Turn]:
        """The activity is complete."""
        left = rest._replace(done=self._few((*rest.done, *work.done)))
        yield from (Turn(label, after) for after in self._on(left, node))

    def _few(self, done: Iterable[Done]) -> tuple[Done, ...]:
        """Of equal ones, more than horizon + 1 need not be told apart."""
        all_ = sorted(done)
        return tuple(one for at, one in enumerate(all_) if all_[:at].count(one) <= self.horizon)

    def _ended(self, work: Work, inner: tuple[Done, ...]) -> Work:
        """One instance is complete."""
        own = Done(work.node, inner)
        matters = inner or work.node in self.handlers or self.undoes_itself(work.node)
        return work._replace(ended=1, done=tuple(sorted((*work.done, own))) if matters else work.done)

    def _inside(
        self, rest: Scope, work: Work, scope: Scope, node: FlowNode, signals: tuple[str, ...]
    ) -> Iterator[Turn]:
        """A step of one instance of a subprocess; ``work`` is without it."""
        for turn in self.turns(scope, signals):
            if turn.scope is None:
                yield turn._replace(scope=rest.open(self._ended(work, scope.done)))
                continue
            after = work._replace(scopes=tuple(sorted((*work.scopes, turn.scope))))
            if turn.thrown is None:
                yield turn._replace(scope=rest.open(after))
            elif turn.thrown.kind is EventKind.CANCEL:
                handlers = tuple(self._undone(turn.scope.done))
                held = Work(node.id, scopes=(Scope("").open(*handlers),), state="cancel")
                yield Turn(turn.label, rest.open(held), signal=turn.signal)
            else:
                yield from self._thrown_out(rest, after, node, turn)
        ad_hoc = node.type == "adHocSubProcess"
        if node.cancel_remaining if ad_hoc and not scope.state else scope.empty:
            yield Turn(None, rest.open(self._ended(work, scope.done)))
        elif ad_hoc and not scope.state:
            ending = scope._replace(state="ending")
            yield Turn(None, rest.open(work._replace(scopes=tuple(sorted((*work.scopes, ending))))))

    def _thrown_out(self, rest: Scope, work: Work, node: FlowNode, turn: Turn) -> Iterator[Turn]:
        """The boundary catches what was thrown inside, or it goes further out."""
        thrown = turn.thrown
        assert thrown is not None
        found = [
            (boundary, said)
            for boundary in self.boundaries.get(node.id, [])
            for said in boundary.events
            if matches(said, thrown)
        ]
        found = [pair for pair in found if pair[1].reference_code] or found
        if not found:
            yield turn._replace(scope=rest.open(work))
            return
        boundary, _ = found[0]
        left = rest if boundary.interrupting else rest.open(work)
        yield from (Turn(turn.label, after, signal=turn.signal) for after in self._on(left, boundary))

    def _boundary(self, rest: Scope, work: Work, node: FlowNode, signals: tuple[str, ...]) -> Iterator[Turn]:
        for boundary in self.boundaries.get(node.id, []):
            for said in boundary.events:
                by_itself = said.kind in BY_ITSELF or (
                    said.kind in THROWN and not any(matches(said, one) for one in self.escaping(node))
                )
                if by_itself and not boundary.interrupting and boundary.id in work.fired:
                    continue
                for label in [None] if by_itself else catches(boundary, said, signals):
                    left = rest
                    if not boundary.interrupting:
                        fired = {*work.fired, boundary.id} if by_itself else work.fired
                        left = rest.open(work._replace(fired=tuple(sorted(fired))))
                    yield from (Turn(label, after) for after in self._on(left, boundary))

    # compensation ----------------------------------------------------------------------------------------

    def _compensated(self, scope: Scope, reference: str | None) -> tuple[list[Work], Scope]:
        """The handlers that a throw in ``scope`` runs, and the scope without what they undo."""
        chosen = [one for one in (*scope.done, *scope.outer) if reference in (None, one.node)]
        keep = [tuple(one for one in of if one not in chosen) for of in (scope.done, scope.outer)]
        return list(self._undone(chosen)), scope._replace(done=keep[0], outer=keep[1])

    def _undone(self, done: Iterable[Done]) -> Iterator[Work]:
        for one in done:
            own = self.undoes_itself(one.node)
            if one.node in self.handlers:
                yield Work(self.handlers[one.node])
            elif own is not None:
                start = next(node for node in own.children if node.type == "startEvent")
                yield Work(own.id, scopes=(Scope(own.id, outer=one.inner).put(*start.outgoing),))
            else:
                yield from self._undone(one.inner)

    def _cancel(self, rest: Scope, work: Work, node: FlowNode, signals: tuple[str, ...]) -> Iterator[Turn]:
        """A cancelled transaction undoes what was done in it and goes on at its boundary."""
        (handlers,) = work.scopes
        for turn in self.turns(handlers, signals):
            if turn.scope is not None:
                yield turn._replace(scope=rest.open(work._replace(scopes=(turn.scope,))))
        if handlers.empty:
            for boundary in self.boundaries.get(node.id, []):
                if EventKind.CANCEL in kinds(boundary):
                    yield from (Turn(None, after) for after in self._on(rest, boundary))


def _interrupted(scope: Scope) -> Scope:
    """All that went on in it is gone; what was completed stays so."""
    return Scope(scope.id, done=scope.done, outer=scope.outer, fired=scope.fired, state="interrupted")
