"""Variants as chains of steps, against the most frequent one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.dashboard.flow_question import together
from monitor.dashboard.variants import (
    COMPARED,
    SHOWN_STEPS,
    Link,
    chain,
    coverage,
    usual_elements,
    variants,
)
from monitor.storage.views import VariantRow

LABELS = st.lists(st.sampled_from("ABCD"), max_size=12)


def row(labels: str, traces: int = 10, flow_id: int = 4, deviating: int = 0, hours: int = 1) -> VariantRow:
    return VariantRow(flow_id, labels, tuple(labels), traces, deviating, timedelta(hours=hours))


def test_equal_steps_in_a_row_are_told_once() -> None:
    assert chain("ABBBC", "ABBBC") == [Link("A", 1), Link("B", 3), Link("C", 1)]


def test_what_differs_is_marked() -> None:
    assert chain("ACX", "ABC") == [
        Link("A", 1),
        Link("B", 1, "absent"),
        Link("C", 1),
        Link("X", 1, "extra"),
    ]


@given(LABELS, LABELS)
def test_a_chain_holds_both_variants(labels: list[str], usual: list[str]) -> None:
    links = chain(labels, usual)
    assert [link.label for link in links for _ in range(link.times) if link.mark != "absent"] == labels
    assert [link.label for link in links for _ in range(link.times) if link.mark != "extra"] == usual


def test_very_long_chains_are_compared_as_far_as_is_quick() -> None:
    long = ["A", "B"] * COMPARED
    links = chain(long, ["A"])
    assert [link.label for link in links if link.mark != "absent"] == long
    assert links[-1].mark == ""


def test_long_chains_are_cut() -> None:
    (told,) = variants([row("ABCDEFGHIJKLMNOP")], 20)
    assert len(told.first) == SHOWN_STEPS
    assert [link.label for link in (*told.first, *told.rest)] == list("ABCDEFGHIJKLMNOP")
    assert told.share == 0.5


def test_the_usual_elements_are_those_of_the_most_frequent() -> None:
    rows = [row("AB", 10), row("ABC", 3)]
    assert usual_elements(rows, {"A": ("a",), "B": ("b1", "b2"), "C": ("c",)}) == {"a", "b1", "b2"}
    assert usual_elements([], {"A": ("a",)}) == frozenset()


def test_how_few_cover_how_much() -> None:
    rows = [row("A", 90), row("B", 6), row("C", 4)]
    assert coverage(rows, 100) == (2, 0.96)
    assert coverage(rows, 1000) == (3, 0.1)
    assert coverage([], 0) == (0, 0.0)


def test_equal_variants_of_several_versions_are_one() -> None:
    first, second = row("AB", 30, 4, 1, hours=2), row("AB", 10, 3, 2, hours=6)
    assert together([first, row("A", 20), second]) == [
        replace(first, traces=40, deviating=3, mean=timedelta(hours=3)),
        row("A", 20),
    ]
