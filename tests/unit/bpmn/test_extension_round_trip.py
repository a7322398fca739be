"""Time limits in a model survive what modelers make of its XML: they keep extension elements they do not
know, but write them in their own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from lxml import etree

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Sla
from monitor.bpmn.read import read
from monitor.domain.calendar import BUSINESS
from tests.support.flows import tasks

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
OURS = "urn:choreoscope:bpmn:1"
MODEL = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="{BPMN}" xmlns:c="{OURS}" targetNamespace="t">
<bpmn:process id="p" name="Order">
  <bpmn:extensionElements>
    <c:sla name="All of it" from="start" to="end" within="P5D" severity="critical" at_risk="PT4H"
           objective="99%" period="month" period_timezone="Europe/Berlin" minimum="50"/>
    <c:sla name="Quiet" idle="true" within="PT36H" at_risk="never"/>
    <c:sla name="Paid" from="A" to="B" within="P2D" calendar="business" pause="C" resume="A"/>
    <c:sla name="Today" from="A" to="C" by="17:00" cutoff="14:00" within="P1D" timezone="Europe/Berlin"/>
    <c:sla name="Promised" from="A" to="C" due="data.promisedBy" within="P3D"/>
    <c:sla name="Before Christmas" from="start" to="end" at="2026-12-24T12:00:00+01:00"/>
  </bpmn:extensionElements>
  {tasks("A", "C").replace("<task", "<bpmn:task")}
  <bpmn:task id="B" name="B"><bpmn:extensionElements>
    <c:slas><c:sla name="B soon" within="PT1H" at_risk="50%"/><c:sla name="B then" within="PT2H"/></c:slas>
  </bpmn:extensionElements></bpmn:task>
  <bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
  <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="A"/>
  <bpmn:sequenceFlow id="f2" sourceRef="A" targetRef="B"/>
  <bpmn:sequenceFlow id="f3" sourceRef="B" targetRef="C"/>
  <bpmn:sequenceFlow id="f4" sourceRef="C" targetRef="e"/>
</bpmn:process>
</bpmn:definitions>""".encode()

Change = Callable[[bytes], bytes]


def slas(source: bytes) -> tuple[Sla, ...]:
    flow, problems = compile_flow(read(source, "order.bpmn"), Options(calendars={BUSINESS.name: BUSINESS}))
    assert flow is not None, [str(problem) for problem in problems]
    return flow.slas


def other_prefixes(source: bytes) -> bytes:
    """Both namespaces under other prefixes, BPMN as the default one."""
    text = source.decode().replace("<bpmn:", "<").replace("</bpmn:", "</").replace("xmlns:bpmn=", "xmlns=")
    return text.replace("<c:", "<ns0:").replace("</c:", "</ns0:").replace("xmlns:c=", "xmlns:ns0=").encode()


def declared_where_used(source: bytes) -> bytes:
    """The namespace is declared at each element of it, not at the root."""
    text = source.decode().replace(f' xmlns:c="{OURS}"', "")
    for tag in ("sla", "slas"):
        text = text.replace(f"<c:{tag} ", f'<c:{tag} xmlns:c="{OURS}" ')
        text = text.replace(f"<c:{tag}>", f'<c:{tag} xmlns:c="{OURS}">')
    return text.encode()


def attributes_in_order(source: bytes) -> bytes:
    root = etree.fromstring(source)
    for element in root.iter():
        said = sorted(element.attrib.items(), reverse=True)
        element.attrib.clear()
        for name, value in said:
            element.set(name, value)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def indented_anew(source: bytes) -> bytes:
    root = etree.fromstring(source, etree.XMLParser(remove_blank_text=True))
    etree.indent(root, space="\t")
    return cast("bytes", etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-16"))


def on_one_line(source: bytes) -> bytes:
    return etree.tostring(etree.fromstring(source, etree.XMLParser(remove_blank_text=True)))


def beside_others(source: bytes) -> bytes:
    """The modeler's own extensions, comments and documentation in between."""
    root = etree.fromstring(source)
    for extensions in list(root.iter(f"{{{BPMN}}}extensionElements")):
        own = etree.SubElement(extensions, "{http://camunda.org/schema/1.0/bpmn}properties")
        etree.SubElement(own, "{http://camunda.org/schema/1.0/bpmn}property", name="sla", value="PT9H")
        extensions.insert(0, etree.Comment("drawn by hand"))
        documentation = etree.Element(f"{{{BPMN}}}documentation")
        documentation.text = "Why this is."
        parent = extensions.getparent()
        assert parent is not None
        parent.insert(0, documentation)
    return etree.tostring(root)


def entities(source: bytes) -> bytes:
    """Characters as references, quotes as apostrophes."""
    return source.replace(b'name="Quiet"', b"name='&#81;uiet'").replace(b'"data.', b'"&#x64;ata.')


CHANGES = (
    other_prefixes,
    declared_where_used,
    attributes_in_order,
    indented_anew,
    on_one_line,
    beside_others,
    entities,
)


def test_all_of_them_are_read() -> None:
    found = {sla.name: sla for sla in slas(MODEL)}
    assert len(found) == 8
    assert found["B soon"].on == ("B",)
    objective = found["All of it"].objective
    assert objective is not None
    assert (objective.target, objective.period, objective.minimum) == (0.99, "month", 50)


@pytest.mark.parametrize("change", CHANGES)
def test_one_change(change: Change) -> None:
    assert change(MODEL) != MODEL
    assert slas(change(MODEL)) == slas(MODEL)


def test_one_change_after_the_other() -> None:
    source = MODEL
    for change in (entities, declared_where_used, beside_others, attributes_in_order, on_one_line):
        source = change(source)
    assert slas(source) == slas(MODEL)
