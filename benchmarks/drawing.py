"""How long diagrams take to draw: 1,000 nodes where the model says where, and where nobody does.

The model is that of a large process: branches that join again, loops, long flows, boundary events, a
subprocess, named elements and flows. Each way is drawn several times; the best time is what the code needs,
the median what a busy machine makes of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from monitor.bpmn.document import (
    Collaboration,
    Diagram,
    Document,
    FlowNode,
    Lane,
    MessageFlow,
    Participant,
    Place,
    Process,
    SequenceFlow,
)
from monitor.diagram import Mark, Overlay, layout, render

NODES = 1_000
RUNS = 7
_HERE = Place("drawing.bpmn", 0)
_TASKS = ("userTask", "serviceTask", "sendTask", "task")


def model(count: int = NODES, *, tangled: bool = False, lanes: int = 0) -> Document:
    """A process of ``count`` nodes; ``tangled``: with flows from anywhere to anywhere, too."""
    nodes: list[FlowNode] = []
    flows: list[SequenceFlow] = []

    def add(type_: str, name: str, after: list[str], **rest: object) -> str:
        node = FlowNode(f"n{len(nodes)}", type_, _HERE, name=name, **rest)  # type: ignore[arg-type]
        nodes.append(node)
        for source in after:
            label = "yes" if len(flows) % 3 == 0 else ""
            flows.append(SequenceFlow(f"f{len(flows)}", source, node.id, _HERE, name=label))
        return node.id

    last = add("startEvent", "Order received", [])
    while len(nodes) < count - 12:
        step = len(nodes)
        split = add("exclusiveGateway", f"Is number {step} in stock?", [last])
        first = add(_TASKS[step % 4], f"Handle the paperwork of part {step}", [split])
        second = add(_TASKS[(step + 1) % 4], f"Ask supplier {step}", [split])
        late = add("boundaryEvent", "Late", [], attached_to=second)
        remind = add("sendTask", "Remind", [late])
        third = add("serviceTask", "Book", [first])
        join = add("exclusiveGateway", "", [third, second, remind])
        last = add("task", f"Confirm {step}", [join])
        if step % 5 == 0:
            flows.append(SequenceFlow(f"f{len(flows)}", last, split, _HERE, name="again"))
    while len(nodes) < count:
        last = add("task", f"Finish {len(nodes)}", [last])
    if tangled:
        for k in range(0, count, 20):
            target = nodes[(k * 37) % count]
            if target.type != "boundaryEvent":
                flows.append(SequenceFlow(f"t{k}", f"n{k}", target.id, _HERE))
    swimming = tuple(
        Lane(f"lane{k}", _HERE, f"Team {k}", tuple(n.id for i, n in enumerate(nodes) if i // 7 % lanes == k))
        for k in range(lanes)
    )
    process = Process("p", _HERE, "A large process", nodes=tuple(nodes), flows=tuple(flows), lanes=swimming)
    return Document("drawing.bpmn", processes=(process,))


def exchange(count: int = NODES) -> Document:
    """Two pools of half the nodes each that exchange many messages, and a black box."""
    half = model(count // 2)
    mine = half.processes[0]

    def other(id_: str) -> str:
        return f"o{id_}"

    nodes = tuple(
        replace(n, id=other(n.id), attached_to=other(n.attached_to) if n.attached_to else None)
        for n in mine.nodes
    )
    flows = tuple(
        replace(f, id=other(f.id), source=other(f.source), target=other(f.target)) for f in mine.flows
    )
    theirs = replace(mine, id="q", nodes=nodes, flows=flows)
    tasks = [node.id for node in mine.nodes if node.type == "sendTask"]
    messages = tuple(
        MessageFlow(f"m{k}", id_, other(id_) if k % 4 else "box", _HERE, name="order")
        for k, id_ in enumerate(tasks)
    )
    pools = (
        Participant("us", _HERE, "Shop", "p"),
        Participant("them", _HERE, "Supplier", "q"),
        Participant("box", _HERE, "Bank"),
    )
    return replace(
        half, processes=(mine, theirs), collaborations=(Collaboration("c", _HERE, pools, messages),)
    )


def drawn(document: Document) -> Document:
    """The same with a diagram in it, as a modeler would have written it."""
    found = layout(document)
    diagram = Diagram("p", shapes=found.shapes, edges=found.edges)
    return replace(document, diagrams=(diagram,))


def overlay(document: Document) -> Overlay:
    """What many traces did: heat, counts and tips on every element."""
    nodes = [node.id for process in document.processes for node in process.walk()]
    return Overlay(
        heat={id_: (k % 100) / 100 for k, id_ in enumerate(nodes)},
        heat_kind="Frequency",
        counts={id_: str(k) for k, id_ in enumerate(nodes)},
        tips=dict.fromkeys(nodes, ("Median wait 2 h", "p95 9 h", "120 traces")),
        standing=dict.fromkeys(nodes[::7], 3),
        findings={id_: (Mark("missing", "Skipped in 7 traces.", 7),) for id_ in nodes[::9]},
    )


def _measure(name: str, draw: Callable[[], object]) -> None:
    times, worked = [], []
    for _ in range(RUNS):
        begun, busy = time.perf_counter(), time.process_time()
        draw()
        times.append(time.perf_counter() - begun)
        worked.append(time.process_time() - busy)
    best, median, cpu = (1000 * value for value in (min(times), statistics.median(times), min(worked)))
    print(f"{name:<44} best {best:6.0f} ms   median {median:6.0f} ms   processor {cpu:6.0f} ms")


def main() -> None:
    plain, tangled, lanes = model(), model(tangled=True), model(lanes=6)
    given = drawn(plain)
    heat = overlay(plain)
    print(f"{NODES} nodes, {len(plain.processes[0].flows)} flows, {RUNS} runs")
    _measure("with the model's own layout", lambda: render(given))
    _measure("with the model's own layout and a heat map", lambda: render(given, overlay=heat))
    _measure("laid out automatically", lambda: render(plain))
    _measure("laid out automatically, in six lanes", lambda: render(lanes))
    _measure("laid out automatically, tangled", lambda: render(tangled))
    pools = exchange()
    count = len(pools.collaborations[0].message_flows)
    _measure(f"laid out automatically, {count} message flows", lambda: render(pools))
