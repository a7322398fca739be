"""Inclusive gateways: what a join waits for."""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.flow import NodeKind
from monitor.bpmn.passes.draft import Draft


def prepare_joins(draft: Draft) -> None:
    """For each inclusive join: from which nodes a token may still reach which of its incoming flows."""
    for at, node in enumerate(draft.nodes):
        if node.kind is not NodeKind.OR or len(node.incoming) < 2:
            continue
        reach = [0] * len(draft.nodes)
        for bit, arc in enumerate(node.incoming):
            source = draft.arcs[arc].source
            pending = [source] if source != at else []  # its own flow back to itself passes through it
            seen = {at, source}
            while pending:
                reached = pending.pop()
                reach[reached] |= 1 << bit
                before = [draft.arcs[a].source for a in draft.nodes[reached].incoming]
                if draft.nodes[reached].kind is NodeKind.BOUNDARY:
                    before += [draft.by_id[draft.elements[reached].attached_to or ""]]
                pending += [b for b in before if b not in seen]
                seen.update(before)
        draft.nodes[at] = replace(node, reach=tuple(reach))
