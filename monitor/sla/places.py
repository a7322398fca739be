"""Where an SLA's clock stands on a picture of its flow."""

from __future__ import annotations

from monitor.bpmn.flow import Flow


def places(flow: Flow) -> dict[str, str]:
    """By SLA: the id of the element its clocks are about, of one between two events that where the second is
    seen. What is about the flow as a whole has none."""
    found: dict[str, str] = {}
    for sla in flow.slas:
        seen = flow.labels.get(sla.end, ()) if sla.end is not None else ()
        place = sla.element or next(iter(seen), None)
        if place is not None:
            found[sla.name] = place
    return found
