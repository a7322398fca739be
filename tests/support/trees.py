"""Block-structured models two ways: as BPMN documents, and as expressions with a meaning of their own.

The expressions' language is defined by derivatives (what may be left after a label), without tokens,
markings or gateways: a reference for the checker that shares nothing with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from hypothesis import strategies as st

from monitor.bpmn.document import (
    Document,
    EventDefinition,
    EventKind,
    FlowNode,
    Place,
    Process,
    SequenceFlow,
)


class Tree:
    """A block, or what is left of one."""


@dataclass(frozen=True)
class Skip(Tree):
    """Nothing happens."""


@dataclass(frozen=True)
class Act(Tree):
    label: str


@dataclass(frozen=True)
class Seq(Tree):
    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Xor(Tree):
    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class And(Tree):
    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Or(Tree):
    """Any non-empty subset of the parts, in parallel."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Loop(Tree):
    """``body``, then any number of times ``redo`` and ``body`` again. The body does something."""

    body: Tree
    redo: Tree


@dataclass(frozen=True)
class Again(Tree):
    """The end of a loop's body: out, or another round."""

    loop: Loop


@dataclass(frozen=True)
class Scope(Tree):
    """A subprocess. While ``body`` is under way boundary event ``label`` (None: a silent timer) may interrupt
    it, to go on with ``handler`` instead; or, not interrupting, ``handler`` runs beside it and both must
    end. A silent event that does not interrupt fires once at most (``fired``)."""

    body: Tree
    label: str | None
    handler: Tree
    interrupting: bool
    fired: bool = False


def nullable(tree: Tree) -> bool:
    """Whether nothing more need happen."""
    match tree:
        case Skip() | Again():
            return True
        case Seq(parts) | And(parts):
            return all(map(nullable, parts))
        case Xor(parts) | Or(parts):
            return any(map(nullable, parts))
        case Loop(body, _):
            return nullable(body)
        case Scope(body, label, handler, interrupting):
            return nullable(body) or (interrupting and label is None and nullable(handler))
    return False


@lru_cache(maxsize=100_000)
def after(tree: Tree, label: str) -> frozenset[Tree]:
    """Everything that may be left once ``label`` has happened."""
    match tree:
        case Act(own):
            return frozenset({Skip()}) if own == label else frozenset()
        case Seq(parts):
            found: set[Tree] = {Seq((left, *parts[1:])) for left in after(parts[0], label)}
            if nullable(parts[0]) and len(parts) > 1:
                found |= after(Seq(parts[1:]), label)
            return frozenset(found)
        case Xor(parts):
            return frozenset().union(*(after(part, label) for part in parts))
        case And(parts):
            return frozenset(
                And((*parts[:at], left, *parts[at + 1 :]))
                for at, part in enumerate(parts)
                for left in after(part, label)
            )
        case Or(parts):
            chosen = (
                And(tuple(part for at, part in enumerate(parts) if mask >> at & 1))
                for mask in range(1, 1 << len(parts))
            )
            return frozenset().union(*(after(subset, label) for subset in chosen))
        case Loop(body, _):
            return after(Seq((body, Again(tree))), label)
        case Again(loop):
            return after(Seq((loop.redo, loop)), label)
        case Scope():
            return _after_scope(tree, label)
    return frozenset()


def _after_scope(scope: Scope, label: str) -> frozenset[Tree]:
    def with_body(body: Tree, fired: bool) -> Scope:
        return Scope(body, scope.label, scope.handler, scope.interrupting, fired)

    found: set[Tree] = {with_body(left, scope.fired) for left in after(scope.body, label)}
    if scope.interrupting:
        found |= {scope.handler} if scope.label == label else set()
        found |= after(scope.handler, label) if scope.label is None else set()
    elif scope.label == label:
        found.add(And((scope, scope.handler)))
    elif scope.label is None and not scope.fired:
        beside = with_body(scope.body, True)
        found |= {And((beside, left)) for left in after(scope.handler, label)}
    return frozenset(found)


class Language:
    """What a tree allows, word by word."""

    def __init__(self, tree: Tree) -> None:
        self.start = frozenset({tree})

    def step(self, states: frozenset[Tree], label: str) -> frozenset[Tree]:
        return frozenset().union(*(after(state, label) for state in states))

    def first_deviation(self, word: list[str]) -> int | None:
        states = self.start
        for at, label in enumerate(word):
            states = self.step(states, label)
            if not states:
                return at
        return None

    def accepts(self, word: list[str]) -> bool:
        states = self.start
        for label in word:
            states = self.step(states, label)
        return any(map(nullable, states))

    def distance(self, word: list[str], alphabet: list[str], *, finish: bool, most: int) -> int | None:
        """The fewest labels to leave out of or put into ``word`` for it to be (a prefix of) an allowed one,
        by trying everything with up to ``most`` changes."""
        layer = {(0, self.start)}
        seen = set(layer)
        for cost in range(most + 1):
            pending = list(layer)
            for at, states in pending:
                further = self.step(states, word[at]) if at < len(word) else None
                if further and (at + 1, further) not in seen:
                    seen.add((at + 1, further))
                    pending.append((at + 1, further))
            if any(at == len(word) and (not finish or any(map(nullable, states))) for at, states in pending):
                return cost
            layer = set()
            for at, states in pending:
                ways = [(at + 1, states)] if at < len(word) else []
                ways += [(at, further) for label in alphabet if (further := self.step(states, label))]
                layer |= {way for way in ways if way not in seen}
            seen |= layer
        return None


def labels_of(tree: Tree) -> list[str]:
    match tree:
        case Act(label):
            return [label]
        case Seq(parts) | Xor(parts) | And(parts) | Or(parts):
            return [label for part in parts for label in labels_of(part)]
        case Loop(body, redo):
            return labels_of(body) + labels_of(redo)
        case Scope(body, label, handler, _):
            return labels_of(body) + ([label] if label else []) + labels_of(handler)
    return []


# as BPMN -----------------------------------------------------------------------------------------------

_PLACE = Place("generated.bpmn", 0)


class _Drawing:
    """Nodes and flows of one scope under construction; ``numbers`` are shared with the scopes around."""

    def __init__(self, numbers: count[int]) -> None:
        self.numbers = numbers
        self.nodes: list[FlowNode] = []
        self.flows: list[SequenceFlow] = []

    def node(self, type_: str, name: str = "", **more: object) -> str:
        made = FlowNode(f"{type_}_{next(self.numbers)}", type_, _PLACE, name, **more)  # type: ignore[arg-type]
        self.nodes.append(made)
        return made.id

    def flow(self, source: str, target: str) -> None:
        self.flows.append(SequenceFlow(f"flow_{next(self.numbers)}", source, target, _PLACE))

    def whole(self, tree: Tree) -> None:
        """The tree between a start and an end event."""
        entry, last = self.node("startEvent"), self.node("endEvent")
        self.flow(self.block(tree, entry), last)

    def block(self, tree: Tree, entry: str) -> str:
        """Draw ``tree`` after node ``entry``; returns the node it ends with."""
        match tree:
            case Act(label):
                task = self.node("task", label)
                self.flow(entry, task)
                return task
            case Seq(parts):
                for part in parts:
                    entry = self.block(part, entry)
                return entry
            case Xor(parts):
                return self.between("exclusiveGateway", parts, entry)
            case And(parts):
                return self.between("parallelGateway", parts, entry)
            case Or(parts):
                return self.between("inclusiveGateway", parts, entry)
            case Loop(body, redo):
                merge, split = self.node("exclusiveGateway"), self.node("exclusiveGateway")
                self.flow(entry, merge)
                self.flow(self.block(body, merge), split)
                self.flow(self.block(redo, split), merge)
                return split
            case Scope():
                return self.scope(tree, entry)
        return entry

    def between(self, gateway: str, parts: tuple[Tree, ...], entry: str) -> str:
        split, join = self.node(gateway), self.node(gateway)
        self.flow(entry, split)
        for part in parts:
            self.flow(self.block(part, split), join)
        return join

    def scope(self, tree: Scope, entry: str) -> str:
        if tree.interrupting:
            merge = self.node("exclusiveGateway")
            process, boundary = self.guarded(tree)
            self.flow(entry, process)
            self.flow(process, merge)
            self.flow(self.block(tree.handler, boundary), merge)
            return merge
        inside = _Drawing(self.numbers)  # around both: it ends when the body and every handler have
        start = inside.node("startEvent")
        process, boundary = inside.guarded(tree)
        inside.flow(start, process)
        inside.flow(process, inside.node("endEvent"))
        inside.flow(inside.block(tree.handler, boundary), inside.node("endEvent"))
        around = self.node("subProcess", children=tuple(inside.nodes), flows=tuple(inside.flows))
        self.flow(entry, around)
        return around

    def guarded(self, tree: Scope) -> tuple[str, str]:
        body = _Drawing(self.numbers)
        body.whole(tree.body)
        process = self.node("subProcess", children=tuple(body.nodes), flows=tuple(body.flows))
        kind = EventKind.TIMER if tree.label is None else EventKind.MESSAGE
        boundary = self.node(
            "boundaryEvent",
            tree.label or "",
            attached_to=process,
            interrupting=tree.interrupting,
            events=(EventDefinition(kind),),
        )
        return process, boundary


def document(tree: Tree) -> Document:
    """The tree as a BPMN document; equal labels share a name."""
    drawing = _Drawing(count())
    drawing.whole(tree)
    process = Process("generated", _PLACE, nodes=tuple(drawing.nodes), flows=tuple(drawing.flows))
    return Document("generated.bpmn", processes=(_wired(process),))


def _wired(process: Process) -> Process:
    """With every node's incoming and outgoing flows, as reading sets them."""

    def wire(nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]) -> tuple[FlowNode, ...]:
        return tuple(
            FlowNode(
                **{
                    **{name: getattr(node, name) for name in FlowNode.__slots__},
                    "incoming": tuple(flow.id for flow in flows if flow.target == node.id),
                    "outgoing": tuple(flow.id for flow in flows if flow.source == node.id),
                    "children": wire(node.children, node.flows),
                }
            )
            for node in nodes
        )

    return Process(process.id, process.place, nodes=wire(process.nodes, process.flows), flows=process.flows)


# random ------------------------------------------------------------------------------------------------

ALPHABET = "ABCDEF"


def trees(depth: int = 3, alphabet: str = ALPHABET) -> st.SearchStrategy[Tree]:
    """Random blocks; labels repeat, so that one event may be several elements."""
    leaf: st.SearchStrategy[Tree] = st.one_of(
        st.builds(Act, st.sampled_from(alphabet)),
        st.builds(Act, st.sampled_from(alphabet)),
        st.builds(Act, st.sampled_from(alphabet)),
        st.just(Skip()),
    )
    return st.recursive(leaf, _blocks, max_leaves=3 + 2 * depth)


def _blocks(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Seq, several),
        st.builds(Xor, several),
        st.builds(And, several),
        st.builds(Or, several),
        st.builds(Loop, inner.filter(lambda tree: not nullable(tree)), inner),
        st.builds(
            Scope,
            inner,
            st.one_of(st.none(), st.sampled_from(ALPHABET)),
            inner,
            st.booleans(),
        ),
    )
