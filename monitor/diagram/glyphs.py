"""The signs of the notation as path data, each around (0, 0) unless it says otherwise.

A glyph is a list of strokes (path, style). Styles are CSS classes: ``body`` is outlined, or filled where an
event throws; ``line`` lies on a body and turns light where that is filled; ``solid`` is always filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, pi, sin
from typing import NamedTuple

from monitor.bpmn.document import EventKind


class Stroke(NamedTuple):
    path: str
    style: str = "line"


Glyph = tuple[Stroke, ...]


def circle(radius: float, x: float = 0.0, y: float = 0.0) -> str:
    r = f"{radius:g}"
    return f"M{x - radius:g},{y:g}a{r},{r} 0 1 0 {2 * radius:g},0a{r},{r} 0 1 0 {-2 * radius:g},0Z"


def polygon(corners: int, radius: float) -> str:
    """A regular one, a corner at the top."""
    angles = [2 * pi * i / corners - pi / 2 for i in range(corners)]
    return "M" + "L".join(f"{radius * cos(a):.2f},{radius * sin(a):.2f}" for a in angles) + "Z"


def _clock() -> str:
    ticks = []
    for hour in range(12):
        angle = hour * pi / 6
        inner, outer = (7.2 if hour % 3 else 6.2), 9.0
        x, y = cos(angle), sin(angle)
        ticks.append(f"M{inner * x:.2f},{inner * y:.2f}L{outer * x:.2f},{outer * y:.2f}")
    return "".join(ticks)


def _gear(x: float, y: float) -> str:
    """Eight teeth and a hole."""
    points = []
    for tooth in range(8):
        for turn, radius in ((-0.30, 6.2), (-0.19, 8.6), (0.19, 8.6), (0.30, 6.2)):
            angle = tooth * pi / 4 + turn
            points.append(f"{x + radius * cos(angle):.2f},{y + radius * sin(angle):.2f}")
    return "M" + "L".join(points) + "Z" + circle(2.8, x, y)


_ENVELOPE = "M-9,-6.5H9V6.5H-9Z"
_FLAP = "M-9,-6.5L0,1.2L9,-6.5"
_PLUS = "M-2.8,-9.5H2.8V-2.8H9.5V2.8H2.8V9.5H-2.8V2.8H-9.5V-2.8H-2.8Z"
_CROSS = "M-9,-6.2L-6.2,-9L0,-2.8L6.2,-9L9,-6.2L2.8,0L9,6.2L6.2,9L0,2.8L-6.2,9L-9,6.2L-2.8,0Z"
_REWIND = "M-9.5,0L-0.5,-6.5V6.5ZM-0.5,0L8.5,-6.5V6.5Z"

EVENTS: Mapping[EventKind | str, Glyph] = {
    EventKind.MESSAGE: (Stroke(_ENVELOPE, "body"), Stroke(_FLAP)),
    EventKind.TIMER: (
        Stroke(circle(10.5), "body"),
        Stroke(_clock()),
        Stroke("M1.8,-7L0,0L5.2,1.2", "line strong"),
    ),
    EventKind.SIGNAL: (Stroke("M0,-9L9,6.5H-9Z", "body"),),
    EventKind.ERROR: (Stroke("M-9,9L-4.6,-8L2.2,0.6L8.6,-9L4.2,8.2L-2.4,-0.6Z", "body"),),
    EventKind.ESCALATION: (Stroke("M0,-9.5L6.8,8.5L0,1.8L-6.8,8.5Z", "body"),),
    EventKind.COMPENSATION: (Stroke(_REWIND, "body"),),
    EventKind.CONDITIONAL: (
        Stroke("M-6.8,-9H6.8V9H-6.8Z", "body"),
        Stroke("M-4.2,-5.4H4.2M-4.2,-1.8H4.2M-4.2,1.8H4.2M-4.2,5.4H4.2"),
    ),
    EventKind.LINK: (Stroke("M-9,-3.6H2V-8L10,0L2,8V3.6H-9Z", "body"),),
    EventKind.TERMINATE: (Stroke(circle(10), "solid"),),
    EventKind.CANCEL: (Stroke(_CROSS, "body"),),
    "multiple": (Stroke(polygon(5, 10), "body"),),
    "parallelMultiple": (Stroke(_PLUS, "body"),),
}

# in a box of 18 by 18, corner at (0, 0)
TASKS: Mapping[str, Glyph] = {
    "userTask": (
        Stroke("M1.5,17V14.6C1.5,11.6 4.4,10 9,10S16.5,11.6 16.5,14.6V17Z", "body"),
        Stroke(circle(4, 9, 5.2), "body"),
    ),
    "serviceTask": (Stroke(_gear(9, 9), "body"),),
    "scriptTask": (
        Stroke(
            "M5,1H16C12.5,4 12.5,6 14,9S15.5,14 12,17H1.5C5,14 5,12 3.5,9S1.5,4 5,1Z",
            "body",
        ),
        Stroke("M5.4,4.6H11M5.4,7.4H11M6.6,10.4H12M6.4,13.4H11.6"),
    ),
    "manualTask": (
        Stroke(
            "M1,8.6C2,5.6 4.4,3 6.6,2.4H11.4A1.4,1.4 0 0 1 11.4,5.2H8.6H16A1.35,1.35 0 0 1 16,7.9H10.4"
            "H16.6A1.35,1.35 0 0 1 16.6,10.6H10.4H15.8A1.35,1.35 0 0 1 15.8,13.3H10.4H14"
            "A1.25,1.25 0 0 1 14,15.8H6C3,15.8 1,13.6 1,11Z",
            "body",
        ),
    ),
    "businessRuleTask": (
        Stroke("M1,3H17V15.5H1Z", "body"),
        Stroke("M1,3H17V6.6H1Z", "solid"),
        Stroke("M1,11H17M6,6.6V15.5"),
    ),
    "sendTask": (Stroke("M1,4H17V15H1Z", "solid"), Stroke("M1,4L9,10.4L17,4", "light")),
    "receiveTask": (Stroke("M1,4H17V15H1Z", "body"), Stroke("M1,4L9,10.4L17,4")),
}
INSTANTIATING_RECEIVE: Glyph = (
    Stroke(circle(9.6, 9, 9), "body"),
    Stroke("M3.6,5.6H14.4V12.8H3.6Z", "body"),
    Stroke("M3.6,5.6L9,9.8L14.4,5.6"),
)

# in a box of 14 by 14, corner at (0, 0); in the order they stand side by side
MARKERS: Mapping[str, Glyph] = {
    "loop": (Stroke("M5.2,12.4A5.6,5.6 0 1 1 9,12.3"), Stroke("M5.6,8.4V12.6H1.4")),
    "parallel": (Stroke("M2.2,1.4H3.6V12.6H2.2ZM6.3,1.4H7.7V12.6H6.3ZM10.4,1.4H11.8V12.6H10.4Z", "solid"),),
    "sequential": (Stroke("M1.4,2.2H12.6V3.6H1.4ZM1.4,6.3H12.6V7.7H1.4ZM1.4,10.4H12.6V11.8H1.4Z", "solid"),),
    "compensation": (Stroke("M0.5,7L7,2V12ZM7,7L13.5,2V12Z", "body"),),
    "adhoc": (Stroke("M1,8.6C2.6,4 5,4 7,7S11.4,10 13,5.4", "line bold"),),
    "collapsed": (Stroke("M0,0H14V14H0Z", "body"), Stroke("M7,3V11M3,7H11")),
}

_PENTAGON = Stroke(polygon(5, 7.6), "body")
GATEWAYS: Mapping[str, Glyph] = {
    "exclusiveGateway": (Stroke("M-7,-8.6L7,8.6M7,-8.6L-7,8.6", "line bold"),),
    "parallelGateway": (Stroke("M0,-11V11M-11,0H11", "line bold"),),
    "inclusiveGateway": (Stroke(circle(10.5), "line bold"),),
    "complexGateway": (Stroke("M0,-11.5V11.5M-11.5,0H11.5M-8,-8L8,8M8,-8L-8,8", "line bold"),),
    "eventBasedGateway": (Stroke(circle(13.5)), Stroke(circle(11)), _PENTAGON),
}
EVENT_BASED_START: Mapping[str, Glyph] = {
    "Exclusive": (Stroke(circle(13)), _PENTAGON),
    "Parallel": (Stroke(circle(13)), Stroke(_PLUS, "body")),
}

DATA_ARROW = "M-9,-2.6H1V-6L8,0L1,6V2.6H-9Z"  # outlined for input, filled for output

# the signs on badges, in a box of 12 by 12 around (0, 0)
MARKS: Mapping[str, Glyph] = {
    "out_of_order": (Stroke("M-4,-2H3.4M1,-4.4L3.6,-2L1,0.4M4,2.6H-3.4M-1,0.2L-3.6,2.6L-1,5"),),
    "missing": (Stroke("M-4,0H-1.6M1.6,0H4"),),
    "duplicate": (Stroke("M-3.6,-3.6H1.4V1.4H-3.6ZM-1.2,1.4V3.8H3.8V-1.2H1.4"),),
    "unexpected": (Stroke("M0,-4.4V1M0,3.6V4.2"),),
    "unknown": (Stroke("M-2.4,-2.2C-2.4,-5.4 2.6,-5.4 2.6,-2.2C2.6,0 0,-0.2 0,1.8M0,4V4.4"),),
    "after_end": (Stroke("M-4,0H2.4M0,-2.6L2.6,0L0,2.6M-4,-4V4"),),
    "too_early": (Stroke("M4,0H-2.4M0,-2.6L-2.6,0L0,2.6M4,-4V4"),),
    "condition": (Stroke("M0,-4.8L4.8,0L0,4.8L-4.8,0ZM-1.6,-1.6L1.6,1.6M1.6,-1.6L-1.6,1.6"),),
    "sla_at_risk": (Stroke(circle(4.6)), Stroke("M0,-2.6V0.2L2,1.4")),
    "sla_breach": (Stroke("M-3.6,-4.4H3.6L-3.6,4.4H3.6Z"),),
}
# an SLA clock by its state, in a box of 12 by 12 around (0, 0); the badge draws the face
CLOCKS: Mapping[str, Glyph] = {
    "running": (Stroke("M0,-4.6V0.4L3.4,2"),),
    "at_risk": (Stroke("M-2.2,-4.6V0.4L-4.6,2"), Stroke("M3,-4.4V0.8M3,3.6V4.2")),
    "breached": (Stroke("M0,-5V1M0,4V4.6"),),
    "missed": (Stroke("M-3.4,-3.4L3.4,3.4M3.4,-3.4L-3.4,3.4"),),
    "met": (Stroke("M-4,0.2L-1.2,3L4.2,-3"),),
    "cancelled": (Stroke("M-4,0H4"),),
    "blind": (Stroke("M-2.4,-2.2C-2.4,-5.4 2.6,-5.4 2.6,-2.2C2.6,0 0,-0.2 0,1.8M0,4V4.4"),),
}
CLOCK_KNOBS = "M-8.6,-6.2A10.6,10.6 0 0 1 -6,-8.8M8.6,-6.2A10.6,10.6 0 0 0 6,-8.8"
PLAIN_MARK: Glyph = (Stroke("M0,-4.4V1M0,3.6V4.2"),)
TICK = "M-3.4,0.2L-1,2.8L3.6,-2.6"
