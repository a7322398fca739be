"""Small models for tests: the inside of a process, wrapped."""

from __future__ import annotations

from itertools import pairwise

from monitor.bpmn.document import Document, FlowNode, Problem, Process
from monitor.bpmn.read import read
from monitor.bpmn.validate import validate

NS = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def document(inside: str) -> Document:
    """``inside`` stands in ``definitions``, from line 2 on."""
    return read(f'<definitions xmlns="{NS}" xmlns:v="urn:vendor">\n{inside}</definitions>'.encode(), "m.bpmn")


def process(inside: str, before: str = "") -> Process:
    return document(f'{before}<process id="p">{inside}</process>').processes[0]


def node(inside: str, before: str = "") -> FlowNode:
    return process(inside, before).nodes[0]


def flow(source: str, target: str, more: str = "") -> str:
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}" {more}/>'


def chain(*ids: str) -> str:
    return "".join(flow(source, target) for source, target in pairwise(ids))


def found(inside: str, code: str) -> list[Problem]:
    """Problems of this code, of reading and of validating."""
    read_one = document(inside)
    return [problem for problem in (*read_one.problems, *validate(read_one)) if problem.code == code]
