"""Files are not trusted: bad coordinates, missing shapes, markup in names, ids used twice."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from monitor.bpmn.document import Bounds, Edge, Shape
from monitor.diagram import Mark, Overlay, layout, render, svg
from monitor.errors import InvalidInput

NASTY = "<script>alert(1)</script>\"'&amp;]]>\x00\x1b\ud800 <b>"


def test_markup_in_names_stays_text(build: Any, picture: Any) -> None:
    node = build.node("n", "userTask", NASTY)
    overlay = Overlay(findings={"n": [Mark(NASTY, NASTY)]}, counts={"n": NASTY}, standing={"n": 1})
    image = picture(render(build.drawn(node), overlay=overlay, title=NASTY, prefix=NASTY))
    assert not list(image.root.iter("{*}script"))
    assert not list(image.root.iter("{*}b"))
    assert "<script" not in image.text
    assert "alert(1)" in image.title(image.group("n"))


def test_ids_are_safe_and_distinct_and_the_real_one_is_kept(build: Any, picture: Any) -> None:
    odd, twin = 'a" onload="x', "a__onload__x"
    shapes = [build.shape(odd), build.shape(twin, 200)]
    image = picture(render(build.document(build.process(build.node(odd), build.node(twin)), shapes=shapes)))
    ids = [image.group(id_).get("id") for id_ in (odd, twin)]
    assert len(set(ids)) == 2
    assert all(set(id_) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for id_ in ids)


@pytest.mark.parametrize(
    "bounds",
    [
        (float("nan"), 0, 100, 80),
        (0, float("inf"), 100, 80),
        (0, 0, 1e300, 80),
        (-1e9, 0, 100, 80),
        (0, 0, -100, 80),
        (0, 0, 0, 0),
    ],
)
def test_impossible_coordinates_are_laid_out_anew(build: Any, picture: Any, bounds: Any) -> None:
    process = build.process(build.node("a"), build.node("b"), flows=[build.flow("a", "b")])
    shapes = [Shape("a", Bounds(*bounds)), build.shape("b", 1000, 1000)]
    image = picture(render(build.document(process, shapes=shapes)))
    numbers = [float(part) for part in image.root.get("viewBox").split()]
    assert max(map(abs, numbers)) < 1000
    assert float(image.group("b").find("{*}rect").get("x")) < 1000, "laid out as a whole"


def test_bad_waypoints_are_drawn_from_shape_to_shape(build: Any, picture: Any) -> None:
    process = build.process(build.node("a"), build.node("b"), flows=[build.flow("a", "b")])
    shapes = [build.shape("a"), build.shape("b", 300)]
    for points in (((0.0, 0.0), (float("nan"), 1.0)), ((5.0, 5.0),), ()):
        image = picture(render(build.document(process, shapes=shapes, edges=[Edge("a-b", points)])))
        assert image.parts(image.group("a-b"), "line")[0].get("d").startswith("M100,40")


def test_a_node_without_a_shape_means_a_new_layout(build: Any, picture: Any) -> None:
    process = build.process(build.node("a"), build.node("b"))
    image = picture(render(build.document(process, shapes=[build.shape("a", 5000, 5000)])))
    assert image.group("b") is not None
    assert float(image.group("a").find("{*}rect").get("x")) < 5000


def test_shapes_that_all_lie_on_each_other_mean_a_new_layout(build: Any, picture: Any) -> None:
    process = build.process(*(build.node(id_) for id_ in "abc"))
    image = picture(render(build.document(process, shapes=[build.shape(id_) for id_ in "abc"])))
    places = {
        (image.group(id_).find("{*}rect").get("x"), image.group(id_).find("{*}rect").get("y"))
        for id_ in "abc"
    }
    assert len(places) == 3


def test_content_of_collapsed_subprocesses_is_not_drawn(build: Any, picture: Any) -> None:
    inner = (build.node("x"), build.node("y"))
    sub = build.node("sub", "subProcess", children=inner, flows=(build.flow("x", "y"),))
    shapes = [build.shape("sub", expanded=False), build.shape("x", 10, 10), build.shape("y", 50, 50)]
    image = picture(render(build.document(build.process(sub), shapes=shapes)))
    assert "collapsed" in image.classes(image.group("sub"))
    assert 'data-element="x"' not in image.text
    assert 'data-element="x-y"' not in image.text


def test_a_plane_of_a_subprocess_shows_its_content(build: Any, picture: Any) -> None:
    sub = build.node("sub", "subProcess", children=(build.node("x"),))
    document = build.document(build.process(sub), shapes=[build.shape("x", 10, 10)], plane="sub")
    assert picture(render(document)).group("x") is not None
    assert 'data-element="sub"' not in render(document)


def test_a_subprocess_that_does_not_say_is_expanded_if_its_content_is_drawn(build: Any, picture: Any) -> None:
    sub = build.node("sub", "subProcess", children=(build.node("x"),))
    shapes = [build.shape("sub", width=300.0, height=200.0), build.shape("x", 50, 50)]
    image = picture(render(build.document(build.process(sub), shapes=shapes)))
    assert "expanded" in image.classes(image.group("sub"))


def test_diagrams_that_are_not_there_are_refused(build: Any) -> None:
    document = build.drawn(build.node("a"))
    for index in (-1, 1, 99):
        with pytest.raises(InvalidInput, match="no number"):
            render(document, diagram=index)


def test_shapes_of_nothing_known_are_left_out(build: Any, picture: Any) -> None:
    document = build.document(
        build.process(build.node("a")), shapes=[build.shape("a"), build.shape("ghost", 200)]
    )
    assert 'data-element="ghost"' not in render(document)


def test_an_empty_document_is_an_empty_picture(build: Any, picture: Any) -> None:
    for document in (build.document(), build.document(build.process()), build.document(shapes=[])):
        assert picture(render(document)).root.get("viewBox")


def test_ids_used_twice_are_drawn_once(build: Any, picture: Any) -> None:
    process = build.process(
        build.node("a"), build.node("a"), flows=[build.flow("a", "a"), build.flow("a", "a")]
    )
    assert picture(render(build.document(process))).group("a") is not None


def test_flows_to_nowhere_are_left_out(build: Any) -> None:
    process = build.process(build.node("a"), flows=[build.flow("a", "gone"), build.flow("gone", "a")])
    document = build.document(process)
    assert "a-gone" not in render(document)
    assert not layout(document).edges


def test_long_and_foreign_names(build: Any, picture: Any) -> None:
    for name in (
        "x" * 5000,
        "注文を受け取る確認メールを送信する" * 9,
        "مرحبا بالعالم",
        "👩‍👩‍👧‍👦" * 40,
        "a\nb\tc",
    ):
        for type in ("task", "startEvent", "exclusiveGateway", "subProcess"):
            image = picture(render(build.drawn(build.node("n", type, name))))
            assert image.words(image.group("n"))


def test_numbers_are_plain() -> None:
    assert [svg.number(v) for v in (0, -0.001, 1.5, 1 / 3, 100000, -2.0)] == [
        "0",
        "0",
        "1.5",
        "0.33",
        "100000",
        "-2",
    ]
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a coordinate"):
            svg.number(value)


def test_escaped_text_is_well_formed_and_comes_back() -> None:
    text = "a<b>&\"'\u00e9\U0001f600"
    parsed = etree.fromstring(svg.text("t", text, attribute=text))
    assert parsed.text == parsed.get("attribute") == text
    assert svg.escape("\x00\x08\ud800\ufffe") == "\ufffd" * 4
