"""Random small models as BPMN text: nested blocks of whatever constructs a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

ALPHABET = "ABC"

DEFINITIONS = (
    "".join(f'<message id="m{label}" name="{label}"/>' for label in ALPHABET)
    + "".join(f'<signal id="g{label}" name="{label}"/>' for label in ALPHABET)
    + "".join(f'<error id="e{code}" name="e{code}" errorCode="{code}"/>' for code in "12")
    + "".join(f'<escalation id="x{code}" name="x{code}" escalationCode="{code}"/>' for code in "12")
)
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
TERMINATE = "<terminateEventDefinition/>"

BASIC = ("task", "task", "task", "skip", "sequence", "choice", "parallel")


def message(label: str) -> str:
    return f'<messageEventDefinition messageRef="m{label}"/>'


def signal(label: str) -> str:
    return f'<signalEventDefinition signalRef="g{label}"/>'


def thrown(kind: str, code: str) -> str:
    """An ``error`` or ``escalation``; without a code, any."""
    said = f' {kind}Ref="{"e" if kind == "error" else "x"}{code}"' if code else ""
    return f"<{kind}EventDefinition{said}/>"


class Sketch:
    """A model under construction. ``left``: how many elements it may still have."""

    def __init__(self, draw: st.DrawFn, constructs: Sequence[str], left: int = 9) -> None:
        self.draw = draw
        self.constructs = constructs
        self.blocks = [one for one in constructs if one in _BLOCKS]
        self.left = left
        self.number = 0
        self.undoable: list[list[str]] = [[]]  # by open scope: activities a compensation may name
        self.cancellable = [False]

    def fresh(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number}"

    def label(self) -> str:
        return self.draw(st.sampled_from(ALPHABET))

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 3)) == 3

    def pick(self, *of: str) -> str:
        return self.draw(st.sampled_from(of))


class Part:
    """The content of one scope: elements and flows as text."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.text: list[str] = []
        self.made: list[tuple[str, str, dict[str, str | bool]]] = []

    def add(self, kind: str, inner: str = "", **attributes: str | bool) -> str:
        id_ = self.sketch.fresh(kind[:2])
        said = "".join(f' {name}="{_written(value)}"' for name, value in attributes.items() if value != "")
        self.text.append(f'<{kind} id="{id_}"{said}>{inner}</{kind}>')
        self.made.append((id_, kind, attributes))
        return id_

    def flow(self, source: str, target: str) -> str:
        return self.add("sequenceFlow", sourceRef=source, targetRef=target)

    def after(self, entry: str, kind: str, inner: str = "", **attributes: str | bool) -> str:
        made = self.add(kind, inner, **attributes)
        self.flow(entry, made)
        return made

    def whole(self) -> None:
        """What begins the scope, a block and an end event."""
        self.end(self.block(self.add("startEvent")))

    def begin(self) -> str:
        """Several ways a process may begin, or all of several events."""
        sketch, merge = self.sketch, self.add(self.sketch.pick("exclusiveGateway", "inclusiveGateway"))
        for _ in range(sketch.draw(st.integers(1, 2))):
            match sketch.pick("none", "event", "gateway", "both", "task"):
                case "none":
                    self.flow(self.add("startEvent"), merge)
                case "event":
                    said = message(sketch.label()) + (message(sketch.label()) if sketch.flip() else "")
                    start = self.add("startEvent", said, parallelMultiple=sketch.flip())
                    self.flow(self.block(start), merge)
                case "task":
                    self.flow(self.add("receiveTask", name=sketch.label(), instantiate=True), merge)
                case kind:
                    type_ = "Parallel" if kind == "both" else "Exclusive"
                    gate = self.add("eventBasedGateway", instantiate=True, eventGatewayType=type_)
                    for _ in range(2):
                        self.flow(self.block(self.catch(gate, of_gateway=True)), merge)
        return merge

    def end(self, last: str) -> None:
        said = ""
        if "event" in self.sketch.constructs and self.sketch.rarely():
            said = message(self.sketch.label())
        if "undo" in self.sketch.constructs and self.sketch.rarely():
            said = self.compensate()
        self.after(last, "endEvent", said)

    def nested(self, *, undone_by_another: bool = False) -> str:
        """The content of a subprocess."""
        sketch, inner = self.sketch, Part(self.sketch)
        sketch.undoable.append([])
        inner.whole()
        inner.event_subprocesses()
        if "undo" in sketch.constructs and not undone_by_another and sketch.rarely():
            inner.undo_itself()
        sketch.undoable.pop()
        return "".join(inner.text)

    def block(self, entry: str) -> str:
        """Something after node ``entry``; returns the node it ends with."""
        sketch = self.sketch
        sketch.left -= 1
        if sketch.left <= 0:
            return self.task(entry)
        construct = sketch.draw(st.sampled_from(sketch.blocks))
        return _BLOCKS[construct](self, entry)

    def several(self, entry: str, kind: str, inner: str = "", **attributes: str | bool) -> str:
        """Two or three blocks between two gateways."""
        split, join = self.after(entry, kind), self.add(kind, inner, **attributes)
        for _ in range(self.sketch.draw(st.integers(2, 3))):
            self.flow(self.block(split), join)
        return join

    def defaulting(self, entry: str) -> str:
        """An inclusive split with a default flow."""
        join, first = self.add("inclusiveGateway"), self.sketch.fresh("default")
        split = self.after(entry, "inclusiveGateway", default=first)
        self.text.append(f'<sequenceFlow id="{first}" sourceRef="{split}" targetRef="{first}t"/>')
        self.text.append(f'<task id="{first}t" name="{self.sketch.label()}"/>')
        self.flow(f"{first}t", join)
        for _ in range(2):
            self.flow(self.block(split), join)
        return join

    # blocks ------------------------------------------------------------------------------------------------

    def task(self, entry: str) -> str:
        return self.after(entry, "task", name=self.sketch.label())

    def skip(self, entry: str) -> str:
        return entry

    def sequence(self, entry: str) -> str:
        return self.block(self.block(entry))

    def choice(self, entry: str) -> str:
        return self.several(entry, "exclusiveGateway")

    def parallel(self, entry: str) -> str:
        return self.several(entry, "parallelGateway")

    def inclusive(self, entry: str) -> str:
        return self.defaulting(entry) if self.sketch.rarely() else self.several(entry, "inclusiveGateway")

    def complex(self, entry: str) -> str:
        ways = self.sketch.draw(st.integers(2, 3))
        least = self.sketch.draw(st.integers(1, ways))
        said = f"<activationCondition>activationCount &gt;= {least}</activationCondition>"
        kind = self.sketch.pick("parallelGateway", "complexGateway", "inclusiveGateway")
        split, join = self.after(entry, kind), self.add("complexGateway", said if self.sketch.flip() else "")
        for _ in range(ways):
            self.flow(self.block(split), join)
        return join

    def loop(self, entry: str) -> str:
        merge = self.after(entry, "exclusiveGateway")
        split = self.after(self.block(self.task(merge)), "exclusiveGateway")
        self.flow(self.block(split), merge)
        return split

    def conditional(self, entry: str) -> str:
        split, join = self.task(entry), self.add("inclusiveGateway")
        for way in range(2):
            ends = self.after_condition(split, always=way == 0 and self.sketch.flip())
            self.flow(ends, join)
        return join

    def after_condition(self, entry: str, *, always: bool) -> str:
        task = self.add("task", name=self.sketch.label())
        self.flow(entry, task) if always else self.add(
            "sequenceFlow",
            "<conditionExpression>c</conditionExpression>",
            sourceRef=entry,
            targetRef=task,
        )
        return task

    def event(self, entry: str) -> str:
        """An event of one definition or several."""
        sketch = self.sketch
        if sketch.flip():
            said = message(sketch.label()) + (message(sketch.label()) if sketch.flip() else "")
            return self.after(entry, "intermediateThrowEvent", said)
        return self.catch(entry)

    def catch(self, entry: str, *, of_gateway: bool = False) -> str:
        sketch = self.sketch
        said = [message(sketch.label())]
        if sketch.flip():
            said.append(sketch.draw(st.sampled_from([message("A"), signal("B"), message("C"), TIMER])))
        all_of = len(said) > 1 and not of_gateway and sketch.flip()
        return self.after(entry, "intermediateCatchEvent", "".join(said), parallelMultiple=all_of)

    def race(self, entry: str) -> str:
        gate, merge = self.after(entry, "eventBasedGateway"), self.add("exclusiveGateway")
        for _ in range(2):
            event = (
                self.catch(gate, of_gateway=True)
                if self.sketch.flip()
                else self.after(gate, "intermediateCatchEvent", TIMER)
            )
            self.flow(self.block(event), merge)
        return merge

    def signals(self, entry: str) -> str:
        label = self.sketch.label()
        if self.sketch.flip():
            return self.after(entry, "intermediateThrowEvent", signal(label))
        return self.after(entry, "intermediateCatchEvent", signal(label))

    def ending(self, entry: str) -> str:
        """A choice one way of which ends the scope."""
        split = self.after(entry, "exclusiveGateway")
        self.after(self.block(split), "endEvent", TERMINATE)
        return self.block(split)

    def subprocess(self, entry: str) -> str:
        made = self.after(entry, "subProcess", self.nested())
        self.sketch.undoable[-1].append(made)
        return self.guarded(made)

    def guarded(self, activity: str) -> str:
        """With a boundary event, or not."""
        sketch = self.sketch
        if not sketch.flip():
            return activity
        trigger = self.trigger()
        interrupting = sketch.flip()
        boundary = self.add("boundaryEvent", trigger, attachedToRef=activity, cancelActivity=interrupting)
        return self.beside(activity, boundary, interrupting=interrupting)

    def guarded_task(self, entry: str) -> str:
        return self.guarded(self.task(entry))

    def repeated(self, entry: str) -> str:
        """A task or subprocess with loop characteristics."""
        sketch = self.sketch
        loop = sketch.draw(loops)
        if sketch.flip():
            made = self.after(entry, "task", loop, name=sketch.label())
        else:
            made = self.after(entry, "subProcess", self.nested() + loop)
        return self.guarded(made) if "guarded-task" in sketch.constructs else made

    def ad_hoc(self, entry: str) -> str:
        sketch, inner = self.sketch, Part(self.sketch)
        sketch.undoable.append([])
        sketch.left -= 1
        made: list[str] = []
        for _ in range(sketch.draw(st.integers(1, 3))):
            if sketch.draw(st.integers(0, 3)):
                made.append(inner.add("task", name=sketch.label()))
            else:
                made.append(inner.add("subProcess", inner.nested()))
        if len(made) > 1 and sketch.flip():
            inner.flow(made[0], made[1])
        sketch.undoable.pop()
        attributes = {"ordering": sketch.pick("Parallel", "Sequential")} if sketch.flip() else {}
        around = self.after(
            entry,
            "adHocSubProcess",
            "".join(inner.text),
            cancelRemainingInstances=sketch.flip(),
            **attributes,
        )
        return self.guarded(around) if "guarded-task" in sketch.constructs else around

    def trigger(self) -> str:
        sketch = self.sketch
        choices = [message("A"), message("B"), message("C"), TIMER]
        if "event" in sketch.constructs:
            choices.append(message("A") + message("B"))
        if "signals" in sketch.constructs:
            choices.append(signal("A"))
        return sketch.draw(st.sampled_from(choices))

    def event_subprocesses(self) -> None:
        """None, one or two."""
        if "event-subprocess" in self.sketch.constructs and self.sketch.flip():
            self.event_subprocess()
            if self.sketch.rarely():
                self.event_subprocess()

    def event_subprocess(self) -> None:
        sketch, inner = self.sketch, Part(self.sketch)
        interrupting, trigger = sketch.flip(), self.trigger()
        if "error" in sketch.constructs and sketch.flip():
            trigger = thrown("error" if interrupting else "escalation", sketch.pick("", "1", "2"))
        sketch.undoable.append([*sketch.undoable[-1]])
        begin = inner.add("startEvent", trigger, isInterrupting=interrupting)
        if "undo" in sketch.constructs and sketch.flip():  # of what was done around it
            begin = inner.undo(begin)
        inner.after(inner.block(begin), "endEvent")
        sketch.undoable.pop()
        self.add("subProcess", "".join(inner.text), triggeredByEvent=True)

    def undo_itself(self) -> None:
        """A compensation event subprocess."""
        sketch, inner = self.sketch, Part(self.sketch)
        begin = inner.add("startEvent", "<compensateEventDefinition/>")
        last = inner.task(begin) if sketch.flip() else begin
        last = inner.undo(last) if sketch.flip() else last
        inner.after(last, "endEvent")
        self.add("subProcess", "".join(inner.text), triggeredByEvent=True)

    def error(self, entry: str) -> str:
        """A subprocess that may throw, and what catches it (or not)."""
        sketch, inner = self.sketch, Part(self.sketch)
        sketch.undoable.append([])
        kind = sketch.pick("error", "escalation")
        said = thrown(kind, sketch.pick("1", "2"))
        first = inner.block(inner.task(inner.add("startEvent")))
        split = inner.after(first, sketch.pick("exclusiveGateway", "parallelGateway"))
        if kind == "escalation" and sketch.flip():
            inner.end(inner.block(inner.after(split, "intermediateThrowEvent", said)))
        else:
            inner.after(split, "endEvent", said)
        inner.end(inner.block(split))
        inner.event_subprocesses()
        sketch.undoable.pop()
        body = self.after(entry, "subProcess", "".join(inner.text))
        interrupting = kind == "error" or sketch.flip()
        caught = thrown(kind, sketch.pick("1", "2", ""))
        boundary = self.add("boundaryEvent", caught, attachedToRef=body, cancelActivity=interrupting)
        return self.beside(body, boundary, interrupting=interrupting)

    def beside(self, activity: str, boundary: str, *, interrupting: bool) -> str:
        """What follows a boundary event: instead of what follows its activity, or beside it."""
        last = self.block(boundary)
        if not interrupting:
            self.after(last, "endEvent")
            return activity
        merge = self.after(activity, "exclusiveGateway")
        self.flow(last, merge)
        return merge

    def undoable(self, entry: str) -> str:
        """An activity with a compensation handler."""
        sketch = self.sketch
        loop = sketch.draw(loops) if "repeated" in sketch.constructs and sketch.rarely() else ""
        if sketch.draw(st.integers(0, 2)):
            made = self.after(entry, "task", loop, name=sketch.label())
        else:
            made = self.after(entry, "subProcess", self.nested(undone_by_another=True) + loop)
        if sketch.rarely():
            handler = self.add("subProcess", self.nested(undone_by_another=True), isForCompensation=True)
        else:
            handler = self.add("task", name=sketch.label(), isForCompensation=True)
        boundary = self.add("boundaryEvent", "<compensateEventDefinition/>", attachedToRef=made)
        self.add("association", sourceRef=boundary, targetRef=handler)
        sketch.undoable[-1].append(made)
        return made

    def compensate(self) -> str:
        """Of what was done before in the scope: one activity or all."""
        sketch = self.sketch
        said = ""
        if sketch.undoable[-1] and sketch.flip():
            said = f' activityRef="{sketch.pick(*sketch.undoable[-1])}"'
        if "going-on" in sketch.constructs and sketch.flip():
            said += ' waitForCompletion="false"'
        return f"<compensateEventDefinition{said}/>"

    def undo(self, entry: str) -> str:
        return self.after(entry, "intermediateThrowEvent", self.compensate())

    def transaction(self, entry: str) -> str:
        sketch, inner = self.sketch, Part(self.sketch)
        sketch.undoable.append([])
        first = inner.block(inner.undoable(inner.add("startEvent")))
        split = inner.after(first, sketch.pick("exclusiveGateway", "parallelGateway"))
        inner.after(inner.block(split), "endEvent", "<cancelEventDefinition/>")
        inner.end(inner.block(split))
        inner.event_subprocesses()
        sketch.undoable.pop()
        made = self.after(entry, "transaction", "".join(inner.text))
        boundary = self.add("boundaryEvent", "<cancelEventDefinition/>", attachedToRef=made)
        last = self.beside(made, boundary, interrupting=True)
        if "guarded-task" in sketch.constructs and sketch.flip():
            interrupted = self.add("boundaryEvent", self.trigger(), attachedToRef=made)
            self.after(self.block(interrupted), "endEvent")
        return last

    def jump(self, entry: str) -> str:
        name = self.sketch.fresh("link")
        said = f'<linkEventDefinition name="{name}"/>'
        self.after(entry, "intermediateThrowEvent", said)
        return self.add("intermediateCatchEvent", said)


def _written(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_BLOCKS: dict[str, Callable[[Part, str], str]] = {
    "task": Part.task,
    "skip": Part.skip,
    "sequence": Part.sequence,
    "choice": Part.choice,
    "parallel": Part.parallel,
    "inclusive": Part.inclusive,
    "complex": Part.complex,
    "loop": Part.loop,
    "conditional": Part.conditional,
    "event": Part.event,
    "race": Part.race,
    "signals": Part.signals,
    "ending": Part.ending,
    "subprocess": Part.subprocess,
    "guarded-task": Part.guarded_task,
    "repeated": Part.repeated,
    "ad-hoc": Part.ad_hoc,
    "error": Part.error,
    "undoable": Part.undoable,
    "undo": Part.undo,
    "transaction": Part.transaction,
    "link": Part.jump,
}


def _loops() -> st.SearchStrategy[str]:
    multi = "<multiInstanceLoopCharacteristics{}>{}{}</multiInstanceLoopCharacteristics>"
    early = "<completionCondition>enough</completionCondition>"
    several = st.builds(
        multi.format,
        st.sampled_from(["", ' isSequential="true"']),
        st.sampled_from(["", "<loopCardinality>2</loopCardinality>", "<loopCardinality>3</loopCardinality>"]),
        st.sampled_from(["", early]),
    )
    standard = st.builds(
        "<standardLoopCharacteristics{}{}/>".format,
        st.sampled_from(["", ' loopMaximum="2"', ' loopMaximum="3"']),
        st.sampled_from(["", ' testBefore="true"']),
    )
    return st.one_of(several, standard)


loops = _loops()


@st.composite
def models(draw: st.DrawFn, *constructs: str, left: int = 8) -> str:
    """The text of a process made of blocks of the given constructs, beside tasks, choices and the like."""
    sketch = Sketch(draw, (*BASIC, *constructs), left)
    part = Part(sketch)
    entry = part.begin() if "beginnings" in constructs else part.add("startEvent")
    first = draw(st.sampled_from([one for one in constructs if one in _BLOCKS] or BASIC))
    part.end(part.block(_BLOCKS[first](part, entry)))
    part.event_subprocesses()
    return "\n".join(part.text)


@st.composite
def tangles(draw: st.DrawFn, *constructs: str, left: int = 6) -> str:
    """As :func:`models`, with a few more sequence flows from anywhere to anywhere."""
    sketch = Sketch(draw, (*BASIC, *constructs), left)
    part = Part(sketch)
    part.whole()
    part.event_subprocesses()
    sources = [id_ for id_, kind, said in part.made if kind not in _DEAD_ENDS and not _HANDLING & said.keys()]
    targets = [
        id_ for id_, kind, said in part.made if kind not in _BEGINNINGS and not _HANDLING & said.keys()
    ]
    for _ in range(draw(st.integers(1, 3))):
        part.flow(draw(st.sampled_from(sources)), draw(st.sampled_from(targets)))
    return "\n".join(part.text)


_DEAD_ENDS = ("endEvent", "sequenceFlow", "association")
_BEGINNINGS = ("startEvent", "boundaryEvent", "sequenceFlow", "association")
_HANDLING = frozenset({"isForCompensation", "triggeredByEvent"})
