"""Files with every shape and marker of the notation: each is read, drawn where it says, and told apart."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.bpmn.document import Document, Severity
from monitor.bpmn.read import read
from monitor.diagram import Overlay, glyphs, layout, render
from tests.support.notation import SHEETS


def load(name: str, *, drawn: bool = True) -> Document:
    return read(SHEETS[name]().xml(drawn=drawn), f"{name}.bpmn")


@pytest.fixture
def sheet(picture: Any) -> Any:
    return lambda name: picture(render(load(name)))


def signs(group: Any) -> list[str]:
    return [path.get("d") for path in group.iter("{*}path")]


def marker(name: str) -> str:
    return glyphs.MARKERS[name][0].path


@pytest.mark.parametrize("name", SHEETS)
def test_every_element_of_a_sheet_is_drawn_once_where_the_file_says(sheet: Any, name: str) -> None:
    document = load(name)
    assert [p for p in document.problems if p.severity is Severity.ERROR and p.code != "choreography"] == []
    image = sheet(name)
    (diagram,) = document.diagrams
    own = [shape for shape in diagram.shapes if shape.band_of is None]
    assert own
    for shape in own:
        image.group(shape.element)
    for edge in diagram.edges:
        image.group(edge.element)
    first = own[0]
    assert f"{first.bounds.x:g}" in image.text


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_without_its_diagram_is_laid_out_with_all_its_nodes(picture: Any, name: str) -> None:
    document = load(name, drawn=False)
    assert not document.diagrams
    image = picture(render(document))
    for process in document.processes:
        for node in process.walk():
            image.group(node.id)
    for choreography in document.choreographies:
        for node in choreography.nodes:
            image.group(node.id)
    assert layout(document).shapes


def test_events_differ_by_definition_and_place(sheet: Any) -> None:
    image = sheet("events")
    caught = {name: tuple(signs(image.group(f"catch_{name}"))) for name in ("message", "link", "multiple")}
    assert len(set(caught.values())) == 3
    assert tuple(signs(image.group("start_message"))) == caught["message"]
    for place, dashed in (("inner", False), ("passing", True), ("boundary", False), ("open", True)):
        rings = image.group(f"{place}_message").findall("{*}circle")
        assert all(bool(ring.get("stroke-dasharray")) is dashed for ring in rings), place
        assert len(rings) == (1 if place in ("inner", "passing") else 2)
    assert image.title(image.group("passing_parallel")) == "Parallel multiple start event: parallel"


def test_a_call_of_a_global_task_has_its_icon_and_no_plus(sheet: Any) -> None:
    image = sheet("activities")
    user = signs(image.group("call_globalUserTask"))
    assert user == signs(image.group("userTask"))
    assert signs(image.group("call_globalTask")) == []
    assert marker("collapsed") in signs(image.group("call"))
    assert {marker("parallel"), marker("collapsed")} <= set(signs(image.group("call_many")))


def test_markers_are_those_of_the_activity(sheet: Any) -> None:
    image = sheet("activities")
    for id_, expected in {
        "loop": {"loop"},
        "parallel": {"parallel"},
        "sequential": {"sequential"},
        "compensation": {"compensation"},
        "loop_compensation": {"loop", "compensation"},
        "collapsed4": {"collapsed", "adhoc"},
        "collapsed5": {"sequential", "compensation", "collapsed", "adhoc"},
        "expanded2": {"adhoc"},
        "expanded1": set(),
    }.items():
        drawn = set(signs(image.group(id_)))
        assert {name for name in glyphs.MARKERS if marker(name) in drawn} == expected, id_


def test_pools_of_several_have_three_bars_and_upright_ones_a_heading_on_top(sheet: Any) -> None:
    image = sheet("pools")
    for id_ in ("boxes", "many"):
        assert marker("parallel") in signs(image.group(id_))
        assert "multi-instance" in image.title(image.group(id_)).lower()
    assert marker("parallel") not in signs(image.group("box"))
    assert not any("rotate" in (g.get("transform") or "") for g in image.group("upright").iter("{*}g"))
    assert any("rotate" in (g.get("transform") or "") for g in image.group("tall").iter("{*}g"))


def test_message_flows_show_their_message_where_the_file_says(sheet: Any) -> None:
    image = sheet("pools")
    assert image.words(image.group("m1")) == "orders Order"
    assert image.words(image.group("m2")) == "Bill"
    assert not image.parts(image.group("m1"), "shaded")
    assert image.parts(image.group("m2"), "shaded")
    assert not image.parts(image.group("m3"), "shape")


def test_choreography_tasks_have_bands_and_the_initiating_one_is_not_shaded(sheet: Any) -> None:
    image = sheet("choreography")
    task = image.group("order")
    bands = image.parts(task, "band")
    assert ["shaded" in image.classes(band) for band in bands] == [False, True]
    assert image.words(task) == "Buyer Order request Seller Confirmation Order goods"
    assert image.title(task) == "Choreography task between buyer (begins) and seller: Order goods"
    assert len(image.parts(task, "tie")) == 2
    assert not image.parts(image.group("loop"), "tie")
    assert marker("loop") in signs(image.group("loop"))
    assert signs(image.group("many")).count(marker("parallel")) == 2, "the task's and the carriers'"
    assert len(image.parts(image.group("three"), "band")) == 3
    assert marker("collapsed") in signs(image.group("folded"))
    assert image.parts(image.group("called"), "call")
    assert "expanded" in image.classes(image.group("nested"))


def test_conversations_are_hexagons_joined_by_double_lines(sheet: Any) -> None:
    image = sheet("conversations")
    assert len(image.group("talk").find("{*}polygon").get("points").split()) == 6
    assert image.parts(image.group("called"), "call")
    assert marker("collapsed") in signs(image.group("sub"))
    assert len(image.parts(image.group("talk_shop"), "line")) == 2


def test_data_objects_tell_their_state_and_what_they_are_to_the_process(sheet: Any) -> None:
    image = sheet("data")
    assert image.words(image.group("stated")) == "Order [approved]"
    assert marker("parallel") in signs(image.group("objects"))
    arrow = glyphs.DATA_ARROW
    assert arrow in signs(image.group("in"))
    assert arrow in signs(image.group("out"))
    assert arrow not in signs(image.group("object"))
    heads = {id_: len(image.parts(image.group(id_), "line")) - 1 for id_ in ("none", "one", "both")}
    assert heads == {"none": 0, "one": 1, "both": 2}


def test_what_would_turn_other_text_around_is_shown_as_unknown(sheet: Any) -> None:
    image = sheet("names")
    assert "\u202e" not in image.text
    assert "\ufffdevil" in image.text
    assert "<script" not in image.text


def test_colours_of_the_model_are_kept_and_names_stay_readable(sheet: Any) -> None:
    image = sheet("colours")
    for id_, fill, stroke in (("t_blue", "#bbdefb", "#0d4372"), ("t_orange", "#ffe0b2", "#6b3c00")):
        box = image.group(id_).find("{*}rect")
        assert (box.get("fill"), box.get("stroke")) == (fill, stroke)
    assert {"filled", "deep"} <= image.classes(image.group("t_dark"))
    assert "deep" not in image.classes(image.group("t_blue"))
    assert {"drawn", "dim"} <= image.classes(image.group("t_stroke"))
    assert {"drawn", "pale"} <= image.classes(image.group("t_pale"))
    assert "tinted" not in image.classes(image.group("t_broken"))
    assert "javascript" not in image.text
    line = image.parts(image.group("f_red"), "line")[0]
    assert line.get("stroke") == "#831311"


def test_an_overlays_colours_are_the_only_ones(picture: Any) -> None:
    image = picture(render(load("colours"), overlay=Overlay(visited=frozenset({"t_blue"}))))
    assert not image.all("tinted")
    assert "#bbdefb" not in image.text
