"""What each observation of a run did: at which element, and which one before it made it possible."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from monitor.bpmn.flow import Flow
from monitor.conformance.path import run
from monitor.timing.origins import START, after_event, after_silent, opened, received, taken

MOST_KEPT = 2_000
"""Variants a :class:`Timings` remembers."""

MOST_LABELS_KEPT = 200_000
"""Labels of all of them together."""


class Step(NamedTuple):
    """What one observation of a run did.

    ``elements``: ids of the elements its event was seen at in this run, normally one (a message that another
    pool of the flow receives is seen at both ends); () where it is not part of the run. ``after``: index of
    the observation that made it possible, of several the last one, the one it really waited for; None: the
    start of the flow did. ``began``: of the event that ends an activity whose start is observed apart, the
    index of that start (``after`` is the same). ``is_start``: it is such a start."""

    elements: tuple[str, ...]
    after: int | None
    began: int | None = None
    is_start: bool = False


def steps(flow: Flow, labels: Sequence[str]) -> tuple[Step, ...]:
    """Causality in one run over ``labels`` (those a trace counts, in its order, skipped steps included): in
    parallel branches each step comes after its own branch's last one, and after a join after the branch that
    came last. The run is that of :func:`monitor.conformance.path.visited`, and a function of the arguments.

    Where the labels fit no run, or only one past the bounds of that module, the rest of them has no elements
    and each is said to come after the one before it."""
    found = run(flow, labels)
    told: list[Step] = []
    also: dict[int, list[str]] = {}
    at = None if found is None else opened(found.initial, START)
    for step in () if found is None else found.steps:
        assert at is not None
        if step.label is None:
            sent = received(flow, at, step)
            if sent is not None and step.node is not None:
                also.setdefault(sent, []).append(flow.nodes[step.node].id)
            at = after_silent(flow, at, step)
            continue
        what = taken(flow, at, step)
        at = after_event(at, step, what, len(told))
        assert step.consumed is not None
        owner = flow.place_node(step.consumed)
        ended = step.node == owner and step.consumed == flow.running_place(owner)
        told.append(
            Step(
                (flow.nodes[owner if step.node is None else step.node].id,),
                _event(what.cause),
                _event(what.cause) if ended else None,
                step.node is None,
            )
        )
    for sent, elements in also.items():
        told[sent] = told[sent]._replace(elements=tuple(dict.fromkeys((*told[sent].elements, *elements))))
    return (*told, *(Step((), _event(index - 1)) for index in range(len(told), len(labels))))


def _event(cause: int) -> int | None:
    return None if cause == START else cause


class Timings:
    """:func:`steps` of one flow, remembered by variant: most traces of a flow are alike."""

    def __init__(self, flow: Flow, *, keep: int = MOST_KEPT, keep_labels: int = MOST_LABELS_KEPT) -> None:
        self.flow = flow
        self._keep = keep
        self._keep_labels = keep_labels
        self._labels = 0
        self._known: OrderedDict[tuple[str, ...], tuple[Step, ...]] = OrderedDict()

    def steps(self, labels: Sequence[str]) -> tuple[Step, ...]:
        variant = tuple(labels)
        known = self._known.get(variant)
        if known is not None:
            self._known.move_to_end(variant)
            return known
        found = self._known[variant] = steps(self.flow, variant)
        self._labels += len(variant)
        while len(self._known) > self._keep or self._labels > self._keep_labels:
            dropped, _ = self._known.popitem(last=False)
            self._labels -= len(dropped)
        return found
