"""Variants of traces as chains of steps, and how each differs from the most frequent one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

from monitor.storage.views import VariantRow

SHOWN_STEPS = 12
"""Links of a chain that are seen at once; the others are behind a click."""

COMPARED = 200
"""Labels of a chain that are compared; what comes after them is not marked."""


class Link(NamedTuple):
    """A label that came ``times`` in a row. ``mark``: ``extra`` where the most frequent variant has nothing
    like it here, ``absent`` where only that one has it, else empty."""

    label: str
    times: int
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """``first`` links and the ``rest`` of the chain; ``share`` of all complete traces, 0 to 1."""

    row: VariantRow
    first: Sequence[Link]
    rest: Sequence[Link]
    share: float


def variants(rows: Sequence[VariantRow], whole: int) -> list[Variant]:
    """``rows``: the most frequent first. ``whole``: how many complete traces there are."""
    usual = usual_labels(rows)
    told = []
    for row in rows:
        links = chain(row.labels, usual)
        share = min(1.0, row.traces / whole) if whole else 0.0
        told.append(Variant(row, links[:SHOWN_STEPS], links[SHOWN_STEPS:], share))
    return told


def usual_labels(rows: Sequence[VariantRow]) -> tuple[str, ...]:
    """The labels of the most frequent variant."""
    return rows[0].labels if rows else ()


def chain(labels: Sequence[str], usual: Sequence[str]) -> list[Link]:
    """The labels with what is different from ``usual`` marked, and equal ones in a row told once."""
    marked: list[tuple[str, str]] = []
    compared, rest = labels[:COMPARED], labels[COMPARED:]
    matcher = SequenceMatcher(None, usual[:COMPARED], compared, autojunk=False)
    for operation, from_, to, begin, end in matcher.get_opcodes():
        if operation == "equal":
            marked += [(label, "") for label in compared[begin:end]]
        else:
            marked += [(label, "absent") for label in usual[from_:to]]
            marked += [(label, "extra") for label in compared[begin:end]]
    marked += [(label, "") for label in rest]
    return [Link(label, len(list(same)), mark) for (label, mark), same in groupby(marked)]


def usual_elements(rows: Sequence[VariantRow], elements: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Ids of the elements at which the events of the most frequent variant are seen. ``elements``: by
    label."""
    return frozenset(id for label in usual_labels(rows) for id in elements.get(label, ()))


class Coverage(NamedTuple):
    """So many of the most frequent variants cover ``share`` (0 to 1) of all complete traces."""

    variants: int
    share: float


def coverage(rows: Sequence[VariantRow], whole: int, wanted: float = 0.95) -> Coverage:
    """The fewest that cover ``wanted``, or all of ``rows`` where they do not."""
    if not whole:
        return Coverage(0, 0.0)
    covered = 0
    for number, row in enumerate(rows, start=1):
        covered += row.traces
        if covered >= wanted * whole:
            return Coverage(number, min(1.0, covered / whole))
    return Coverage(len(rows), min(1.0, covered / whole))
