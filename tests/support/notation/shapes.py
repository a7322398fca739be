"""Events, activities, gateways, data: what stands in a process."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.notation.sheet import Sheet, element

DEFINITIONS = {
    "message": "messageEventDefinition",
    "timer": "timerEventDefinition",
    "error": "errorEventDefinition",
    "escalation": "escalationEventDefinition",
    "cancel": "cancelEventDefinition",
    "compensate": "compensateEventDefinition",
    "conditional": "conditionalEventDefinition",
    "link": "linkEventDefinition",
    "signal": "signalEventDefinition",
    "terminate": "terminateEventDefinition",
}
START = ("message", "timer", "conditional", "signal")
INNER_START = ("message", "timer", "escalation", "error", "compensate", "conditional", "signal")
CATCH = ("message", "timer", "conditional", "link", "signal")
BOUNDARY = ("message", "timer", "escalation", "error", "cancel", "compensate", "conditional", "signal")
OPEN_BOUNDARY = ("message", "timer", "escalation", "conditional", "signal")
THROW = ("message", "escalation", "compensate", "link", "signal")
END = ("message", "escalation", "error", "cancel", "compensate", "signal", "terminate")


def _defined(kinds: Iterable[str], id_: str) -> str:
    return "".join(f'<{DEFINITIONS[kind]} id="{id_}_{kind}"/>' for kind in kinds)


def events() -> Sheet:
    """Every definition in every place the specification has it, a row each."""
    sheet = Sheet()

    def row(y: float, place: str, type_: str, kinds: Iterable[str], **attributes: str) -> None:
        several = type_ != "cancel"
        wanted: list[tuple[str, tuple[str, ...], dict[str, str]]] = [("none", (), {})]
        wanted += [(kind, (kind,), {}) for kind in kinds]
        if several:
            wanted.append(("multiple", ("message", "timer" if "Throw" not in type_ else "signal"), {}))
        if type_ in ("startEvent", "intermediateCatchEvent", "boundaryEvent"):
            wanted.append(("parallel", ("message", "signal"), {"parallelMultiple": "true"}))
        for column, (name, definitions, extra) in enumerate(wanted):
            id_ = f"{place}_{name}"
            at = (60 + 90 * column, y, 36.0, 36.0)
            sheet.node(id_, type_, at, _defined(definitions, id_), name=name, **attributes, **extra)

    row(20, "start", "startEvent", START)
    row(120, "catch", "intermediateCatchEvent", CATCH)
    row(220, "throw", "intermediateThrowEvent", THROW)
    row(320, "end", "endEvent", END)
    sheet.node("host", "task", (40, 420, 1000, 60), name="An activity")
    row(462, "boundary", "boundaryEvent", BOUNDARY, attachedToRef="host")
    sheet.node("host2", "task", (40, 540, 1000, 60), name="An activity that goes on")
    row(582, "open", "boundaryEvent", OPEN_BOUNDARY, attachedToRef="host2", cancelActivity="false")
    inner: list[str] = []
    for y, place, kinds, interrupting in (
        (700, "inner", INNER_START, "true"),
        (790, "passing", tuple(k for k in INNER_START if k not in ("error", "compensate")), "false"),
    ):
        for column, kind in enumerate((*kinds, "multiple", "parallel")):
            definitions = (kind,) if kind in DEFINITIONS else ("message", "signal")
            id_ = f"{place}_{kind}"
            extra = {"parallelMultiple": "true"} if kind == "parallel" else {}
            inside = _defined(definitions, id_)
            inner.append(element("startEvent", id_, inside, name=kind, isInterrupting=interrupting, **extra))
            sheet.shape(id_, 60 + 90 * column, y, 36, 36)
    sheet.put(
        element("subProcess", "event_sub", "".join(inner), name="Event subprocess", triggeredByEvent="true")
    )
    sheet.shape("event_sub", 40, 660, 1000, 190, isExpanded="true")
    return sheet


TASKS = (
    "task", "userTask", "serviceTask", "sendTask", "receiveTask", "manualTask", "scriptTask",
    "businessRuleTask",
)  # fmt: skip
_LOOP = "<standardLoopCharacteristics/>"
_PARALLEL = '<multiInstanceLoopCharacteristics isSequential="false"/>'
_SEQUENTIAL = '<multiInstanceLoopCharacteristics isSequential="true"/>'


def activities() -> Sheet:
    """Kinds of tasks, markers, calls and subprocesses."""
    sheet = Sheet()
    for column, type_ in enumerate(TASKS):
        sheet.node(type_, type_, (40 + 130 * column, 20, 100, 80), name=f"A {type_} at work")
    sheet.node("instantiating", "receiveTask", (40 + 130 * 8, 20, 100, 80), name="Begins", instantiate="true")
    marks = {
        "loop": _LOOP,
        "parallel": _PARALLEL,
        "sequential": _SEQUENTIAL,
        "compensation": "",
        "loop_compensation": _LOOP,
        "parallel_compensation": _PARALLEL,
    }
    for column, (name, inside) in enumerate(marks.items()):
        extra = {"isForCompensation": "true"} if "compensation" in name else {}
        sheet.node(name, "userTask", (40 + 130 * column, 130, 100, 80), inside, name=name, **extra)
    for column, task in enumerate(
        ("globalUserTask", "globalScriptTask", "globalBusinessRuleTask", "globalTask")
    ):
        sheet.beside(element(task, f"g{column}"))
        sheet.node(
            f"call_{task}",
            "callActivity",
            (40 + 130 * column, 240, 100, 80),
            calledElement=f"g{column}",
            name=f"Call {task}",
        )
    sheet.node("call", "callActivity", (560, 240, 100, 80), name="Call a process", calledElement="other")
    sheet.node(
        "call_many", "callActivity", (690, 240, 100, 80), _PARALLEL, name="Call many", calledElement="other"
    )
    sheet.node("call_unknown", "callActivity", (820, 240, 100, 80), name="Call nobody knows what")
    column = 0
    for type_, inside, extra in (
        ("subProcess", "", {}),
        ("subProcess", _LOOP, {}),
        ("subProcess", _PARALLEL, {"isForCompensation": "true"}),
        ("transaction", "", {}),
        ("adHocSubProcess", "", {}),
        ("adHocSubProcess", _SEQUENTIAL, {"isForCompensation": "true"}),
    ):
        id_ = f"collapsed{column}"
        sheet.put(element(type_, id_, inside, name=f"Collapsed {type_}", **extra))
        sheet.shape(id_, 40 + 130 * column, 350, 100, 80, isExpanded="false")
        column += 1
    for kind in ("message", "error", "timer"):
        id_ = f"event_{kind}"
        start = element(
            "startEvent",
            f"{id_}_start",
            _defined((kind,), id_),
            isInterrupting="true" if kind == "error" else "false",
        )
        sheet.put(element("subProcess", id_, start, name=f"On {kind}", triggeredByEvent="true"))
        sheet.shape(id_, 40 + 130 * column, 350, 100, 80, isExpanded="false")
        column += 1
    for column, (type_, extra) in enumerate(
        (
            ("subProcess", {}),
            ("transaction", {}),
            ("adHocSubProcess", {}),
            ("subProcess", {"triggeredByEvent": "true"}),
        )
    ):
        id_ = f"expanded{column}"
        sheet.put(
            element(
                type_,
                id_,
                f'{_LOOP if not column else ""}<task id="{id_}_task" name="Inside"/>',
                name=f"Expanded {type_}",
                **extra,
            )
        )
        sheet.shape(id_, 40 + 260 * column, 460, 240, 170, isExpanded="true")
        sheet.shape(f"{id_}_task", 110 + 260 * column, 500, 100, 80)
    return sheet


def gateways() -> Sheet:
    """Every gateway, and the marks of default and conditional flows."""
    sheet = Sheet()
    kinds: tuple[tuple[str, str, dict[str, str], dict[str, str]], ...] = (
        ("plain", "exclusiveGateway", {}, {"isMarkerVisible": "false"}),
        ("exclusive", "exclusiveGateway", {}, {"isMarkerVisible": "true"}),
        ("inclusive", "inclusiveGateway", {}, {}),
        ("parallel", "parallelGateway", {}, {}),
        ("complex", "complexGateway", {}, {}),
        ("event", "eventBasedGateway", {}, {}),
        ("event_start", "eventBasedGateway", {"instantiate": "true"}, {}),
        ("event_parallel", "eventBasedGateway", {"instantiate": "true", "eventGatewayType": "Parallel"}, {}),
    )
    for column, (name, type_, attributes, drawn) in enumerate(kinds):
        sheet.put(element(type_, name, name=name.replace("_", " "), **attributes))
        sheet.shape(name, 40 + 120 * column, 20, 50, 50, **drawn)
    sheet.node("from", "task", (40, 200, 100, 80), name="Decide", default="otherwise")
    for row, id_ in enumerate(("otherwise", "if", "plain_flow")):
        y = 140 + 100 * row
        sheet.node(f"to_{id_}", "task", (320, y, 100, 80), name=f"Go on {row + 1}")
        inside = "<conditionExpression>x</conditionExpression>" if id_ == "if" else ""
        sheet.put(element("sequenceFlow", id_, inside, sourceRef="from", targetRef=f"to_{id_}", name=id_))
        sheet.edge(id_, (140, 240), (230, 240), (230, y + 40), (320, y + 40))
    sheet.node("choice", "exclusiveGateway", (560, 215, 50, 50), name="Which?", default="choice_default")
    sheet.node("left", "task", (720, 140, 100, 80), name="One way")
    sheet.node("right", "task", (720, 260, 100, 80), name="The other")
    for id_, target, y in (("choice_default", "left", 180), ("choice_if", "right", 300)):
        inside = "<conditionExpression>x</conditionExpression>" if id_ == "choice_if" else ""
        sheet.put(
            element("sequenceFlow", id_, inside, sourceRef="choice", targetRef=target, name="a named way")
        )
        sheet.edge(id_, (585, 215 if y < 240 else 265), (585, y), (720, y))
    return sheet


def data() -> Sheet:
    """Data, stores, annotations, groups, and associations."""
    sheet = Sheet()
    sheet.put(
        '<ioSpecification><dataInput id="in" name="Order in"/>'
        '<dataInput id="ins" name="Orders in" isCollection="true"/>'
        '<dataOutput id="out" name="Bill out"/><dataOutput id="outs" name="Bills" isCollection="true"/>'
        "</ioSpecification>"
    )
    sheet.put('<dataObject id="d1"/><dataObject id="d2" isCollection="true"/>')
    sheet.put('<dataObjectReference id="object" name="Order" dataObjectRef="d1"/>')
    sheet.put('<dataObjectReference id="objects" name="All orders" dataObjectRef="d2"/>')
    sheet.put(
        '<dataObjectReference id="stated" name="Order" dataObjectRef="d1"><dataState name="approved"/>'
        "</dataObjectReference>"
    )
    sheet.put('<dataStoreReference id="store" name="Stock"/>')
    for column, id_ in enumerate(("object", "objects", "stated", "in", "ins", "out", "outs")):
        sheet.shape(id_, 40 + 100 * column, 20, 36, 50)
    sheet.shape("store", 740, 20, 50, 50)
    sheet.node(
        "work", "task", (300, 160, 100, 80),
        '<dataInputAssociation id="reads"><sourceRef>object</sourceRef></dataInputAssociation>'
        '<dataOutputAssociation id="writes"><targetRef>store</targetRef></dataOutputAssociation>',
        name="Work",
    )  # fmt: skip
    sheet.edge("reads", (58, 90), (58, 200), (300, 200))
    sheet.edge("writes", (400, 200), (765, 200), (765, 90))
    for row, (id_, direction) in enumerate((("none", "None"), ("one", "One"), ("both", "Both"))):
        note = f"note_{id_}"
        sheet.put(element("textAnnotation", note, f"<text>Direction {direction}:\nsecond line</text>"))
        sheet.shape(note, 500, 240 + 60 * row, 130, 44)
        sheet.put(
            element("association", id_, sourceRef="work", targetRef=note, associationDirection=direction)
        )
        sheet.edge(id_, (400, 220 + 6 * row), (500, 262 + 60 * row))
    sheet.beside('<category id="c"><categoryValue id="cv" value="A group of things"/></category>')
    sheet.put('<group id="group" categoryValueRef="cv"/>')
    sheet.shape("group", 250, 120, 200, 180)
    return sheet
