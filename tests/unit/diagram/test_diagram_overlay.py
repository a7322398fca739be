"""What the overlay says is seen, read out, and told without colour."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.diagram import Mark, Overlay, Timing, legend, render, stylesheet
from monitor.domain.verdict import ClockState, FindingKind


@pytest.fixture
def document(build: Any) -> Any:
    nodes = [
        build.node("s", "startEvent", "Begin"),
        build.node("a", "userTask", "Pay"),
        build.node("b", "task", "Ship"),
    ]
    return build.document(
        build.process(*nodes, flows=[build.flow("s", "a"), build.flow("a", "b")], name="Orders")
    )


def test_what_was_passed_has_its_class_and_a_tick(document: Any, picture: Any) -> None:
    image = picture(render(document, overlay=Overlay(visited=frozenset({"s", "a", "s-a"}))))
    for id_ in ("s", "a", "s-a"):
        assert "visited" in image.classes(image.group(id_))
    for id_ in ("b", "a-b"):
        assert "visited" not in image.classes(image.group(id_))
    assert len(image.all("badge", "tick")) == 2, "nodes only"
    assert image.title(image.group("a")) == "User task: Pay; passed"
    assert image.title(image.group("b")) == "Task: Ship"


def test_waiting_tokens_are_counted_on_a_badge(document: Any, picture: Any) -> None:
    image = picture(render(document, overlay=Overlay(standing={"a": 3, "b": 0, "nowhere": 7})))
    (badge,) = image.all("badge", "standing")
    assert badge.get("data-element") == "a"
    assert image.words(badge).startswith("3 ")
    assert badge.get("aria-label") == "3 tokens wait here: Pay"
    assert "standing" in image.classes(image.group("a"))
    assert "standing" not in image.classes(image.group("b"))


def test_findings_explain_themselves_on_hover_and_focus(document: Any, picture: Any) -> None:
    marks = [Mark("missing", "Pay was skipped."), Mark("sla_breach", "Paid too late.")]
    image = picture(render(document, overlay=Overlay(findings={"a": marks})))
    badges = image.all("badge", "finding")
    assert [badge.get("aria-label") for badge in badges] == ["Pay was skipped.", "Paid too late."]
    assert [image.words(image.parts(badge, "tip")[0]) for badge in badges] == [
        "Pay was skipped.",
        "Paid too late.",
    ]
    for badge in badges:
        assert badge.get("tabindex") == "0"
        assert badge.get("role") == "img"
        assert image.parts(badge, "tip")[0].get("visibility") == "hidden"
    assert {"skipped", "deviating"} <= image.classes(image.group("a"))
    assert "Pay was skipped.; Paid too late." in image.title(image.group("a"))


def test_every_kind_of_finding_has_its_own_sign(document: Any, picture: Any) -> None:
    signs = set()
    for kind in [*FindingKind, "something else"]:
        image = picture(render(document, overlay=Overlay(findings={"a": [Mark(str(kind), "text")]})))
        (badge,) = image.all("badge", "finding")
        signs.add((badge.get("class"), "".join(p.get("d") for p in image.parts(badge, "sign"))))
    assert len(signs) == len(FindingKind) + 1


def test_heat_is_a_rim_that_grows(document: Any, picture: Any) -> None:
    def rim(value: float) -> Any:
        found = picture(render(document, overlay=Overlay(heat={"a": value}))).all("heat")
        return found[0] if found else None

    cold, hot = rim(0.1), rim(1.0)
    assert float(hot.get("width")) > float(cold.get("width"))
    assert float(hot.get("fill-opacity")) > float(cold.get("fill-opacity"))
    assert rim(7.0).attrib == hot.attrib
    assert rim(0.0) is None
    assert rim(float("nan")) is None


def test_counts_are_shown_and_read_out(document: Any, picture: Any) -> None:
    image = picture(render(document, overlay=Overlay(counts={"a": "1,204", "s": "7"})))
    assert sorted(image.words(badge) for badge in image.all("badge", "volume")) == ["1,204", "7"]
    assert "count 1,204" in image.title(image.group("a"))


def test_without_an_overlay_nothing_is_judged(document: Any, picture: Any) -> None:
    plain = picture(render(document))
    assert "judged" not in plain.classes(plain.root)
    assert not plain.all("badge")
    assert "judged" in picture(render(document, overlay=Overlay())).root.get("class")


def test_the_picture_is_labelled_and_scales(document: Any, picture: Any) -> None:
    image = picture(render(document, title="My orders"))
    ids = image.root.get("aria-labelledby").split()
    told = [element.text for id_ in ids for element in image.root.iter("{*}*") if element.get("id") == id_]
    assert told == ["My orders", "3 elements and 2 flows."]
    assert image.root.get("role") == "group"
    assert len(image.root.get("viewBox").split()) == 4


def test_a_still_picture_is_one_image(document: Any, picture: Any) -> None:
    overlay = Overlay(findings={"a": [Mark("missing", "x")]}, standing={"a": 1})
    image = picture(render(document, overlay=overlay, interactive=False))
    assert image.root.get("role") == "img"
    assert "tabindex" not in image.text
    assert not image.all("tip")


def test_only_files_carry_their_stylesheet_and_pages_no_style_at_all(document: Any, picture: Any) -> None:
    overlay = Overlay(visited=frozenset({"a"}), standing={"a": 1}, heat={"a": 1.0})
    page = picture(render(document, overlay=overlay))
    assert not list(page.root.iter("{*}style"))
    assert not [e for e in page.root.iter() if "style" in e.attrib]
    file = picture(render(document, overlay=overlay, standalone=True))
    assert file.root.findtext("{*}style") == stylesheet()


def test_the_stylesheet_knows_dark_print_and_still_readers() -> None:
    css = stylesheet()
    for need in (
        "prefers-color-scheme: dark",
        '[data-theme="dark"]',
        "@media print",
        "prefers-reduced-motion",
    ):
        assert need in css
    assert css.count("{") == css.count("}")
    before_motion = css.split("prefers-reduced-motion")[0]
    assert "animation:" not in before_motion, "nothing moves unless the reader allows it"


def test_two_pictures_on_a_page_share_no_ids(document: Any, picture: Any) -> None:
    ids = [
        {e.get("id") for e in picture(render(document, prefix=prefix)).root.iter() if e.get("id")}
        for prefix in ("one", "two")
    ]
    assert not ids[0] & ids[1]


def test_what_badges_say_stays_inside_the_picture(document: Any, picture: Any) -> None:
    said = "A rather long explanation of what went wrong here, and of what was expected instead. " * 2
    findings = {id_: [Mark("unexpected", said)] for id_ in ("s", "a", "b")}
    image = picture(render(document, overlay=Overlay(findings=findings)))
    left, _, width, _ = (float(part) for part in image.root.get("viewBox").split())
    bubbles = image.all("bubble")
    assert len(bubbles) == 3
    for bubble in bubbles:
        assert left <= float(bubble.get("x"))
        assert float(bubble.get("x")) + float(bubble.get("width")) <= left + width + 0.02


def test_clocks_show_the_most_urgent_and_tell_all(document: Any, picture: Any) -> None:
    clocks = [Timing("met", "First answer: met."), Timing("breached", "Ship: breached.")]
    image = picture(render(document, overlay=Overlay(clocks={"a": clocks})))
    (badge,) = image.all("badge", "clock")
    assert "breached" in image.classes(badge)
    assert badge.get("aria-label") == "Ship: breached. First answer: met."
    assert badge.get("tabindex") == "0"
    assert "First answer: met." in image.title(image.group("a"))


def test_every_clock_state_has_its_own_sign(document: Any, picture: Any) -> None:
    signs = set()
    for state in ClockState:
        image = picture(render(document, overlay=Overlay(clocks={"a": [Timing(state.value, "x")]})))
        (badge,) = image.all("badge", "clock")
        assert state.value in image.classes(badge)
        signs.add("".join(p.get("d") for p in image.parts(badge, "sign")))
    assert len(signs) == len(ClockState)


def test_many_findings_of_a_kind_are_one_badge_with_a_number(document: Any, picture: Any) -> None:
    marks = [Mark("duplicate", f"Again {n}") for n in range(5)] + [Mark("missing", "Skipped", number=40)]
    image = picture(render(document, overlay=Overlay(findings={"a": marks})))
    badges = image.all("badge", "finding")
    assert [image.words(image.parts(badge, "count")[0]) for badge in badges] == ["5", "40"]
    assert badges[0].get("aria-label") == "Again 0. Again 1. Again 2. Again 3. Again 4"


def test_a_heat_map_shades_tells_and_judges_nobody(document: Any, picture: Any) -> None:
    overlay = Overlay(
        heat={"s": 1.0, "a": 0.5},
        heat_kind="Frequency",
        heat_ends=("1 trace", "120 traces"),
        counts={"a": "60", "s-a": "55"},
        tips={"a": ("Median wait 2 h", "60 traces")},
        standing={"a": 2},
        weights={"s-a": 1.0},
    )
    image = picture(render(document, overlay=overlay))
    assert image.classes(image.root) == {"bpmn-diagram", "heated"}
    assert "heat-5" in image.classes(image.group("s"))
    assert "heat-3" in image.classes(image.group("a"))
    (spot,) = image.all("badge", "spot")
    assert spot.get("aria-label") == "User task: Pay. Median wait 2 h. 60 traces"
    assert spot.get("tabindex") == "0"
    assert image.words(image.parts(spot, "tip")[0]) == "User task: Pay Median wait 2 h 60 traces"
    (standing,) = image.all("badge", "standing")
    assert standing.get("aria-label") == "2 traces stand here: Pay"
    thick, thin = (image.parts(image.group(id_), "line")[0] for id_ in ("s-a", "a-b"))
    assert float(thick.get("stroke-width")) > 2 * float(thin.get("stroke-width"))
    assert "shaded by frequency, from 1 trace to 120 traces" in image.text
    assert sorted(image.words(badge) for badge in image.all("badge", "volume")) == ["55", "60"]


def test_what_was_skipped_has_no_tick(document: Any, picture: Any) -> None:
    overlay = Overlay(visited=frozenset({"s", "a"}), findings={"a": [Mark("missing", "Pay was skipped.")]})
    image = picture(render(document, overlay=overlay))
    assert len(image.all("badge", "tick")) == 1
    assert "visited" not in image.classes(image.group("a"))
    assert "passed" not in image.title(image.group("a"))


def test_the_legend_explains_what_is_there_and_nothing_else(document: Any, picture: Any) -> None:
    overlay = Overlay(
        visited=frozenset({"s"}),
        findings={"a": [Mark("missing", "x"), Mark("never heard of", "y")]},
        clocks={"a": [Timing("at_risk", "z")]},
    )
    told = [entry.text for entry in legend.entries(overlay)]
    assert told == ["passed", "skipped", "finding", "SLA at risk"]
    listed = picture(legend.as_list(overlay))
    assert listed.root.tag == "ul"
    assert len(listed.root) == 4
    assert legend.as_list(Overlay()) == ""
    assert "SLA at risk" in render(document, overlay=overlay, standalone=True)
    assert "SLA at risk" not in render(document, overlay=overlay)


def test_a_legend_of_heat_says_what_its_ends_are(picture: Any) -> None:
    overlay = Overlay(heat={"a": 1.0}, heat_kind="Frequency", heat_ends=("1 trace", "9 traces"))
    listed = picture(legend.as_list(overlay))
    assert "".join(listed.root.itertext()) == "Frequency: 1 trace to 9 traces"
    assert len(listed.all("swatch")) == 5
