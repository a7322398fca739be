"""The part of a flow that a mail shows."""

import re
from pathlib import Path
from typing import Any

import pytest

from monitor.alerting_pictures import WHOLE, TracePictures, picture, troubled
from monitor.alerts.picturing import MOST, WIDEST, png
from monitor.bpmn.document import Document
from monitor.bpmn.read import read_file
from monitor.diagram import Mark, Overlay, Timing
from tests.support.lacking import lacking

ROOT = Path(__file__).parents[2]
WIDE = read_file(ROOT / "models" / "order-fulfilment.bpmn")
SMALL = read_file(ROOT / "models" / "support-ticket.bpmn")


def view(svg: str) -> tuple[float, float]:
    """Left edge and width."""
    found = re.search(r'viewBox="([-\d.]+) [-\d.]+ ([\d.]+) [\d.]+" width="([\d.]+)"', svg)
    assert found is not None
    assert float(found[2]) == pytest.approx(float(found[3]), abs=0.1)
    return float(found[1]), float(found[2])


def test_of_a_wide_flow_the_part_where_it_hurts_is_shown() -> None:
    whole, width = view(picture(WIDE, Overlay()))
    left, cut = view(picture(WIDE, Overlay(findings={"Task_GoodsShipped": (Mark("missing", ""),)})))
    assert width > WHOLE
    assert cut == WHOLE
    assert left + cut == pytest.approx(whole + width, abs=1)  # it is at the right end
    begin, _ = view(picture(WIDE, Overlay(findings={"Event_OrderPlaced": (Mark("duplicate", ""),)})))
    assert begin == pytest.approx(whole, abs=1)


def test_where_nothing_hurts_the_place_it_stands_at_is_shown() -> None:
    left, cut = view(picture(WIDE, Overlay(standing={"Task_GoodsShipped": 1})))
    assert cut == WHOLE
    assert left > 100


def test_a_flow_that_hurts_all_over_is_shown_whole() -> None:
    everywhere = {node.id: (Mark("missing", ""),) for node in WIDE.processes[0].nodes}
    _, cut = view(picture(WIDE, Overlay(findings=everywhere)))
    assert cut == view(picture(WIDE, Overlay()))[1]


def test_a_finished_clock_does_not_hurt() -> None:
    clocks = {"a": [Timing("met", "")], "b": [Timing("breached", "")]}
    assert troubled(Overlay(clocks=clocks, findings={"c": ()})) == {"b"}


async def test_a_trace_or_a_model_that_is_gone_has_no_picture() -> None:
    class Gone:
        async def trace(self, trace_id: int, events: int = 1000) -> Any:
            return None

        async def document(self, flow_id: int) -> Document | None:
            raise AssertionError

        async def places(self, flow_id: int) -> Any:
            raise AssertionError

        async def visited(self, flow_id: int, events: Any) -> Any:
            raise AssertionError

    assert await TracePictures(Gone(), Gone()).svg(7) is None


async def test_the_picture_is_drawn_with_its_texts() -> None:
    with_text = await png(picture(WIDE, Overlay()))
    if with_text is None:  # words would be left out, so there is no PNG
        lacking("no font is installed here")
    assert with_text.startswith(b"\x89PNG")
    width = int.from_bytes(with_text[16:20], "big")
    assert width == min(2 * round(view(picture(WIDE, Overlay()))[1]), WIDEST)
    assert await png('<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="90000"/>') is None
    tall = await png('<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="6000"/>')
    assert tall is not None
    assert int.from_bytes(tall[16:20], "big") * int.from_bytes(tall[20:24], "big") == pytest.approx(
        MOST, rel=0.01
    )
    without = await png(re.sub(r"<text.*?</text>", "", picture(WIDE, Overlay()), flags=re.DOTALL))
    assert without is not None
    assert len(without) < len(with_text)
