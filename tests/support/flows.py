"""Small flows for tests: BPMN text in, compiled flow or checker out, and words as observations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import read
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.checker import Checker, Judged
from monitor.domain.event import Observation

START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">'


def bpmn(content: str, definitions: str = "") -> bytes:
    """A file with one process. ``a -> b -> c`` lines become sequence flows; other lines stand as they are."""
    lines: list[str] = []
    number = 0
    for line in content.strip().splitlines():
        names = [name.strip() for name in line.split("->")]
        if len(names) == 1:
            lines.append(line)
            continue
        for source, target in pairwise(names):
            number += 1
            lines.append(f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>')
    process = f'<process id="test" name="Test">{"".join(lines)}</process>'
    return f"{HEAD}{definitions}{process}</definitions>".encode()


def flow_of(content: str, options: Options | None = None, definitions: str = "") -> Flow:
    document = read(bpmn(content, definitions), "test.bpmn")
    flow, problems = compile_flow(document, options)
    assert flow is not None, [str(problem) for problem in (*document.problems, *problems)]
    return flow


def tasks(*names: str) -> str:
    """Tasks whose id and name are the same."""
    return "\n".join(f'<task id="{name}" name="{name}"/>' for name in names)


def word(labels: Sequence[str], minutes: Sequence[float] | None = None) -> list[Observation]:
    """Observations a minute apart, or at ``minutes`` after :data:`START`."""
    at = minutes if minutes is not None else range(len(labels))
    return [
        Observation(
            "f", label, START + timedelta(minutes=minute), number.to_bytes(2, "big"), event_id=f"e{number}"
        )
        for number, (label, minute) in enumerate(zip(labels, at, strict=True))
    ]


def judged(flow: Flow, labels: Sequence[str], minutes: Sequence[float] | None = None) -> Judged:
    """The one trace that ``labels`` make up."""
    one, rest = Checker(flow).replay(word(labels, minutes))
    assert not rest
    return one


def sorts(flow: Flow, fits: str, open_: str, deviating: str) -> None:
    """Hold words (one letter a label, separated by commas) against a flow: those that fit and are complete,
    those that may go on to be, and those that deviate."""
    automaton = Automaton(flow)

    def state(text: str) -> State | None:
        at: State | None = automaton.initial
        for label in text.strip():
            at = automaton.step(at, label) if at is not None else None
        assert at is None or not at.undecided, text
        return at

    for text in fits.split(","):
        reached = state(text)
        assert reached is not None, f"{text} does not fit"
        assert reached.final, f"{text} is not complete"
    for text in open_.split(","):
        reached = state(text)
        assert reached is not None, f"{text} is not allowed"
        assert not reached.final, f"{text} is complete"
    for text in deviating.split(","):
        assert state(text) is None, f"{text} is allowed"
