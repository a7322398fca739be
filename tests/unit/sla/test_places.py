"""Where clocks stand on a picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.bpmn.flow import Flow, Sla
from monitor.domain.limit import Limit
from monitor.sla.places import places


def test_a_clock_stands_at_its_element_or_where_it_ends() -> None:
    empty = Flow("f", "F", "f.bpmn", "", (), (), (), {"Shipped": ("ship", "ship2")})
    limit = Limit.of(timedelta(hours=1))
    flow = replace(
        empty,
        slas=(
            Sla("on", limit, on=("Pay",), element="pay"),
            Sla("between", limit, start="Paid", end="Shipped"),
            Sla("whole", limit),
            Sla("gone", limit, end="Nothing"),
        ),
    )
    assert places(flow) == {"on": "pay", "between": "ship"}
