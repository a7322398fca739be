"""Inclusive and complex gateways: what a join waits for."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.bpmn.flow import Arc, Node, NodeKind
from monitor.bpmn.passes.draft import Draft

_AT_LEAST = re.compile(r"\bactivationCount\s*(>=|>|==?)\s*(\d{1,6})\s*\}?\s*$")


def prepare_joins(draft: Draft) -> None:
    """For each such join: from which nodes a token may still reach which of its incoming flows. Before each
    flow of a complex one a node is put whose mark says that it has fired for it."""
    for at in range(len(draft.nodes)):
        if draft.nodes[at].kind is NodeKind.COMPLEX:
            _put_marks(draft, at)
    for at, node in enumerate(draft.nodes):
        if node.kind not in (NodeKind.OR, NodeKind.COMPLEX):
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


def _put_marks(draft: Draft, at: int) -> None:
    node = draft.nodes[at]
    passed, entries = [], []
    for arc in node.incoming:
        index, entry = len(draft.nodes), len(draft.arcs)
        draft.arcs.append(Arc(entry, f"{draft.arcs[arc].id}~in", index, at))
        draft.arcs[arc] = replace(draft.arcs[arc], target=index)
        draft.nodes.append(
            Node(
                index=index,
                id=node.id,
                name=node.name,
                type=node.type,
                kind=NodeKind.PASS,
                scope=node.scope,
                incoming=(arc,),
                outgoing=(entry,),
            )
        )
        draft.elements[index] = draft.elements[at]
        passed.append(index)
        entries.append(entry)
    draft.nodes[at] = replace(node, incoming=tuple(entries), passed=tuple(passed))


def least_of(condition: str | None) -> int:
    """How many incoming flows need tokens by a complex gateway's activation condition: the number it says,
    else one."""
    matched = _AT_LEAST.search(condition or "")
    if matched is None:
        return 1
    number = int(matched[2])
    return max(1, number + 1 if matched[1] == ">" else number)
