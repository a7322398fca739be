"""Pictures that need no stylesheet look as those that have one."""

import re
from pathlib import Path

import pytest
from lxml import etree

from monitor.bpmn.read import read_file
from monitor.diagram import Mark, Overlay, Timing, render
from monitor.diagram.flat import _rules, flattened
from monitor.diagram.render import stylesheet

ROOT = Path(__file__).parents[3]
DOCUMENT = read_file(ROOT / "models" / "order-fulfilment.bpmn")
OVERLAY = Overlay(
    visited=frozenset({"Event_OrderPlaced", "Task_PaymentRequested"}),
    standing={"Event_PaymentReceived": 1},
    findings={"Task_GoodsShipped": (Mark("missing", "it is missing"),)},
    clocks={"Task_InvoiceSent": [Timing("breached", "it is late")]},
)


def drawn() -> etree._Element:
    svg = render(DOCUMENT, overlay=OVERLAY, standalone=True, interactive=False)
    return etree.fromstring(flattened(svg))


def shape(root: etree._Element, element: str) -> etree._Element:
    groups = (node for node in root.iter(etree.Element) if node.get("data-element") == element)
    return next(child for group in groups for child in group if "shape" in child.get("class", "").split())


def test_nothing_is_left_of_the_stylesheet() -> None:
    svg = render(DOCUMENT, overlay=OVERLAY, standalone=True, interactive=False)
    flat = flattened(svg)
    assert "<style" not in flat
    assert "var(" not in flat
    assert len(re.findall("<path|<rect|<circle|<text", flat)) == len(
        re.findall("<path|<rect|<circle|<text", svg)
    )


@pytest.mark.parametrize(
    ("element", "looks"),
    [
        ("Task_PaymentRequested", {"fill": "#e8f1fd", "stroke": "#1d5fb8", "stroke-width": "2.6px"}),
        ("Task_GoodsShipped", {"stroke": "#b3261e", "stroke-dasharray": "3 4", "stroke-width": "2px"}),
        ("Event_PaymentReceived", {"fill": "#ffe9b8", "stroke": "#8a5a00", "stroke-width": "3px"}),
        ("Task_DelayNotified", {"fill": "#ffffff", "stroke": "#7d8593"}),
    ],
)
def test_what_a_trace_did_is_seen(element: str, looks: dict[str, str]) -> None:
    found = shape(drawn(), element)
    assert {name: found.get(name) for name in looks} == looks


def test_texts_have_a_font() -> None:
    assert all("sans-serif" in (text.get("font-family") or "") for text in drawn().iter("{*}text"))


def test_every_rule_of_the_stylesheet_is_understood() -> None:
    """A selector of another kind raises, so that whoever adds one hears of it."""
    rules = _rules(stylesheet())
    assert len(rules) > 80
    assert rules == tuple(sorted(rules, key=lambda rule: rule.order))


def test_a_selector_that_is_not_understood_is_told() -> None:
    with pytest.raises(ValueError, match="not understood"):
        _rules("a ~ b { fill: red }")


def test_the_more_specific_rule_wins_and_then_the_later() -> None:
    css = ".a.b { fill: #111111 } .a { fill: #222222; stroke: #333333 } .a { stroke: #444444 }"
    looks: dict[str, str] = {}
    element = etree.fromstring('<g class="a b"/>')
    for rule in _rules(css):
        if rule.matches(element):
            looks.update(rule.looks)
    assert looks == {"fill": "#111111", "stroke": "#444444"}
