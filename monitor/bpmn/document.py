"""A BPMN 2.0 file as plain values: what the file says, before anyone asks what it means.

Names follow the standard (OMG formal/2013-12-09); ``type`` is the XML element's local name
(``userTask``, ``exclusiveGateway``, ``boundaryEvent`` ...). Names are normalised: line breaks and runs of
blanks become one blank, ends trimmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

TASKS = frozenset(
    {"task", "userTask", "serviceTask", "scriptTask", "manualTask", "businessRuleTask"}
    | {"sendTask", "receiveTask"}
)
SUBPROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
ACTIVITIES = TASKS | SUBPROCESSES | {"callActivity"}
GATEWAYS = frozenset(
    {"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"}
)
CHOREOGRAPHIES = frozenset({"choreographyTask", "subChoreography", "callChoreography"})
"""Activities of choreographies, which are drawn and nothing else."""
EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)


class Place(NamedTuple):
    """Where in which file: what every problem points at. ``line`` counts from 1, 0 when unknown."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a model: a stable ``code``, where, and a sentence with the mend. ``trace``: the
    labels that lead there, where it takes events to come about."""

    severity: Severity
    code: str
    message: str
    place: Place
    element: str | None = None
    name: str | None = None
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        who = f" {self.element}{named}:" if self.element else ""
        return f"{self.place}: {self.severity}:{who} {self.message} [{self.code}]"


class EventKind(StrEnum):
    """Event definitions; ``NONE`` is an event without any."""

    NONE = "none"
    MESSAGE = "message"
    TIMER = "timer"
    SIGNAL = "signal"
    ERROR = "error"
    ESCALATION = "escalation"
    COMPENSATION = "compensate"
    CONDITIONAL = "conditional"
    LINK = "link"
    TERMINATE = "terminate"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class EventDefinition:
    """``reference`` names what it refers to once resolved: the message's, signal's, error's or
    escalation's name (``reference_code`` their code), the link's name, the compensated activity's id.
    Timers: ``timer_kind`` is ``duration``, ``date`` or ``cycle``, ``expression`` its text. Conditions:
    ``expression`` their text. ``reference_id`` stays where the reference leads nowhere; ``reference`` is
    None then. ``wait_for_completion``: whether a compensation throw waits for the handlers."""

    kind: EventKind
    id: str | None = None
    reference_id: str | None = None
    reference: str | None = None
    reference_code: str | None = None
    timer_kind: str | None = None
    expression: str | None = None
    wait_for_completion: bool = True


@dataclass(frozen=True, slots=True)
class Loop:
    """Loop characteristics of an activity. ``kind``: ``standard``, ``sequential`` or ``parallel``.
    ``cardinality`` where it is a constant; ``condition`` is the loop or completion condition's text."""

    kind: str
    cardinality: int | None = None
    condition: str | None = None
    maximum: int | None = None
    test_before: bool = False


@dataclass(frozen=True, slots=True)
class ExtensionElement:
    """One vendor extension element, kept as read: namespace, local name, attributes, text, children."""

    namespace: str
    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple[ExtensionElement, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """A participant of a choreography activity; the ``initiating`` one begins. ``message``: the name of what
    it sends there, None where it sends nothing."""

    participant: str
    name: str = ""
    initiating: bool = False
    multiple: bool = False
    message: str | None = None


@dataclass(frozen=True, slots=True)
class FlowNode:
    """An activity, event or gateway. ``children`` (nodes) and ``flows`` are a subprocess's own content.

    ``incoming``/``outgoing`` are sequence flow ids, in file order, from the flows themselves (the
    redundant child elements are not trusted). ``attributes`` holds foreign-namespace attributes as
    ``{namespace}name``. ``origin``: the id the file knows it by, where compiling wrote an element out as
    several. ``message`` is the name of the message a send or receive task refers to,
    ``message_id`` its id. ``compensated_by``, of a compensation boundary event: the id of the activity an
    association leads to. ``cancel_remaining``: an ad-hoc subprocess ends what still runs in it.
    ``called_task``, of a call activity: the type of the global task it calls. ``bands``: who takes part in a
    choreography activity.
    """

    id: str
    type: str
    place: Place
    name: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str | None = None
    events: tuple[EventDefinition, ...] = ()
    parallel_multiple: bool = False
    attached_to: str | None = None
    interrupting: bool = True
    triggered_by_event: bool = False
    instantiate: bool = False
    event_gateway_type: str = "Exclusive"
    gateway_direction: str = "Unspecified"
    activation_condition: str | None = None
    for_compensation: bool = False
    called_element: str | None = None
    message: str | None = None
    loop: Loop | None = None
    ad_hoc_ordering: str = "Parallel"
    ad_hoc_completion: str | None = None
    documentation: str = ""
    children: tuple[FlowNode, ...] = ()
    flows: tuple[SequenceFlow, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    extensions: tuple[ExtensionElement, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    message_id: str | None = None
    origin: str = ""
    compensated_by: str | None = None
    cancel_remaining: bool = True
    called_task: str | None = None
    bands: tuple[Band, ...] = ()

    @property
    def is_activity(self) -> bool:
        return self.type in ACTIVITIES

    @property
    def is_subprocess(self) -> bool:
        return self.type in SUBPROCESSES


@dataclass(frozen=True, slots=True)
class SequenceFlow:
    """``condition`` is its text as written, ``condition_language`` what the file says that is written in;
    most say nothing, and :func:`monitor.bpmn.conditions.parse` goes by the text then."""

    id: str
    source: str
    target: str
    place: Place
    name: str = ""
    condition: str | None = None
    condition_language: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What carries no tokens but is drawn: data objects and stores, text annotations, groups, and the
    associations between them (``source``/``target`` set); conversations and their links, too. ``state``: that
    of a data object."""

    id: str
    type: str
    place: Place
    name: str = ""
    text: str = ""
    source: str | None = None
    target: str | None = None
    direction: str = "None"
    is_collection: bool = False
    state: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    id: str
    place: Place
    name: str = ""
    nodes: tuple[str, ...] = ()
    children: tuple[Lane, ...] = ()


@dataclass(frozen=True, slots=True)
class Process:
    id: str
    place: Place
    name: str = ""
    executable: bool = False
    nodes: tuple[FlowNode, ...] = ()
    flows: tuple[SequenceFlow, ...] = ()
    lanes: tuple[Lane, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    documentation: str = ""
    extensions: tuple[ExtensionElement, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def walk(self) -> Iterator[FlowNode]:
        """Every node, subprocess content included, parents first."""
        return walk(self.nodes)


def walk(nodes: Sequence[FlowNode]) -> Iterator[FlowNode]:
    """These nodes and all they contain, parents first."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class Participant:
    """A pool; ``process`` is None for a black box. ``multiple``: it stands for several of its kind."""

    id: str
    place: Place
    name: str = ""
    process: str | None = None
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class MessageFlow:
    id: str
    source: str
    target: str
    place: Place
    name: str = ""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Collaboration:
    id: str
    place: Place
    participants: tuple[Participant, ...] = ()
    message_flows: tuple[MessageFlow, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Choreography:
    """What participants exchange, without the processes behind it. Drawn; no flow is made of it."""

    id: str
    place: Place
    name: str = ""
    nodes: tuple[FlowNode, ...] = ()
    flows: tuple[SequenceFlow, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Bounds(NamedTuple):
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A BPMNShape: where element ``element`` is drawn. Flags are None where the file does not say. ``fill``
    and ``stroke``: colours a modeler wrote, as ``#rrggbb``. ``band_of``: the choreography activity in which
    this is the band of a participant; ``message_visible``: with the message it sends."""

    element: str
    bounds: Bounds
    label: Bounds | None = None
    horizontal: bool | None = None
    expanded: bool | None = None
    marker_visible: bool | None = None
    fill: str | None = None
    stroke: str | None = None
    band_of: str | None = None
    message_visible: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A BPMNEdge: ``waypoints`` as (x, y) pairs. ``message``: ``initiating`` or ``non_initiating`` where the
    message of a message flow is shown on it; ``stroke`` as of shapes."""

    element: str
    waypoints: tuple[tuple[float, float], ...]
    label: Bounds | None = None
    message: str | None = None
    stroke: str | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """One BPMNPlane; ``element`` is the process, collaboration or subprocess it shows."""

    element: str | None
    name: str = ""
    shapes: tuple[Shape, ...] = ()
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message the file declares. ``correlation_key`` is the expression of ``zeebe:subscription``
    (``=orderId``); ``correlation`` the paths of BPMN correlation properties: (property name, path)."""

    id: str
    place: Place
    name: str = ""
    correlation_key: str | None = None
    correlation: tuple[tuple[str, str], ...] = ()
    extensions: tuple[ExtensionElement, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One BPMN file. ``problems`` is what reading found: the rest could be read all the same."""

    file: str
    target_namespace: str = ""
    exporter: str = ""
    processes: tuple[Process, ...] = ()
    collaborations: tuple[Collaboration, ...] = ()
    diagrams: tuple[Diagram, ...] = ()
    problems: tuple[Problem, ...] = ()
    messages: tuple[Message, ...] = ()
    choreographies: tuple[Choreography, ...] = ()
