"""Timer events -> when they fire, where the model says so in constants."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from monitor.bpmn.document import EventDefinition, EventKind, FlowNode
from monitor.bpmn.flow import Timer
from monitor.domain.duration import Cycle, Span

_CALL = re.compile(r"""(?:duration|date and time|cycle)\(\s*(["'])(.*)\1\s*\)""")
_QUOTED = re.compile(r"""(["'])([^"']*)\1""")
_JUEL = re.compile(r"[$#]\{(.*)\}")


def timer_of(element: FlowNode) -> Timer | None:
    """When an event that a timer alone brings about fires; None for any other event, and where only the
    running process knows."""
    if not element.events or any(one.kind is not EventKind.TIMER for one in element.events):
        return None
    if len(element.events) > 1:
        return None
    return read_timer(element.events[0])


def read_timer(definition: EventDefinition) -> Timer | None:
    """As :func:`timer_of`, of one definition."""
    if definition.expression is None:
        return None
    text = plain_text(definition.expression)
    try:
        match definition.timer_kind:
            case "duration":
                return Timer(span=Span.parse(text))
            case "cycle":
                return Timer(cycle=Cycle.parse(text))
            case "date":
                return Timer(date=read_date(text))
    except ValueError:
        return None  # lint says that no limit can be taken from it
    return None


def read_date(text: str) -> datetime:
    """A date of ISO 8601, UTC where it does not say otherwise. Raises ValueError."""
    date = datetime.fromisoformat(text.partition("[")[0].strip())
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def plain_text(expression: str) -> str:
    """The text of a constant expression: ``PT1H``, ``="PT1H"``, ``=duration("PT1H")``, ``${'PT1H'}``."""
    text = expression.strip()
    juel = _JUEL.fullmatch(text)
    text = (juel[1] if juel else text.removeprefix("=")).strip()
    called = _CALL.fullmatch(text)
    if called:
        return called[2]
    quoted = _QUOTED.fullmatch(text)
    return quoted[2] if quoted else text
